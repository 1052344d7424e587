"""Automatic differentiation of any array library: Variables, their namespace, and the transforms."""

import xpnet.autodiff.batching.attached  # noqa: F401 (with autodiff.attached it gives the classes their operators)
from xpnet.autodiff.batching.batch import BatchError
from xpnet.autodiff.batching.vmap import vmap
from xpnet.autodiff.grouped import call_layer
from xpnet.autodiff.jacobians import hessian, hvp, jacobian
from xpnet.autodiff.namespace import markdown_table, namespace_over
from xpnet.autodiff.nodes import Node
from xpnet.autodiff.own import checkpoint, custom_vjp, elementwise, pure_callback, tree_map
from xpnet.autodiff.own import constants as constant
from xpnet.autodiff.signatures import CallError
from xpnet.autodiff.transforms import grad, jvp, stop_gradient, value_and_grad, vjp
from xpnet.autodiff.variable import Variable
from xpnet.errors import RuleMissingError

__all__ = [
    "BatchError",
    "CallError",
    "Node",
    "RuleMissingError",
    "Variable",
    "call_layer",
    "checkpoint",
    "constant",
    "custom_vjp",
    "elementwise",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "markdown_table",
    "namespace_over",
    "pure_callback",
    "stop_gradient",
    "tree_map",
    "value_and_grad",
    "vjp",
    "vmap",
]
