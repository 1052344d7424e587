"""NumPy bodies."""

from xpnet.fast.numpy import affine, convolution, loss, pooled_convolution, pooling
from xpnet.fast.numpy.choice import available

__all__ = ["affine", "convolution", "loss", "names", "pooled_convolution", "pooling"]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
