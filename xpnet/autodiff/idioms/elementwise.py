"""Element-wise functions under NumPy's names, and element-wise functions that the standard lacks."""

from __future__ import annotations

import math
from typing import Any

from xpnet.autodiff.idioms.table import IDIOMS, arrays, idiom
from xpnet.autodiff.rules.elementwise import keep_where
from xpnet.autodiff.table import base
from xpnet.backend import dtype_kind

RENAMED = {
    "absolute": "abs",
    "fabs": "abs",
    "conjugate": "conj",
    "fix": "trunc",
    "rint": "round",
    "float_power": "pow",
    "power": "pow",
    "true_divide": "divide",
    "mod": "remainder",
    "invert": "bitwise_invert",
    "bitwise_not": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "tan2")},
}
"""NumPy's name -> the standard's name, for functions whose names differ."""


@idiom("angle")
def _angle(xp: Any, z: Any, deg: bool = False) -> Any:
    y = xp.atan2(xp.imag(z), xp.real(z)) if dtype_kind(z) == "complex" else xp.atan2(xp.zeros_like(z), z)
    return y * (180.0 / math.pi) if deg else y


@idiom("real")
def _real(xp: Any, val: Any) -> Any:
    return xp.real(val) if dtype_kind(val) == "complex" else val


@idiom("imag")
def _imag(xp: Any, val: Any) -> Any:
    return xp.imag(val) if dtype_kind(val) == "complex" else xp.zeros_like(val)


@idiom("deg2rad", "radians")
def _deg2rad(_: Any, x: Any) -> Any:
    return x * (math.pi / 180.0)


@idiom("rad2deg", "degrees")
def _rad2deg(_: Any, x: Any) -> Any:
    return x * (180.0 / math.pi)


@idiom("cbrt")
def _cbrt(xp: Any, x: Any) -> Any:
    return xp.special.cbrt(x)


@idiom("exp2")
def _exp2(xp: Any, x: Any) -> Any:
    return xp.special.exp2(x)


@idiom("sinc")
def _sinc(xp: Any, x: Any) -> Any:
    return xp.special.sinc(x)


@idiom("i0")
def _i0(xp: Any, x: Any) -> Any:
    return xp.special.i0(x)


@idiom("ldexp")
def _ldexp(_: Any, x1: Any, x2: Any) -> Any:
    return x1 * 2.0**x2


@idiom("logspace")
def _logspace(xp: Any, start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0) -> Any:
    return base ** xp.linspace(start, stop, num, endpoint=endpoint)


