"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import affine, attention, embedding, normalization, transformer

__all__ = ["affine", "attention", "embedding", "names", "normalization", "transformer"]


def names() -> tuple[str, ...]:
    return ("cupy",)
