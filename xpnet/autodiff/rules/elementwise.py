# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of the element-wise functions.

Where no derivative exists: ``abs``, ``sign``, ``hypot`` and ``atan2`` have 0 at 0; ``maximum`` and ``minimum`` give
each side of a tie one half; ``clip`` passes gradients at its bounds; ``sqrt``, ``log`` and ``reciprocal`` give what
the library computes there, inf or NaN.
"""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.rules.table import rule
from xpnet.backend import array_namespace, dtype_kind
from xpnet.backend.numbers import NUMBERS

LN2, LN10 = math.log(2.0), math.log(10.0)


def as_number(mask: Any, like: Any) -> Any:
    """A mask as zeros and ones of an array's dtype."""
    return array_namespace(mask, like).astype(mask, like.dtype)


def nonzero_or_one(x: Any) -> Any:
    """``x`` with ones for its zeros, to divide by."""
    xp = array_namespace(x)
    return xp.where(x == 0, xp.ones_like(x), x)


def keep_where(mask: Any, g: Any) -> Any:
    """``g`` where the mask holds, else 0, also where g is inf or NaN."""
    xp = array_namespace(mask, g)
    return xp.where(mask, g, xp.zeros_like(g))


def conj(x: Any) -> Any:
    return array_namespace(x).conj(x) if dtype_kind(x) == "complex" else x


def real_part(x: Any) -> Any:
    return array_namespace(x).real(x) if dtype_kind(x) == "complex" else x


def as_complex(g: Any, like: Any) -> Any:
    return array_namespace(g, like).astype(g, like.dtype)


rule("add", lambda g, y, a, b: g, lambda g, y, a, b: g, fits=True)
rule("subtract", lambda g, y, a, b: g, lambda g, y, a, b: -g, fits=True)
rule("multiply", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, fits=True)
rule("divide", lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b, fits=True)
rule(
    "remainder",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * array_namespace(a, b).floor(a / b),
    fits=True,
    note="at jumps the derivative from the right",
)
rule("negative", lambda g, y, x: -g)
rule("positive", lambda g, y, x: g)
rule("square", lambda g, y, x: g * (x + x))
rule("reciprocal", lambda g, y, x: -g * (y * y))
rule("sqrt", lambda g, y, x: g / (y + y), note="inf at 0")
rule("exp", lambda g, y, x: g * y)
rule("expm1", lambda g, y, x: g * (y + 1.0))
rule("log", lambda g, y, x: g / x)
rule("log1p", lambda g, y, x: g / (x + 1.0))
rule("log2", lambda g, y, x: g / (x * LN2))
rule("log10", lambda g, y, x: g / (x * LN10))
rule("sin", lambda g, y, x: g * array_namespace(x).cos(x))
rule("cos", lambda g, y, x: -g * array_namespace(x).sin(x))
rule("tan", lambda g, y, x: g * (y * y + 1.0))
rule("asin", lambda g, y, x: g / _sqrt_product(1.0 - x, 1.0 + x), note="inf at -1 and 1")
rule("acos", lambda g, y, x: -g / _sqrt_product(1.0 - x, 1.0 + x), note="-inf at -1 and 1")
rule("atan", lambda g, y, x: g / (x * x + 1.0))
rule("sinh", lambda g, y, x: g * array_namespace(x).cosh(x))
rule("cosh", lambda g, y, x: g * array_namespace(x).sinh(x))
rule("tanh", lambda g, y, x: g - g * (y * y))
rule("asinh", lambda g, y, x: g / array_namespace(x).sqrt(x * x + 1.0))
rule("acosh", lambda g, y, x: g / _sqrt_product(x - 1.0, x + 1.0), note="inf at 1")
rule("atanh", lambda g, y, x: g / (1.0 - x * x), note="inf at -1 and 1")


def _sqrt_product(a: Any, b: Any) -> Any:
    """``√a √b``, which has the branch cuts of the inverse functions where ``√(ab)`` has others."""
    xp = array_namespace(a)
    return xp.sqrt(a) * xp.sqrt(b)


