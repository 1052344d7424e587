"""xpnet: backpropagation written once against the Python array API standard.

The names are imported when they are first used: ``xpnet.tune()`` has to come before numpy is loaded.

Every class and function has an example. They assume ``import numpy as np``, ``import xpnet as xn`` and the names of
``layers``, ``networks``, ``optimizers``, ``schedules``, ``initializers``, ``datasets``, ``training`` and of
``xpnet.random``; NumPy prints four digits, ``np.set_printoptions(precision=4, suppress=True)``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xpnet.autodiff import (
        Variable,
        checkpoint,
        constant,
        custom_vjp,
        elementwise,
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        pure_callback,
        stop_gradient,
        tree_map,
        value_and_grad,
        vjp,
        vmap,
    )
    from xpnet.backend import asarray, available_backends, get_backend, set_backend, use_backend
    from xpnet.capturing import capture
    from xpnet.drawing import draw
    from xpnet.errors import XpnetError
    from xpnet.gradcheck import gradient_check, numerical_gradient
    from xpnet.interop import for_scipy, for_solve_bvp
    from xpnet.layers.bodies import plain
    from xpnet.training import load, load_network, load_torch, save
    from xpnet.tuning import tune

__version__ = "0.1.0"

__all__ = [
    "Variable",
    "XpnetError",
    "asarray",
    "available_backends",
    "capture",
    "checkpoint",
    "constant",
    "custom_vjp",
    "draw",
    "elementwise",
    "for_scipy",
    "for_solve_bvp",
    "get_backend",
    "grad",
    "gradient_check",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "load_network",
    "load_torch",
    "numerical_gradient",
    "plain",
    "pure_callback",
    "save",
    "set_backend",
    "stop_gradient",
    "tree_map",
    "tune",
    "use_backend",
    "value_and_grad",
    "vjp",
    "vmap",
]

_MODULES = {
    "autodiff": (
        *("Variable", "checkpoint", "constant", "custom_vjp", "elementwise", "grad", "hessian", "hvp", "jacobian"),
        *("jvp", "pure_callback", "stop_gradient", "tree_map", "value_and_grad", "vjp", "vmap"),
    ),
    "backend": ("asarray", "available_backends", "get_backend", "set_backend", "use_backend"),
    "capturing": ("capture",),
    "drawing": ("draw",),
    "errors": ("XpnetError",),
    "gradcheck": ("gradient_check", "numerical_gradient"),
    "interop": ("for_scipy", "for_solve_bvp"),
    "layers.bodies": ("plain",),
    "training": ("load", "load_network", "load_torch", "save"),
    "tuning": ("tune",),
}
_MODULE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a public name or a part of the package, imported now."""
    if name in _MODULE:
        found = globals()[name] = getattr(import_module(f"xpnet.{_MODULE[name]}"), name)
        return found
    if not name.startswith("_"):
        try:
            return import_module(f"xpnet.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"xpnet.{name}":
                raise
    raise AttributeError(f"module 'xpnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"Any", "TYPE_CHECKING", "import_module"})
