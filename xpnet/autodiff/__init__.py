"""Automatic differentiation of any array library: Variables, their namespace, and the transforms."""

import xpnet.autodiff.attached  # noqa: F401 (it gives the class its operators)
from xpnet.autodiff.grouped import call_layer
from xpnet.autodiff.namespace import markdown_table, namespace_over
from xpnet.autodiff.nodes import Node
from xpnet.autodiff.own import checkpoint, custom_vjp, elementwise, pure_callback, tree_map, vmap
from xpnet.autodiff.own import constants as constant
from xpnet.autodiff.signatures import CallError
from xpnet.autodiff.transforms import grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from xpnet.autodiff.variable import Variable
from xpnet.errors import RuleMissingError

__all__ = [
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
