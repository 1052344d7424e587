"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import affine

__all__ = ["affine", "names"]


def names() -> tuple[str, ...]:
    return ("cupy",)
