"""The bodies of a kernel for NumPy's arrays: NumPy's own, and the compiled one where numba is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import xpnet.kernels.numpy  # noqa: F401  registers the bodies
from xpnet.fast.numpy.choice import KERNELS
from xpnet.kernels import Kernel

if find_spec("numba"):
    for module in KERNELS:
        import_module(f"xpnet.kernels.numba.{module}")


def bodies_on_numpy(kernel: Kernel) -> list[Callable[..., Any]]:
    return [kernel.bodies[name] for name in ("numpy", "numba") if name in kernel.bodies]
