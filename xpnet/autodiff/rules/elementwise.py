# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of the element-wise functions.

Gradients at points without a derivative: ``abs``, ``sign``, ``hypot`` and ``atan2`` have 0 at 0 (``sign`` of complex
numbers NaN); ``maximum`` and ``minimum`` give each side of a tie one half; ``clip`` passes gradients at its bounds;
``sqrt``, ``log`` and ``reciprocal`` have the value that the library computes there, inf or NaN.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from xpnet.autodiff.batching.ways import aligned
from xpnet.autodiff.forward import by_gradients, formula
from xpnet.autodiff.record import apply
from xpnet.autodiff.table import Rule
from xpnet.autodiff.table import rule as any_rule
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.backend.numbers import NUMBERS

rule = partial(any_rule, forward=by_gradients, batch=aligned)

LN2, LN10 = math.log(2.0), math.log(10.0)


def as_number(mask: Any, like: Any) -> Any:
    """Return a mask as zeros and ones in the dtype of another array."""
    return array_namespace(mask, like).astype(mask, like.dtype)


def zeros_like(x: Any) -> Any:
    return array_namespace(x).zeros_like(x)


def as_mask(condition: Any, like: Any) -> Any:
    """Return a condition as a mask; a number, which NumPy also accepts, becomes an array of bool."""
    if type(condition) in NUMBERS:
        return array_namespace(like).full((), bool(condition), device=device_of(like))
    return condition if dtype_kind(condition) == "bool" else condition != 0


def nonzero_or_one(x: Any) -> Any:
    """Return ``x`` with its zeros replaced by ones, for use as a divisor."""
    xp = array_namespace(x)
    return xp.where(x == 0, xp.ones_like(x), x)


def keep_where(mask: Any, g: Any) -> Any:
    """Return ``g`` where the mask is true and 0 elsewhere, even if g is inf or NaN there."""
    xp = array_namespace(mask, g)
    return xp.where(mask, g, xp.zeros_like(g))


def conj(x: Any) -> Any:
    return array_namespace(x).conj(x) if dtype_kind(x) == "complex" else x


def real_part(x: Any) -> Any:
    return array_namespace(x).real(x) if dtype_kind(x) == "complex" else x


def as_complex(g: Any, like: Any) -> Any:
    return array_namespace(g, like).astype(g, like.dtype)


def _asinh(g: Any, y: Any, x: Any) -> Any:
    xp = array_namespace(x)
    if dtype_kind(x) == "complex":
        return g / xp.sqrt(x * x + 1.0)
    return g / xp.hypot(x, xp.ones_like(x))  # x * x may overflow


rule("add", lambda g, y, a, b: g, lambda g, y, a, b: g, fits=True)
rule("subtract", lambda g, y, a, b: g, lambda g, y, a, b: -g, fits=True)
rule("multiply", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, fits=True, fresh=True)
rule("divide", lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * y) / b, fits=True, fresh=True)
rule(
    "remainder",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * array_namespace(y, b).round((a - y) / b),  # floor(a / b) may be one off beside a multiple
    fits=True,
    note="at jumps the derivative from the right",
)
rule("negative", lambda g, y, x: -g, fresh=True)
rule("positive", lambda g, y, x: g)
rule("square", lambda g, y, x: g * (x + x), fresh=True)
rule("reciprocal", lambda g, y, x: -g * (y * y), fresh=True)
rule("sqrt", lambda g, y, x: g / (y + y), fresh=True, note="inf at 0")
rule("exp", lambda g, y, x: g * y, fresh=True)
rule("expm1", lambda g, y, x: g * (y + 1.0), fresh=True)
rule("log", lambda g, y, x: g / x, fresh=True)
rule("log1p", lambda g, y, x: g / (x + 1.0), fresh=True)
rule("log2", lambda g, y, x: g / x / LN2, fresh=True)
rule("log10", lambda g, y, x: g / x / LN10, fresh=True)
rule("sin", lambda g, y, x: g * array_namespace(x).cos(x), fresh=True)
rule("cos", lambda g, y, x: -g * array_namespace(x).sin(x), fresh=True)
rule("tan", lambda g, y, x: g * (y * y + 1.0), fresh=True)
rule("asin", lambda g, y, x: g / _sqrt_product(1.0 - x, 1.0 + x), fresh=True, note="inf at -1 and 1")
rule("acos", lambda g, y, x: -g / _sqrt_product(1.0 - x, 1.0 + x), fresh=True, note="-inf at -1 and 1")
rule("atan", lambda g, y, x: g / (x * x + 1.0), fresh=True)
rule("sinh", lambda g, y, x: g * array_namespace(x).cosh(x), fresh=True)
rule("cosh", lambda g, y, x: g * array_namespace(x).sinh(x), fresh=True)
rule("tanh", lambda g, y, x: g - g * (y * y), fresh=True)
rule("asinh", _asinh, fresh=True)
rule("acosh", lambda g, y, x: g / _sqrt_product(x - 1.0, x + 1.0), fresh=True, note="inf at 1")
rule("atanh", lambda g, y, x: g / ((1.0 - x) * (1.0 + x)), fresh=True, note="inf at -1 and 1")


