"""Automatic differentiation of any array library: Variables, their namespace, and the transforms."""

import xpnet.autodiff.attached  # noqa: F401 (it gives the class its operators)
from xpnet.autodiff.grouped import call_layer
from xpnet.autodiff.namespace import markdown_table, namespace_over
from xpnet.autodiff.nodes import Node
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
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "markdown_table",
    "namespace_over",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
