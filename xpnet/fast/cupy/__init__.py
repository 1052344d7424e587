"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import affine, optimizer

__all__ = ["affine", "names", "optimizer"]


def names() -> tuple[str, ...]:
    return ("cupy",)