def _pow_base(g: Any, y: Any, x: Any, n: Any) -> Any:
    if type(n) in NUMBERS:
        if n == 2:
            return g * (x + x)
        return g * 0.0 if n == 0 else g * (x ** (n - 1) * n)
    xp = array_namespace(x, n)
    below = xp.where(n == 0, xp.ones_like(n), n - 1)
    return keep_where(n != 0, g * (n * x**below))


def _pow_exponent(g: Any, y: Any, x: Any, n: Any) -> Any:
    if type(x) in NUMBERS:
        return g * 0.0 if x == 0 else g * y * (math.log(x) if type(x) is not complex and x > 0 else _log_number(x, n))
    return g * y * array_namespace(x).log(nonzero_or_one(x))


def _log_number(x: Any, n: Any) -> Any:
    xp = array_namespace(n)
    return xp.log(xp.full_like(n, x))


rule(
    "pow",
    _pow_base,
    _pow_exponent,
    fits=True,
    note="x ** 0 has 0 everywhere; by the exponent 0 at x = 0, NaN for x < 0",
)


def _over_radius(g: Any, a: Any, y: Any) -> Any:
    return g * (a / nonzero_or_one(y))


rule(
    "hypot",
    lambda g, y, a, b: _over_radius(g, a, y),
    lambda g, y, a, b: _over_radius(g, b, y),
    fits=True,
    note="0 at (0, 0)",
)
rule(
    "atan2",
    lambda g, y, a, b: g * (b / nonzero_or_one(a * a + b * b)),
    lambda g, y, a, b: -g * (a / nonzero_or_one(a * a + b * b)),
    fits=True,
    note="0 at (0, 0)",
)
rule(
    "logaddexp",
    lambda g, y, a, b: g * array_namespace(a, y).exp(a - y),
    lambda g, y, a, b: g * array_namespace(b, y).exp(b - y),
    fits=True,
    note="NaN where both are the same infinity",
)


def _larger_share(a: Any, b: Any, y: Any) -> Any:
    """1 where ``a > b``, one half in a tie."""
    return as_number(a > b, y) + 0.5 * as_number(a == b, y)


rule(
    "maximum",
    lambda g, y, a, b: g * _larger_share(a, b, y),
    lambda g, y, a, b: g * _larger_share(b, a, y),
    fits=True,
    note="a tie is split equally",
)
rule(
    "minimum",
    lambda g, y, a, b: g * _larger_share(b, a, y),
    lambda g, y, a, b: g * _larger_share(a, b, y),
    fits=True,
    note="a tie is split equally",
)


def _clip_x(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002 (the standard's names)
    return g * as_number(x == y, y)


def _clip_low(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    return g * as_number(x < min, y)


def _clip_high(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    return g * as_number(x > max, y)


rule(
    "clip",
    _clip_x,
    _clip_low,
    _clip_high,
    fits=True,
    operands=("x", "min", "max"),
    note="1 for x at a bound",
)
rule(
    "where",
    None,
    lambda g, y, condition, a, b: keep_where(condition, g),
    lambda g, y, condition, a, b: keep_where(~condition, g),
    fits=True,
    note="0 for the branch not taken; a NaN computed in it still spreads: guard its argument",
)


def _sign(g: Any, y: Any, x: Any) -> Any:
    if dtype_kind(x) != "complex":
        return g * 0.0
    xp = array_namespace(g, x, y)
    radius = nonzero_or_one(xp.astype(xp.abs(x), x.dtype))
    return (g - xp.conj(g) * xp.conj(y) * xp.conj(y)) / (radius + radius)


def _copysign(g: Any, y: Any, x: Any, sign_of: Any) -> Any:
    xp = array_namespace(x, y)
    return g * (xp.sign(x) * xp.sign(y))


def _abs(g: Any, y: Any, x: Any) -> Any:
    sign = array_namespace(x).sign(x)
    return as_complex(g, x) * conj(sign) if dtype_kind(x) == "complex" else g * sign


rule("abs", _abs, note="0 at 0")
rule("sign", _sign, note="0 everywhere, of complex numbers that of x / |x|; 0 at 0")
rule("copysign", _copysign, None, fits=True, note="0 at x = 0; by the sign 0")
rule("conj", lambda g, y, x: conj(g))
rule("real", lambda g, y, x: as_complex(g, x) if dtype_kind(x) == "complex" else g)
rule("imag", lambda g, y, x: as_complex(g, x) * -1j)