def _sqrt_product(a: Any, b: Any) -> Any:
    """Return ``√a √b``, which has the branch cuts of the inverse functions, unlike ``√(ab)``."""
    xp = array_namespace(a)
    return xp.sqrt(a) * xp.sqrt(b)


def _pow_base(g: Any, y: Any, x: Any, n: Any) -> Any:
    if type(n) in NUMBERS:
        if n == 2:
            return g * (x + x)
        return zeros_like(g) if n == 0 else g * (x ** (n - 1) * n)
    xp = array_namespace(x, n)
    below = xp.where(n == 0, xp.ones_like(n), n - 1)
    return keep_where(n != 0, g * (n * x**below))


def _pow_exponent(g: Any, y: Any, x: Any, n: Any) -> Any:
    if type(x) in NUMBERS:
        if x == 0:
            return zeros_like(g)
        return g * y * (math.log(x) if type(x) is not complex and x > 0 else _log_number(x, n))
    xp = array_namespace(x)
    settled = (xp.isinf(y) & (g == 0)) | (xp.isinf(x) & (y == 0))  # y does not change near this exponent
    return keep_where(~settled, g * y * xp.log(nonzero_or_one(x)))


def _log_number(x: Any, n: Any) -> Any:
    xp = array_namespace(n)
    return xp.log(xp.full_like(n, x))


rule(
    "pow",
    _pow_base,
    _pow_exponent,
    fits=True,
    fresh=True,
    note="x ** 0 has 0 everywhere; by the exponent 0 at x = 0, NaN for x < 0",
)


def unit(a: Any, r: Any) -> Any:
    """Return ``a / r``, or 0 at ``r = 0``, where its own derivative is NaN: a norm has no second derivative there."""
    return keep_where(r != 0, a / nonzero_or_one(r))


UNIT = Rule(
    "unit",
    (lambda g, y, a, r: g / r, lambda g, y, a, r: -(g * y) / r),
    fits=True,
    fresh=True,
    forward=by_gradients,
    batch=aligned,
)


def direction(a: Any, r: Any) -> Any:
    """Return ``unit(a, r)``, recorded."""
    return recorded(UNIT, unit, a, r)


def recorded(rule: Rule, function: Any, *args: Any) -> Any:
    """Call an internal function; on Variables, it is recorded as the functions of the namespace are."""
    return apply(rule, function, args)


rule(
    "hypot",
    lambda g, y, a, b: g * direction(a, y),
    lambda g, y, a, b: g * direction(b, y),
    fits=True,
    fresh=True,
    note="0 at (0, 0), and no second derivative",
)


def _atan2(g: Any, a: Any, b: Any) -> Any:
    """Return ``g b / r²`` by two divisions, because r² may underflow or overflow."""
    r = nonzero_or_one(array_namespace(a, b).hypot(a, b))
    return g * (b / r / r)


rule(
    "atan2",
    lambda g, y, a, b: _atan2(g, a, b),
    lambda g, y, a, b: -_atan2(g, b, a),
    fits=True,
    fresh=True,
    note="0 at (0, 0)",
)


