"""Rules of the distribution functions of statistics, by the value and by what has a formula; others are refused.

Source: NIST Digital Library of Mathematical Functions, 2025, chapters 7 and 8.
"""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.rules.special import beta_density, call, exp, gamma_density, inverse, log, negative, slopes, sqrt
from xpnet.backend import array_namespace


def t_density(v: Any, t: Any) -> Any:
    log1p = array_namespace(t).log1p
    scale = call("gammaln", 0.5 * (v + 1.0)) - call("gammaln", 0.5 * v)
    return exp(scale - 0.5 * (v + 1.0) * log1p(t * t / v)) / sqrt(v * math.pi)


def f_density(m: Any, n: Any, x: Any) -> Any:
    scale = 0.5 * m * log(m) + 0.5 * n * log(n) - call("betaln", 0.5 * m, 0.5 * n)
    return exp(scale + call("xlogy", 0.5 * m - 1.0, x) - 0.5 * (m + n) * log(m * x + n))


def poisson(k: Any, m: Any) -> Any:
    return gamma_density(k + 1.0, m)


def _whole(n: Any) -> Any:
    """Return a number of trials as SciPy wants it."""
    xp = array_namespace(n)
    return xp.astype(n, xp.int64)


slopes("chdtr", None, lambda v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x))
slopes("chdtrc", None, lambda v, x: -0.5 * gamma_density(0.5 * v, 0.5 * x))
slopes("chdtri", None, inverse("chdtri", lambda v, x: -0.5 * gamma_density(0.5 * v, 0.5 * x), 1))
slopes("stdtr", None, t_density)
slopes("stdtrit", None, inverse("stdtrit", t_density, 1))
slopes("fdtr", None, None, f_density)
slopes("fdtrc", None, None, negative(f_density))
slopes("fdtri", None, None, inverse("fdtri", f_density, 2))
slopes("gdtr", lambda a, b, x: x * gamma_density(b, a * x), None, lambda a, b, x: a * gamma_density(b, a * x))
slopes("gdtrc", lambda a, b, x: -x * gamma_density(b, a * x), None, lambda a, b, x: -a * gamma_density(b, a * x))
slopes("pdtr", None, negative(poisson))
slopes("pdtrc", None, poisson)
slopes("bdtr", None, None, lambda k, n, p: -beta_density(k + 1.0, n - k, p))
slopes("bdtrc", None, None, lambda k, n, p: beta_density(k + 1.0, n - k, p))
slopes("nbdtr", None, None, lambda k, n, p: beta_density(n, k + 1.0, p))
slopes("nbdtrc", None, None, lambda k, n, p: -beta_density(n, k + 1.0, p))
slopes("bdtri", None, None, lambda k, n, y: -1.0 / beta_density(k + 1.0, n - k, call("bdtri", k, _whole(n), y)))
slopes("nbdtri", None, None, inverse("nbdtri", lambda k, n, p: beta_density(n, k + 1.0, p), 2))
slopes("pdtri", None, inverse("pdtri", negative(poisson), 1))
