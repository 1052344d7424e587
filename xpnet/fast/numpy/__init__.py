"""NumPy bodies."""

from xpnet.fast.numpy import affine, loss, optimizer
from xpnet.fast.numpy.choice import available

__all__ = ["affine", "loss", "names", "optimizer"]


def names() -> tuple[str, ...]:
    """The compiled bodies first, where numba is here and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
