"""The stand-in for cupy with graphs."""

from __future__ import annotations

import sys

import pytest
from cuda_on_cpu import COMPILER, pretend_cupy
from graphs_on_cpu import pretend_graphs

import xpnet as xn
from xpnet import kernels
from xpnet.backend import namespace as spaces
from xpnet.backend.libraries import LIBRARIES


@pytest.fixture(scope="module")
def cupy():
    """The stand-in for cupy, with graphs."""
    if COMPILER is None:
        pytest.skip("no C++ compiler is here")
    gone = ("cuda", "cupy", "cupy_backends", "nvmath")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in gone}
    made = pretend_graphs(pretend_cupy())
    with xn.use_backend("numpy", dtype="float32"):
        yield made
    del spaces._NAMESPACES[made.ndarray]
    LIBRARIES["cupy"]._namespace = None
    for name in list(sys.modules):
        if name.split(".")[0] in gone or name.startswith("xpnet.kernels.cupy"):
            del sys.modules[name]
    sys.modules.update(before)
    for kernel in vars(kernels).values():
        getattr(kernel, "bodies", {}).pop("cupy", None)
