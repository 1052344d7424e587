"""xpnet: backpropagation written once against the Python array API standard."""

from xpnet.autodiff import Variable, grad, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from xpnet.backend import available_backends, get_backend, set_backend, use_backend
from xpnet.drawing import draw
from xpnet.errors import XpnetError
from xpnet.gradcheck import gradient_check, numerical_gradient
from xpnet.training import load, save

__version__ = "0.1.0"

__all__ = [
    "Variable",
    "XpnetError",
    "available_backends",
    "draw",
    "get_backend",
    "grad",
    "gradient_check",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "numerical_gradient",
    "save",
    "set_backend",
    "stop_gradient",
    "use_backend",
    "value_and_grad",
    "vjp",
]
