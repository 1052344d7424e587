"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import activation, affine, loss, optimizer, softmax

__all__ = ["activation", "affine", "loss", "names", "optimizer", "softmax"]


def names() -> tuple[str, ...]:
    return ("cupy",)
