"""The values of special functions, from the library of the arrays, or composed of functions that it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from xpnet.backend import array_namespace, device_of, dtype_kind, library_name
from xpnet.backend.numbers import NUMBERS
from xpnet.backend.special import MODULES, special_function
from xpnet.errors import LibraryError
from xpnet.kernels import erf

ORDERS = frozenset(("polygamma", "multigammaln", "yn", "kn", "expn", "eval_hermite", "eval_hermitenorm"))
"""Functions with an order among their arguments, an integer that is not converted to an array."""
COUNTS = frozenset(("bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri"))
"""Functions of numbers of trials, which SciPy requires as integers."""


def value(name: str, *args: Any) -> Any:
    """Return the special function of plain arrays.

    Raises: ``LibraryError`` if their library lacks the function.
    """
    xp = array_namespace(*args)
    function = found(name, library_name(xp))
    if name not in ORDERS | COUNTS:
        like = next(arg for arg in args if type(arg) not in NUMBERS)
        real = dtype_kind(like) in ("real", "complex")
        dtype = like.dtype if real else xp.__array_namespace_info__().default_dtypes()["real floating"]
        args = tuple(as_arrays(args, xp, dtype, like))
    return function(*args)


def as_arrays(args: Sequence[Any], xp: Any, dtype: Any, like: Any) -> list[Any]:
    """Return the arguments, with numbers converted to arrays."""
    return [xp.full((), arg, dtype=dtype, device=device_of(like)) if type(arg) in NUMBERS else arg for arg in args]


def find(name: str, library: str) -> Callable[..., Any] | None:
    """Return the library's own function, or a formula of functions that it has, or None if there is neither."""
    own: Callable[..., Any] | None = special_function(library, name)
    if own is None and name in FORMULAS:
        needed, formula = FORMULAS[name]
        if all(find(other, library) for other in needed):
            own = formula
    return own


@cache
def found(name: str, library: str) -> Callable[..., Any]:
    """Return the result of ``find``, cached for each library.

    Raises: ``LibraryError`` if there is none.
    """
    function = find(name, library)
    if function is None:
        where = MODULES.get(library, "special functions")
        remedy = "pip install 'xpnet[scipy]'" if library == "numpy" else "compute it on another library"
        raise LibraryError(f"special.{name}", f"{library} must have it", f"no {where}.{name}", remedy)
    return function


def _of(name: str, x: Any, *rest: Any) -> Any:
    return found(name, library_name(array_namespace(x)))(x, *rest)


def _where_zero(x: Any, at_zero: float, elsewhere: Callable[[Any], Any]) -> Any:
    xp = array_namespace(x)
    zero = x == 0
    return xp.where(zero, xp.full_like(x, at_zero), elsewhere(xp.where(zero, xp.ones_like(x), x)))


def _xlogy(x: Any, y: Any) -> Any:
    xp = array_namespace(x, y)
    skipped = (x == 0) & ~xp.isnan(y)
    return xp.where(skipped, xp.zeros_like(x * y), x * xp.log(xp.where(skipped, xp.ones_like(y), y)))


def _xlog1py(x: Any, y: Any) -> Any:
    """Return ``x log(1 + y)``, or 0 where x is 0."""
    xp = array_namespace(x, y)
    skipped = (x == 0) & ~xp.isnan(y)
    return xp.where(skipped, xp.zeros_like(x * y), x * xp.log1p(xp.where(skipped, xp.zeros_like(y), y)))


def _rel_entr(x: Any, y: Any) -> Any:
    xp = array_namespace(x, y)
    both, inside = (x > 0) & (y > 0), (x == 0) & (y >= 0)
    ratio = xp.where(both, x, xp.ones_like(x)) / xp.where(both, y, xp.ones_like(y))
    outside = xp.where(inside, xp.zeros_like(ratio), xp.full_like(ratio, math.inf))
    y = xp.where(both, x * xp.log(ratio), outside)
    return xp.where(xp.isnan(x + ratio), xp.full_like(ratio, math.nan), y)


