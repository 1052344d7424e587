"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import activation, affine, loss, softmax

__all__ = ["activation", "affine", "loss", "names", "softmax"]


def names() -> tuple[str, ...]:
    return ("cupy",)
