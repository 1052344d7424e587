"""Functions that NumPy and CuPy have and the standard lacks, composed of the standard, with NumPy's arguments.

``np.sum(x, 0)``, ``x.sum(0)`` and ``xp.cumsum(x)`` of a Variable are found here.
"""

from xpnet.autodiff.idioms import (
    borders,
    elementwise,
    joining,
    linalg,
    places,
    polynomials,
    products,
    reductions,
    shapes,
    signals,
    statistics,
)
from xpnet.autodiff.idioms.table import IDIOMS

__all__ = [
    "IDIOMS",
    "borders",
    "elementwise",
    "joining",
    "linalg",
    "places",
    "polynomials",
    "products",
    "reductions",
    "shapes",
    "signals",
    "statistics",
]
