"""All checks, by suite."""

from __future__ import annotations

import array_api_extra_checks
import numpy_idioms
import scipy_rest
import scipy_special
import scipy_stats
import sklearn_checks
import small_packages
from foreign_checks import Check

SUITES: dict[str, tuple[Check, ...]] = {
    "array-api-extra": array_api_extra_checks.CHECKS,
    "scipy.special": scipy_special.CHECKS,
    "scipy.stats": scipy_stats.CHECKS,
    "SciPy, its other parts": scipy_rest.CHECKS,
    "scikit-learn": sklearn_checks.CHECKS,
    "glass, distmarg, array-api-signal, -negative-index": small_packages.CHECKS,
    "idioms of NumPy, `np.`": numpy_idioms.NP,
    "idioms of NumPy, `xp.`": numpy_idioms.XP,
    "methods of arrays": numpy_idioms.METHOD_CHECKS,
}


def refusals(words: str) -> str:
    """Return the beginning of an error, for a table."""
    return words.replace("|", "\\|").replace("\n", " ").partition(";")[0][:160]
