"""NumPy bodies."""

from xpnet.fast.numpy import activation, affine, loss, optimizer, softmax
from xpnet.fast.numpy.choice import available

__all__ = ["activation", "affine", "loss", "names", "optimizer", "softmax"]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