def _entr(x: Any) -> Any:
    xp = array_namespace(x)
    return xp.where(x < 0, xp.full_like(x, -math.inf), -_xlogy(x, x))


def _huber(d: Any, r: Any) -> Any:
    xp = array_namespace(d, r)
    return xp.where(xp.abs(r) <= d, 0.5 * r * r, d * (xp.abs(r) - 0.5 * d))


def _multigammaln(a: Any, d: int) -> Any:
    return 0.25 * d * (d - 1) * math.log(math.pi) + sum(_of("gammaln", a - 0.5 * i) for i in range(d))


def _log_expit(x: Any) -> Any:
    xp = array_namespace(x)
    return -xp.logaddexp(xp.zeros_like(x), -x)


def _pseudo_huber(d: Any, r: Any) -> Any:
    xp = array_namespace(d, r)
    return d * d * (xp.sqrt(1.0 + (r / d) ** 2) - 1.0)


def _in_degrees(name: str) -> Callable[..., Any]:
    return lambda x: getattr(array_namespace(x), name)(x * (math.pi / 180.0))


def _cbrt(x: Any) -> Any:
    xp = array_namespace(x)
    return xp.sign(x) * xp.abs(x) ** (1.0 / 3.0)


# Name -> the other special functions that the formula needs, and the formula on arrays.
FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "beta": (("betaln",), lambda a, b: array_namespace(a).exp(_of("betaln", a, b))),
    "betaincc": (("betainc",), lambda a, b, x: _of("betainc", b, a, 1.0 - x)),
    "betaln": (("gammaln",), lambda a, b: _of("gammaln", a) + _of("gammaln", b) - _of("gammaln", a + b)),
    "cbrt": ((), _cbrt),
    "chdtr": (("gammainc",), lambda v, x: _of("gammainc", 0.5 * v, 0.5 * x)),
    "chdtrc": (("gammaincc",), lambda v, x: _of("gammaincc", 0.5 * v, 0.5 * x)),
    "cosdg": ((), _in_degrees("cos")),
    "cosm1": ((), lambda x: -2.0 * array_namespace(x).sin(0.5 * x) ** 2),
    "cotdg": ((), lambda x: 1.0 / _in_degrees("tan")(x)),
    "entr": ((), _entr),
    "erf": ((), erf),
    "exp10": ((), lambda x: array_namespace(x).exp(x * math.log(10.0))),
    "exp2": ((), lambda x: array_namespace(x).exp(x * math.log(2.0))),
    "expit": ((), lambda x: 0.5 * array_namespace(x).tanh(0.5 * x) + 0.5),
    "exprel": ((), lambda x: _where_zero(x, 1.0, lambda x: array_namespace(x).expm1(x) / x)),
    "huber": ((), _huber),
    "kl_div": ((), lambda x, y: _rel_entr(x, y) - x + y),
    "log_expit": ((), _log_expit),
    "loggamma": (("gammaln",), lambda x: _of("gammaln", x)),
    "logit": ((), lambda p: array_namespace(p).log(p / (1.0 - p))),
    "multigammaln": (("gammaln",), _multigammaln),
    "pdtr": (("gammaincc",), lambda k, m: _of("gammaincc", array_namespace(k).floor(k) + 1.0, m)),
    "pdtrc": (("gammainc",), lambda k, m: _of("gammainc", array_namespace(k).floor(k) + 1.0, m)),
    "pseudo_huber": ((), _pseudo_huber),
    "rel_entr": ((), _rel_entr),
    "rgamma": (("gamma",), lambda x: 1.0 / _of("gamma", x)),
    "sinc": ((), lambda x: _where_zero(x * math.pi, 1.0, lambda z: array_namespace(z).sin(z) / z)),
    "sindg": ((), _in_degrees("sin")),
    "tandg": ((), _in_degrees("tan")),
    "xlog1py": ((), _xlog1py),
    "xlogy": ((), _xlogy),
}
