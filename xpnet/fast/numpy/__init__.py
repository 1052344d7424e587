"""NumPy bodies."""

from xpnet.fast.numpy import affine, attention, embedding, loss, normalization
from xpnet.fast.numpy.choice import available

__all__ = ["affine", "attention", "embedding", "loss", "names", "normalization"]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
