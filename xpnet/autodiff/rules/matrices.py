# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of inverses, solutions of linear equations, and determinants.

To have a derivative, matrices must be invertible for ``inv``, ``solve`` and ``slogdet``, and have a locally constant
rank for ``pinv``; ``det`` has a first derivative for every matrix, and a second one for invertible matrices.

Source: M. Giles, An extended collection of matrix derivative results, 2008.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.batching.ways import leading, solved
from xpnet.autodiff.forward import by_weights, formula
from xpnet.autodiff.nodes import Node
from xpnet.autodiff.rules.elementwise import conj, recorded
from xpnet.autodiff.rules.linear import mt
from xpnet.autodiff.rules.reductions import product_of_others
from xpnet.autodiff.table import Rule, base, rule
from xpnet.backend import array_namespace, device_of, dtype_kind, library_of
from xpnet.kernels import det, inv, slogdet, solve


class SlogdetResult(NamedTuple):
    """The sign of a determinant and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def mh(x: Any) -> Any:
    """Return ``xᴴ``, the conjugate transpose of the last two axes."""
    return mt(conj(x))


def eye_like(x: Any, n: int) -> Any:
    return array_namespace(x).eye(n, dtype=x.dtype, device=device_of(x))


def _inv(g: Any, y: Any, a: Any) -> Any:
    yt = mt(y)
    return -(yt @ g @ yt)


def _solve(g: Any, node: Node) -> tuple[Any, Any]:
    """Return ``-d xᵀ`` and ``d = a⁻ᵀ g``."""
    a, b = node.args
    x, vector = node.value, len(b.shape) == 1
    d = solve(mt(a), g[..., None])[..., 0] if vector else solve(mt(a), g)
    if node.parents[0] is None:
        return None, d
    return -(d[..., None] * x[..., None, :]) if vector else -(d @ mt(x)), d


def _inv_moves(moves: Any, y: Any, a: Any) -> Any:
    """Return ``-a⁻¹ da a⁻¹``."""
    return -(y @ moves[0] @ y)


def _solve_moves(moves: Any, x: Any, a: Any, b: Any) -> Any:
    """Return ``a⁻¹ (db - da x)``."""
    da, db = moves
    xp, vector = array_namespace(a, b, *moves), len(b.shape) == 1
    if da is not None:
        product = (da @ x[..., None])[..., 0] if vector else da @ x
        db = -product if db is None else db - product
    return solve(a, xp.broadcast_to(db, tuple(x.shape))[..., None])[..., 0] if vector else solve(a, db)


def _det(g: Any, y: Any, a: Any) -> Any:
    """Return ``g det(a) a⁻ᵀ``, or for singular matrices the cofactors, computed from singular values."""
    xp = array_namespace(a)
    product = (g * y)[..., None, None]
    if regular(y):
        return product * mt(inv(a))
    singular = (y == 0)[..., None, None]
    by_inverse = product * mt(inv(xp.where(singular, eye_like(a, a.shape[-1]), a)))
    return xp.where(singular, g[..., None, None] * recorded(COFACTORS, cofactors, a), by_inverse)


def regular(y: Any) -> bool:
    """Return whether no determinant is 0, as far as it can be read without a wait."""
    zeros, readable = base(y) == 0, library_of(array_namespace(base(y))).readable(base(y))
    return readable and type(zeros) is not Batch and not bool(array_namespace(zeros).any(zeros))


def cofactors(a: Any) -> Any:
    """Return ``∂det/∂a = det(u vᴴ) Σᵢ uᵢ vᵢᴴ Πⱼ≠ᵢ sⱼ``, computed from singular values, unconjugated."""
    xp = array_namespace(a)
    u, s, vh = xp.linalg.svd(a, full_matrices=False)
    turn = det(u) * det(vh)
    others = xp.astype(product_of_others(s, -1), a.dtype)
    return turn[..., None, None] * conj((u * others[..., None, :]) @ vh)


def _no_second(g: Any, y: Any, a: Any) -> Any:
    """Return NaN for the matrices whose gradient is not zero."""
    xp = array_namespace(g)
    asked = xp.any(g != 0, axis=(-2, -1), keepdims=True)
    return xp.where(asked, xp.full_like(g, float("nan")), xp.zeros_like(g))


COFACTORS = Rule(
    "cofactors",
    (_no_second,),
    fresh=True,
    forward=formula(lambda moves, y, a: _no_second(moves[0], y, a)),
    batch=leading,
)


def _slogdet(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(a)
    (g_sign, g_log), (sign, _) = g, y
    if regular(sign):
        inverse = mt(inv(a))
    else:
        singular = (sign == 0)[..., None, None]
        inverse = mt(inv(xp.where(singular, eye_like(a, a.shape[-1]), a)))
        inverse = xp.where(singular, xp.full_like(a, float("nan")), inverse)
    d = None if g_log is None else xp.astype(g_log, a.dtype)[..., None, None] * inverse
    if g_sign is not None and dtype_kind(a) == "complex":
        turned = array_namespace(g_sign, sign).imag(g_sign * sign)
        by_sign = (xp.astype(turned, a.dtype) * 1j)[..., None, None] * inverse
        d = by_sign if d is None else d + by_sign
    return xp.zeros_like(inverse) if d is None else d


def _slogdet_moves(moves: Any, y: Any, a: Any) -> Any:
    """Return ``i s Im tr(a⁻¹ da), Re tr(a⁻¹ da)``."""
    sign, log = y
    xp = array_namespace(moves[0], a)
    turned = xp.sum(_slogdet((None, array_namespace(log).ones_like(log)), y, a) * moves[0], axis=(-2, -1))
    if dtype_kind(a) != "complex":
        return None, turned
    return sign * (xp.astype(xp.imag(turned), sign.dtype) * 1j), xp.real(turned)


def _pinv(g: Any, y: Any, a: Any, rtol: Any = None) -> Any:
    g, yh = conj(g), mh(y)
    left = mh(g) @ y @ yh
    right = yh @ y @ mh(g)
    return conj(left - a @ (y @ left) + right - (right @ y) @ a - yh @ g @ yh)


def _pinv_moves(moves: Any, y: Any, a: Any, rtol: Any = None) -> Any:
    """Return ``-y da y + y yᴴ daᴴ (1 - a y) + (1 - y a) daᴴ yᴴ y``."""
    (da,), yh = moves, mh(y)
    left, right = y @ yh @ mh(da), mh(da) @ yh @ y
    return left - (left @ a) @ y + right - y @ (a @ right) - y @ da @ y


rule("linalg.inv", _inv, kernel=inv, forward=formula(_inv_moves), batch=leading)
rule("linalg.solve", joint=_solve, kernel=solve, forward=formula(_solve_moves), batch=solved)
rule(
    "linalg.det",
    _det,
    kernel=det,
    fresh=True,
    forward=by_weights(lambda a: (-2, -1)),
    batch=leading,
    note="its second derivative is NaN where it is 0",
)
rule(
    "linalg.slogdet",
    _slogdet,
    kernel=slogdet,
    outputs=SlogdetResult,
    forward=formula(_slogdet_moves),
    batch=leading,
    note="NaN where the matrix is singular",
)
rule(
    "linalg.pinv",
    _pinv,
    indifferent=("rtol",),
    forward=formula(_pinv_moves),
    batch=leading,
    note="where the rank does not change",
)
