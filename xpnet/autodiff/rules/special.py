# ruff: noqa: ARG005 (a rule takes all that its function takes)
"""Rules of the special functions: the derivative by each argument, or None if no formula is known.

A gradient is written in the standard and in other special functions, so that it can be differentiated again. For an
argument without a formula, such as the order of a Bessel function, the value is computed and ``backward`` raises.

Source: NIST Digital Library of Mathematical Functions, 2025.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from xpnet.autodiff.batching.ways import aligned
from xpnet.autodiff.forward import by_gradients
from xpnet.autodiff.record import apply
from xpnet.autodiff.rules.elementwise import keep_where, nonzero_or_one
from xpnet.autodiff.rules.special_values import ORDERS, as_arrays, value
from xpnet.autodiff.table import Rule
from xpnet.backend import array_namespace
from xpnet.errors import DerivativeError

SPECIAL: dict[str, Rule] = {}

Slope = Callable[..., Any]


def call(name: str, *args: Any) -> Any:
    """Return the special function of arrays or Variables, recorded for Variables."""
    return apply(SPECIAL[name], partial(value, name), args)


def slopes(name: str, *by: Slope | None) -> None:
    """Declare ``∂y/∂xᵢ`` of a special function as functions of its arguments."""
    gradients = tuple(_unknown(name, at) if slope is None else _times(name, slope) for at, slope in enumerate(by))
    SPECIAL[name] = Rule(name, gradients, fits=True, fresh=True, forward=by_gradients, batch=aligned)


def _times(name: str, slope: Slope) -> Slope:
    def gradient(g: Any, y: Any, *args: Any) -> Any:
        return g * slope(*(args if name in ORDERS else as_arrays(args, array_namespace(g, y), g.dtype, g)))

    return gradient


def _unknown(name: str, at: int) -> Slope:
    def refuse(*_: Any) -> Any:
        raise DerivativeError(
            f"special.{name}",
            "what is differentiated must have a rule",
            f"a Variable as argument {at}, by which no formula is known",
            "give it as a constant, stop_gradient(x)",
        )

    return refuse


def exp(x: Any) -> Any:
    return array_namespace(x).exp(x)


def log(x: Any) -> Any:
    return array_namespace(x).log(x)


def sqrt(x: Any) -> Any:
    return array_namespace(x).sqrt(x)


def series(x: Any, coefficients: list[float], elsewhere: Slope) -> Any:
    """Return ``Σ cₖ xᵏ`` where ``|x| < 1``, and ``elsewhere(x)`` where dividing by x loses no digits."""
    xp = array_namespace(x)
    near = xp.abs(x) < 1.0
    small, large = keep_where(near, x), xp.where(near, xp.ones_like(x), x)
    total = xp.full_like(small, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total * small + c
    return xp.where(near, total, elsewhere(large))


def _f(n: int) -> float:
    return float(math.factorial(n))


EXPREL = [(k + 1) / _f(k + 2) for k in range(20)]  # of the derivative
SINC = [0.0 if k % 2 == 0 else (-1) ** ((k + 1) // 2) * (k + 1) / _f(k + 2) for k in range(22)]  # of the derivative
I1 = [0.0 if k % 2 else 0.25 ** (k // 2) / 2 / _f(k // 2) / _f(k // 2 + 1) for k in range(22)]  # of I₁(x) / x
J1 = [(-1) ** (k // 2) * c for k, c in enumerate(I1)]


def _over_x(name: str, coefficients: list[float]) -> Slope:
    return lambda x: series(x, coefficients, lambda x: call(name, x) / x)


def _i1e_over_x(x: Any) -> Any:
    xp = array_namespace(x)
    near = xp.abs(x) < 1.0
    small, large = keep_where(near, x), xp.where(near, xp.ones_like(x), x)
    return xp.where(near, series(small, I1, lambda z: z) * exp(-xp.abs(small)), call("i1e", large) / large)


def _sinc(x: Any) -> Any:
    return math.pi * series(
        math.pi * x, SINC, lambda z: (array_namespace(z).cos(z) - array_namespace(z).sin(z) / z) / z
    )


def phi(x: Any) -> Any:
    """Return the density of the normal distribution."""
    return exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def gamma_density(a: Any, x: Any) -> Any:
    return exp(call("xlogy", a - 1.0, x) - x - call("gammaln", a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(call("xlogy", a - 1.0, x) + call("xlog1py", b - 1.0, -x) - call("betaln", a, b))


def t_density(v: Any, t: Any) -> Any:
    log1p = array_namespace(t).log1p
    scale = call("gammaln", 0.5 * (v + 1.0)) - call("gammaln", 0.5 * v)
    return exp(scale - 0.5 * (v + 1.0) * log1p(t * t / v)) / sqrt(v * math.pi)


def f_density(m: Any, n: Any, x: Any) -> Any:
    scale = 0.5 * m * log(m) + 0.5 * n * log(n) - call("betaln", 0.5 * m, 0.5 * n)
    return exp(scale + call("xlogy", 0.5 * m - 1.0, x) - 0.5 * (m + n) * log(m * x + n))


def poisson(k: Any, m: Any) -> Any:
    return gamma_density(k + 1.0, m)


def psi(x: Any) -> Any:
    return call("digamma", x)


def quotient(x: Any, y: Any) -> Any:
    """Return ``x / y``, or 0 where both are 0."""
    xp = array_namespace(x, y)
    both = (x == 0) & (y == 0)
    return xp.where(both, xp.zeros_like(x / nonzero_or_one(y)), x / xp.where(both, xp.ones_like(y), y))


def negative(slope: Slope) -> Slope:
    return lambda *args: -slope(*args)


def inverse(name: str, slope: Slope, at: int) -> Slope:
    """Return the slope of an inverse function, the reciprocal of the slope at its value."""
    return lambda *args: 1.0 / slope(*args[:at], call(name, *args), *args[at + 1 :])


def _some(n: Any) -> bool:
    """Return whether an order is anything other than the integer 0."""
    return type(n) is not int or n != 0


def _by_power(y: Any, a: Any) -> Any:
    """Return ``∂/∂a (log(1 + a y) / a)``, as the series ``-y²/2 + 2 a y³/3 - …`` if a y is small."""
    xp = array_namespace(y, a)
    z = a * y
    small = abs(z) < 1e-2
    far = xp.where(small, xp.ones_like(z), z)
    near = -0.5 + z * (2.0 / 3 - z * (3.0 / 4 - z * (4.0 / 5 - z * (5.0 / 6 - z * (6.0 / 7 - z * 7.0 / 8)))))
    return y * y * xp.where(small, near, (far / (1.0 + far) - xp.log1p(far)) / (far * far))


DEGREE = math.pi / 180.0

# One line each: the name, and ∂y/∂x of every argument.
slopes("erf", lambda x: 2.0 / math.sqrt(math.pi) * exp(-x * x))
slopes("erfc", lambda x: -2.0 / math.sqrt(math.pi) * exp(-x * x))
slopes("erfcx", lambda x: 2.0 * x * call("erfcx", x) - 2.0 / math.sqrt(math.pi))
slopes("erfi", lambda x: 2.0 / math.sqrt(math.pi) * exp(x * x))
slopes("erfinv", lambda y: 0.5 * math.sqrt(math.pi) * exp(call("erfinv", y) ** 2))
slopes("erfcinv", lambda y: -0.5 * math.sqrt(math.pi) * exp(call("erfcinv", y) ** 2))
slopes("dawsn", lambda x: 1.0 - 2.0 * x * call("dawsn", x))
slopes("ndtr", phi)
slopes("log_ndtr", lambda x: exp(-0.5 * x * x - call("log_ndtr", x)) / math.sqrt(2.0 * math.pi))
slopes("ndtri", inverse("ndtri", phi, 0))
slopes("gamma", lambda x: call("gamma", x) * psi(x))
slopes("gammaln", psi)
slopes("gammasgn", lambda x: array_namespace(x).zeros_like(x))
slopes("loggamma", psi)
slopes("rgamma", lambda x: -psi(x) * call("rgamma", x))
slopes("digamma", lambda x: call("polygamma", 1, x))
slopes("polygamma", None, lambda n, x: call("polygamma", n + 1, x))
slopes("multigammaln", lambda a, d: sum(psi(a - 0.5 * i) for i in range(int(d))), None)
slopes("gammainc", None, gamma_density)
slopes("gammaincc", None, negative(gamma_density))
slopes("gammaincinv", None, inverse("gammaincinv", gamma_density, 1))
slopes("gammainccinv", None, inverse("gammainccinv", negative(gamma_density), 1))
slopes("beta", *(lambda a, b, at=at: call("beta", a, b) * (psi((a, b)[at]) - psi(a + b)) for at in (0, 1)))
slopes("betaln", lambda a, b: psi(a) - psi(a + b), lambda a, b: psi(b) - psi(a + b))
slopes("betainc", None, None, beta_density)
slopes("betaincc", None, None, negative(beta_density))
slopes("betaincinv", None, None, inverse("betaincinv", beta_density, 2))
slopes(
    "binom",
    lambda n, k: call("binom", n, k) * (psi(n + 1.0) - psi(n - k + 1.0)),
    lambda n, k: call("binom", n, k) * (psi(n - k + 1.0) - psi(k + 1.0)),
)
slopes(
    "poch",
    lambda a, m: call("poch", a, m) * (psi(a + m) - psi(a)),
    lambda a, m: call("poch", a, m) * psi(a + m),
)
slopes("expit", lambda x: call("expit", x) * call("expit", -x))
slopes("log_expit", lambda x: call("expit", -x))
slopes("logit", lambda p: 1.0 / (p * (1.0 - p)))
slopes("xlogy", lambda x, y: log(y), quotient)
slopes("xlog1py", lambda x, y: array_namespace(y).log1p(y), lambda x, y: quotient(x, 1.0 + y))
slopes("entr", lambda x: -log(x) - 1.0)
slopes("rel_entr", lambda x, y: log(x / y) + 1.0, lambda x, y: -quotient(x, y))
slopes("kl_div", lambda x, y: log(x / y), lambda x, y: 1.0 - quotient(x, y))
slopes("i0", lambda x: call("i1", x))
slopes("i1", lambda x: call("i0", x) - _over_x("i1", I1)(x))
slopes("i0e", lambda x: call("i1e", x) - array_namespace(x).sign(x) * call("i0e", x))
slopes("i1e", lambda x: call("i0e", x) - array_namespace(x).sign(x) * call("i1e", x) - _i1e_over_x(x))
slopes("iv", None, lambda v, x: 0.5 * (call("iv", v - 1.0, x) + call("iv", v + 1.0, x)))
slopes("j0", lambda x: -call("j1", x))
slopes("j1", lambda x: call("j0", x) - _over_x("j1", J1)(x))
slopes("jv", None, lambda v, x: 0.5 * (call("jv", v - 1.0, x) - call("jv", v + 1.0, x)))
slopes("y0", lambda x: -call("y1", x))
slopes("y1", lambda x: call("y0", x) - call("y1", x) / x)
slopes("yv", None, lambda v, x: 0.5 * (call("yv", v - 1.0, x) - call("yv", v + 1.0, x)))
slopes(
    "ive",
    None,
    lambda v, x: (
        0.5 * (call("ive", v - 1.0, x) + call("ive", v + 1.0, x)) - array_namespace(x).sign(x) * call("ive", v, x)
    ),
)
slopes("yn", None, lambda n, x: 0.5 * (call("yn", n - 1, x) - call("yn", n + 1, x)))
slopes("k0", lambda x: -call("k1", x))
slopes("k1", lambda x: -call("k0", x) - call("k1", x) / x)
slopes("k0e", lambda x: call("k0e", x) - call("k1e", x))
slopes("k1e", lambda x: call("k1e", x) - call("k0e", x) - call("k1e", x) / x)
slopes("kv", None, lambda v, x: -0.5 * (call("kv", v - 1.0, x) + call("kv", v + 1.0, x)))
slopes("kve", None, lambda v, x: call("kve", v, x) - 0.5 * (call("kve", v - 1.0, x) + call("kve", v + 1.0, x)))
slopes("kn", None, lambda n, x: -0.5 * (call("kn", abs(n - 1), x) + call("kn", n + 1, x)))
slopes("expi", lambda x: exp(x) / x)
slopes("exp1", lambda x: -exp(-x) / x)
slopes(
    "expn", None, lambda n, x: -exp(-x) * (1.0 + x) / (x * x) if type(n) is int and n == 0 else -call("expn", n - 1, x)
)
slopes("exprel", lambda x: series(x, EXPREL, lambda x: (exp(x) - call("exprel", x)) / x))
slopes("exp2", lambda x: math.log(2.0) * call("exp2", x))
slopes("exp10", lambda x: math.log(10.0) * call("exp10", x))
slopes("cbrt", lambda x: 1.0 / (3.0 * call("cbrt", x) ** 2))
slopes("cosm1", lambda x: -array_namespace(x).sin(x))
slopes("sindg", lambda x: DEGREE * call("cosdg", x))
slopes("cosdg", lambda x: -DEGREE * call("sindg", x))
slopes("tandg", lambda x: DEGREE * (1.0 + call("tandg", x) ** 2))
slopes("cotdg", lambda x: -DEGREE * (1.0 + call("cotdg", x) ** 2))
slopes("ellipk", lambda m: (call("ellipe", m) - (1.0 - m) * call("ellipk", m)) / (2.0 * m * (1.0 - m)))
slopes("ellipkm1", lambda p: -(call("ellipe", 1.0 - p) - p * call("ellipkm1", p)) / (2.0 * p * (1.0 - p)))
slopes("ellipe", lambda m: (call("ellipe", m) - call("ellipk", m)) / (2.0 * m))
slopes("spence", lambda z: log(z) / (1.0 - z))
slopes("zetac", None)
slopes("zeta", None, lambda x, q: -x * call("zeta", x + 1.0, q))
slopes("sinc", _sinc)
slopes(
    "huber",
    lambda d, r: keep_where(abs(r) > d, abs(r) - d),
    lambda d, r: array_namespace(d, r).where(abs(r) > d, d * array_namespace(r).sign(r), r),
)
slopes(
    "pseudo_huber",
    lambda d, r: 2.0 * d * (sqrt(1.0 + (r / d) ** 2) - 1.0) - r * r / d / sqrt(1.0 + (r / d) ** 2),
    lambda d, r: r / sqrt(1.0 + (r / d) ** 2),
)
slopes(
    "inv_boxcox",
    lambda y, a: call("inv_boxcox", y, a) / (1.0 + a * y),
    lambda y, a: call("inv_boxcox", y, a) * _by_power(y, a),
)
slopes(
    "inv_boxcox1p",
    lambda y, a: (call("inv_boxcox1p", y, a) + 1.0) / (1.0 + a * y),
    lambda y, a: (call("inv_boxcox1p", y, a) + 1.0) * _by_power(y, a),
)
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
slopes("bdtri", None, None, inverse("bdtri", lambda k, n, p: -beta_density(k + 1.0, n - k, p), 2))
slopes("nbdtri", None, None, inverse("nbdtri", lambda k, n, p: beta_density(n, k + 1.0, p), 2))
slopes("pdtri", None, inverse("pdtri", negative(poisson), 1))
slopes(
    "radian",
    *(lambda d, m, s, part=part: array_namespace(d).full_like(d, DEGREE / part) for part in (1.0, 60.0, 3600.0)),
)
slopes(
    "lpmv",
    *(None, None),
    lambda m, v, x: (v * x * call("lpmv", m, v, x) - (v + m) * call("lpmv", m, v - 1.0, x)) / (x * x - 1.0),
)
slopes("ndtri_exp", lambda y: exp(y) / phi(call("ndtri_exp", y)))
slopes(
    "owens_t",
    lambda h, a: -exp(-0.5 * h * h) * call("erf", a * h / math.sqrt(2.0)) / math.sqrt(8.0 * math.pi),
    lambda h, a: exp(-0.5 * h * h * (1.0 + a * a)) / (2.0 * math.pi * (1.0 + a * a)),
)
slopes("hyp0f1", None, lambda b, x: call("hyp0f1", b + 1.0, x) / b)
slopes("hyp1f1", None, None, lambda a, b, x: a / b * call("hyp1f1", a + 1.0, b + 1.0, x))
slopes(
    "hyp2f1",
    *(None, None, None),
    lambda a, b, c, x: a * b / c * call("hyp2f1", a + 1.0, b + 1.0, c + 1.0, x),
)