def _logaddexp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Return ``g eᵃ⁻ʸ``; the exponent is 0 if a is the infinite result, and one half if both operands are."""
    xp = array_namespace(y, a)
    infinite = (a == y) & xp.isinf(y)
    a, y, both = keep_where(~infinite, a + zeros_like(y)), keep_where(~infinite, y), infinite & (b == a)
    share = xp.exp(a - y)
    return g * xp.where(both, 0.5 * share, share)


rule(
    "logaddexp",
    _logaddexp,
    lambda g, y, a, b: _logaddexp(g, y, b, a),
    fits=True,
    fresh=True,
    note="a half each where both are the same infinity",
)


def _share_of_larger(g: Any, a: Any, b: Any) -> Any:
    """Return ``g`` where ``a > b``, and one half of it for a tie."""
    xp = array_namespace(g, a, b)
    return xp.where(a == b, 0.5 * g, keep_where(a > b, g))


rule(
    "maximum",
    lambda g, y, a, b: _share_of_larger(g, a, b),
    lambda g, y, a, b: _share_of_larger(g, b, a),
    fits=True,
    fresh=True,
    note="a tie is split equally",
)
rule(
    "minimum",
    lambda g, y, a, b: _share_of_larger(g, b, a),
    lambda g, y, a, b: _share_of_larger(g, a, b),
    fits=True,
    fresh=True,
    note="a tie is split equally",
)


def _clip_x(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002 (the standard's names)
    return keep_where(x == y if min is None else (x == y) & ~(x < min), g)


def _clip_low(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    return keep_where((x < min) & (y == min), g)


def _clip_high(g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    above = x > max
    return keep_where(above if min is None else above | ((x < min) & (y != min)), g)


rule(
    "clip",
    _clip_x,
    _clip_low,
    _clip_high,
    fits=True,
    fresh=True,
    operands=("x", "min", "max"),
    note="1 for x at a bound; where min is above max, the result is max",
)
rule(
    "where",
    None,
    lambda g, y, condition, a, b: keep_where(as_mask(condition, g), g),
    lambda g, y, condition, a, b: keep_where(~as_mask(condition, g), g),
    fits=True,
    fresh=True,
    note="0 for the branch not taken, also where its own derivative is inf or NaN",
)


def _sign(g: Any, y: Any, x: Any) -> Any:
    if dtype_kind(x) != "complex":
        return zeros_like(g)
    xp = array_namespace(g, x, y)
    radius = xp.astype(xp.abs(x), x.dtype)
    return (g - xp.conj(g) * xp.conj(y) * xp.conj(y)) / (radius + radius)


def _sign_moves(moves: Any, y: Any, x: Any) -> Any:
    """Return ``(dx - y² conj dx) / 2r``; it is not the gradient's formula, as the complex sign is not analytic."""
    return _sign(moves[0], y if dtype_kind(x) != "complex" else conj(y), x)


def _copysign(g: Any, y: Any, x: Any, sign_of: Any) -> Any:
    xp = array_namespace(x, y)
    return keep_where(x != 0, g * (xp.sign(x) * xp.sign(y)))


def _abs(g: Any, y: Any, x: Any) -> Any:
    sign = array_namespace(x).sign(x)
    return as_complex(g, x) * conj(sign) if dtype_kind(x) == "complex" else g * sign


rule("abs", _abs, fresh=True, note="0 at 0")
rule(
    "sign",
    _sign,
    fresh=True,
    forward=formula(_sign_moves),
    note="0 everywhere, of complex numbers that of x / |x|; NaN at a complex 0",
)
rule("copysign", _copysign, None, fits=True, fresh=True, note="0 at x = 0; by the sign 0")
rule("conj", lambda g, y, x: conj(g))
rule("real", lambda g, y, x: as_complex(g, x) if dtype_kind(x) == "complex" else g)
rule("imag", lambda g, y, x: as_complex(g, x) * -1j if dtype_kind(x) == "complex" else zeros_like(g), fresh=True)
