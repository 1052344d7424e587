"""xpnet: backpropagation written once against the Python array API standard."""

from xpnet.backend import available_backends, get_backend, set_backend, use_backend
from xpnet.errors import XpnetError
from xpnet.gradcheck import gradient_check, numerical_gradient
from xpnet.training import load, save

__version__ = "0.1.0"

__all__ = [
    "XpnetError",
    "available_backends",
    "get_backend",
    "gradient_check",
    "load",
    "numerical_gradient",
    "save",
    "set_backend",
    "use_backend",
]
