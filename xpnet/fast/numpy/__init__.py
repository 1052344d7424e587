"""NumPy bodies."""

from xpnet.fast.numpy import activation, affine, loss, softmax
from xpnet.fast.numpy.choice import available

__all__ = ["activation", "affine", "loss", "names", "softmax"]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