@idiom("geomspace")
def _geomspace(xp: Any, start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    first, last = arrays(xp, [start, stop])
    return xp.exp(xp.linspace(xp.log(first), xp.log(last), num, endpoint=endpoint))


@idiom("logaddexp2")
def _logaddexp2(xp: Any, x1: Any, x2: Any) -> Any:
    return xp.logaddexp(x1 * math.log(2.0), x2 * math.log(2.0)) / math.log(2.0)


@idiom("fmax")
def _fmax(xp: Any, x1: Any, x2: Any) -> Any:
    return xp.where(_nan(xp, x1), x2, xp.where(_nan(xp, x2), x1, xp.maximum(x1, x2)))


@idiom("fmin")
def _fmin(xp: Any, x1: Any, x2: Any) -> Any:
    return xp.where(_nan(xp, x1), x2, xp.where(_nan(xp, x2), x1, xp.minimum(x1, x2)))


def _nan(xp: Any, x: Any) -> Any:
    return xp.isnan(xp.asarray(x))


@idiom("fmod")
def _fmod(xp: Any, x1: Any, x2: Any) -> Any:
    return x1 - x2 * xp.trunc(x1 / x2)


@idiom("heaviside")
def _heaviside(xp: Any, x1: Any, x2: Any) -> Any:
    x1, x2 = arrays(xp, [x1, x2])
    step = xp.astype(x1 > 0, x1.dtype)
    return xp.where(x1 == 0, x2, step)


@idiom("where")
def _where(xp: Any, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return xp.nonzero(condition)
    x, y = arrays(xp, [x, y]) if base(x) is not x or base(y) is not y else (x, y)
    return xp.where(condition if hasattr(condition, "dtype") else xp.asarray(condition), x, y)


@idiom("clip")
def _clip(xp: Any, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    return xp.clip(a, a_min if min is None else min, a_max if max is None else max)


@idiom("select")
def _select(xp: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    *choices, y = arrays(xp, [*choicelist, default])
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        y = xp.where(condition, choice, y)
    return y


@idiom("nan_to_num")
def _nan_to_num(xp: Any, x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:  # noqa: ARG001
    info = xp.finfo(x.dtype)
    high, low = info.max if posinf is None else posinf, info.min if neginf is None else neginf
    y = xp.where(xp.isnan(x), xp.full_like(x, nan), x)
    return xp.where(xp.isinf(y), xp.where(y > 0, xp.full_like(x, high), xp.full_like(x, low)), y)


@idiom("unwrap")
def _unwrap(xp: Any, p: Any, discont: Any = None, axis: int = -1, *, period: float = 2.0 * math.pi) -> Any:
    """Return the angles with jumps of a whole period removed; the jumps are constants."""
    p = xp.moveaxis(p, axis, -1)
    plain = xp.differentiates
    gap = plain.diff(base(p), axis=-1)
    wrapped = plain.remainder(gap + 0.5 * period, period) - 0.5 * period
    wrapped = plain.where((wrapped == -0.5 * period) & (gap > 0), -wrapped, wrapped)
    small = plain.abs(gap) < (0.5 * period if discont is None else discont)
    jump = plain.cumulative_sum(plain.where(small, plain.zeros_like(gap), wrapped - gap), axis=-1)
    y = xp.concat([p[..., :1], p[..., 1:] + jump], axis=-1)
    return xp.moveaxis(y, -1, axis)


@idiom("round", "around", "round_")
def _round(xp: Any, a: Any, decimals: int = 0) -> Any:
    return xp.round(a) if decimals == 0 else xp.round(a * 10.0**decimals) / 10.0**decimals


@idiom("isclose")
def _isclose(xp: Any, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    near = xp.abs(a - b) <= atol + rtol * xp.abs(xp.asarray(b))
    near = near & xp.isfinite(xp.asarray(b)) | (a == b)
    return near | (xp.isnan(xp.asarray(a)) & xp.isnan(xp.asarray(b))) if equal_nan else near


@idiom("allclose")
def _allclose(xp: Any, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(base(xp.all(_isclose(xp, a, b, rtol, atol, equal_nan))))


@idiom("array_equal")
def _array_equal(xp: Any, a1: Any, a2: Any) -> bool:
    return tuple(a1.shape) == tuple(a2.shape) and bool(base(xp.all(a1 == a2)))


@idiom("iscomplexobj")
def _iscomplexobj(_: Any, x: Any) -> bool:
    return dtype_kind(x) == "complex"


@idiom("isrealobj")
def _isrealobj(_: Any, x: Any) -> bool:
    return dtype_kind(x) != "complex"


@idiom("divmod")
def _divmod(xp: Any, x1: Any, x2: Any) -> Any:
    return xp.floor_divide(x1, x2), xp.remainder(x1, x2)


@idiom("modf")
def _modf(xp: Any, x: Any) -> Any:
    whole = xp.trunc(x)
    return x - whole, whole


@idiom("piecewise")
def _piecewise(xp: Any, x: Any, condlist: Any, funclist: Any) -> Any:
    """Evaluate the function of each condition where the condition holds."""
    pieces = [piece(x) if callable(piece) else xp.full_like(x, piece) for piece in funclist]
    y = pieces[-1] if len(pieces) > len(condlist) else xp.zeros_like(x)
    for condition, piece in zip(condlist, pieces, strict=False):
        y = keep_where(condition, piece) + keep_where(~condition, y)
    return y


for name, standard in RENAMED.items():
    IDIOMS[name] = lambda xp, *args, standard=standard: getattr(xp, standard)(*args)
