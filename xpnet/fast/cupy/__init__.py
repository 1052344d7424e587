"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import affine, convolution, noise, pooled_convolution, pooling

__all__ = ["affine", "convolution", "names", "noise", "pooled_convolution", "pooling"]


def names() -> tuple[str, ...]:
    return ("cupy",)
