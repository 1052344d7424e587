"""The switch to CuPy, ``config.GPU = True``, which is read when the first other module of this package is imported."""

from xpnet.backend import get_backend

GPU: bool = get_backend().library.name == "cupy"
