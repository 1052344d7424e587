# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of solving, determinants and decompositions.

Where no derivative exists: matrices must be invertible for ``inv``, ``solve`` and ``slogdet`` and of locally constant
rank for ``pinv``; ``det`` has a first derivative of every matrix, a second one of invertible ones. Where two
eigenvalues or singular values coincide, to rounding, the gradient of the vectors of that matrix is NaN: it depends on
which of many vectors a library took. Vectors are unique up to a sign (of complex matrices a phase): only functions
that do not depend on it have a derivative. ``cholesky``, ``eigh`` and ``eigvalsh`` give the symmetric gradient.

Source: M. Giles, An extended collection of matrix derivative results, 2008; J. Townsend, Differentiating the
singular value decomposition, 2016; S. Walter, L. Lehmann, Algorithmic differentiation of linear algebra functions
with application in optimum experimental design, 2010.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xpnet.autodiff.rules.elementwise import conj, nonzero_or_one, recorded
from xpnet.autodiff.rules.linear import mt
from xpnet.autodiff.rules.reductions import product_of_others
from xpnet.autodiff.table import Rule, base, rule
from xpnet.backend import array_namespace, device_of, dtype_kind, library_of
from xpnet.errors import ArgumentError


class EighResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


class SlogdetResult(NamedTuple):
    """The sign of a determinant and the logarithm of its size."""

    sign: Any
    logabsdet: Any


class QRResult(NamedTuple):
    """An orthonormal and an upper triangular factor."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Left vectors, singular values, right vectors."""

    U: Any
    S: Any
    Vh: Any


def mh(x: Any) -> Any:
    """Return ``xᴴ``, the conjugate transpose of the last two axes."""
    return mt(conj(x))


def _symmetric(x: Any) -> Any:
    return (x + mh(x)) * 0.5


def _eye(x: Any, n: int) -> Any:
    return array_namespace(x).eye(n, dtype=x.dtype, device=device_of(x))


def _half_tril(x: Any) -> Any:
    """Return the lower triangle with half the diagonal."""
    xp = array_namespace(x)
    return (xp.tril(x) + xp.tril(x, k=-1)) * 0.5


def _inv(g: Any, y: Any, a: Any) -> Any:
    yt = mt(y)
    return -(yt @ g @ yt)


def _solve_matrix(g: Any, x: Any, a: Any, b: Any) -> Any:
    d = _solve_right(g, x, a, b)
    return -(d[..., None] * x[..., None, :]) if len(b.shape) == 1 else -(d @ mt(x))


def _solve_right(g: Any, x: Any, a: Any, b: Any) -> Any:
    xp = array_namespace(g, a)
    if len(b.shape) == 1:
        return xp.linalg.solve(mt(a), g[..., None])[..., 0]
    return xp.linalg.solve(mt(a), g)


def _det(g: Any, y: Any, a: Any) -> Any:
    """Return ``g det(a) a⁻ᵀ``; where that is 0 times infinity, the cofactors from singular values."""
    xp = array_namespace(a)
    singular = (y == 0)[..., None, None]
    product = g * y
    regular = product[..., None, None] * mt(xp.linalg.inv(xp.where(singular, _eye(a, a.shape[-1]), a)))
    zeros, readable = base(y) == 0, library_of(array_namespace(base(y))).readable(base(y))
    if readable and not bool(array_namespace(zeros).any(zeros)):
        return regular
    return xp.where(singular, g[..., None, None] * recorded(COFACTORS, cofactors, a), regular)


def cofactors(a: Any) -> Any:
    """Return ``∂det/∂a = det(u vᴴ) Σᵢ uᵢ vᵢᴴ Πⱼ≠ᵢ sⱼ`` by the singular values, unconjugated."""
    xp = array_namespace(a)
    u, s, vh = xp.linalg.svd(a, full_matrices=False)
    turn = xp.linalg.det(u) * xp.linalg.det(vh)
    others = xp.astype(product_of_others(s, -1), a.dtype)
    return turn[..., None, None] * conj((u * others[..., None, :]) @ vh)


def _no_second(g: Any, y: Any, a: Any) -> Any:
    """Return naN for the matrices that a gradient asks about."""
    xp = array_namespace(g)
    asked = xp.any(g != 0, axis=(-2, -1), keepdims=True)
    return xp.where(asked, xp.full_like(g, float("nan")), xp.zeros_like(g))


COFACTORS = Rule("cofactors", (_no_second,), fresh=True)


def _slogdet(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(a)
    (g_sign, g_log), (sign, _) = g, y
    singular = (sign == 0)[..., None, None]
    inverse = mt(xp.linalg.inv(xp.where(singular, _eye(a, a.shape[-1]), a)))
    inverse = xp.where(singular, xp.full_like(a, float("nan")), inverse)
    d = xp.zeros_like(inverse)
    if g_log is not None:
        d = d + xp.astype(g_log, a.dtype)[..., None, None] * inverse
    if g_sign is not None and dtype_kind(a) == "complex":
        turned = array_namespace(g_sign, sign).imag(g_sign * sign)
        d = d + (xp.astype(turned, a.dtype) * 1j)[..., None, None] * inverse
    return d


def _cholesky(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    xp = array_namespace(g, y)
    lower, g = (mh(y), mt(g)) if upper else (y, conj(g))
    middle = _half_tril(mh(lower) @ g)
    left = xp.linalg.solve(mh(lower), middle)
    return conj(_symmetric(mh(xp.linalg.solve(mh(lower), mh(left)))))


def _eigh(g: Any, y: Any, a: Any) -> Any:
    (g_values, g_vectors), (values, vectors) = g, y
    xp = array_namespace(values, vectors)
    g_values = xp.zeros_like(values) if g_values is None else g_values
    inner = xp.astype(g_values, a.dtype)[..., None, :] * _eye(a, a.shape[-1])
    if g_vectors is not None:
        gaps = _inverse(values[..., None, :] - values[..., :, None], values)
        inner = inner + recorded(ASKED, asked, mh(vectors) @ conj(g_vectors), xp.astype(gaps, a.dtype))
    return conj(_symmetric(vectors @ inner @ mh(vectors)))


def asked(turn: Any, inverse: Any) -> Any:
    """Return ``turn / gap``, 0 where nothing turns: vectors of equal eigenvalues matter where they are used."""
    xp = array_namespace(turn, inverse)
    return xp.where(turn == 0, xp.zeros_like(turn), turn * inverse)


ASKED = Rule("asked", (lambda g, y, turn, inverse: g * inverse, lambda g, y, turn, inverse: g * turn), fresh=True)


def _inverse(gaps: Any, values: Any) -> Any:
    """Return ``1 / gap``, NaN for pairs of values that coincide to rounding, 0 on the diagonal."""
    xp, n = array_namespace(gaps, values), values.shape[-1]
    rounding = 8.0 * n * float(xp.finfo(values.dtype).eps)
    largest = xp.max(xp.abs(values), axis=-1, keepdims=True)[..., None] if n else xp.zeros_like(gaps)
    same = xp.abs(gaps) <= rounding * largest
    itself = xp.eye(n, dtype=values.dtype, device=device_of(values)) == 1
    unknown = xp.where(itself, xp.zeros_like(gaps), xp.full_like(gaps, float("nan")))
    return xp.where(same, unknown, 1.0 / xp.where(same, xp.ones_like(gaps), gaps))


def _eigvalsh(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(g, a)
    vectors = array_namespace(a).linalg.eigh(a).eigenvectors
    return conj((vectors * xp.astype(g, a.dtype)[..., None, :]) @ mh(vectors))


def _svd(g: Any, y: Any, a: Any, full_matrices: bool = True) -> Any:
    (g_u, g_s, g_vh), (u, s, vh) = g, y
    m, n = a.shape[-2:]
    xp = array_namespace(a, s)
    if full_matrices and m != n:
        if g_u is not None or g_vh is not None:
            raise ArgumentError(
                "svd",
                "full_matrices must be False where U or Vh is differentiated",
                f"full matrices of shape {(m, n)}",
                "the vectors beyond the rank are not unique: pass full_matrices=False",
            )
        u, s, vh = xp.linalg.svd(a, full_matrices=False)
    sigma = xp.astype(s, a.dtype)
    v = mh(vh)
    inner = _eye(a, s.shape[-1]) * xp.astype(g_s if g_s is not None else xp.zeros_like(s), a.dtype)[..., None, :]
    sums = s[..., None, :] + s[..., :, None]
    inverse_gaps = _inverse(s[..., None, :] - s[..., :, None], s) / nonzero_or_one(sums)
    inverse_gaps = xp.astype(inverse_gaps, a.dtype)
    outside = None
    if g_u is not None:
        g_u = conj(g_u)
        turn = mh(u) @ g_u
        inner = inner + (turn - mh(turn)) * inverse_gaps * sigma[..., None, :]
        if dtype_kind(a) == "complex":
            inner = inner + (turn - mh(turn)) * (_eye(a, s.shape[-1]) * 0.5) / sigma[..., None, :]
        if m > n:
            outside = ((g_u - u @ turn) / sigma[..., None, :]) @ vh
    if g_vh is not None:
        g_v = mt(g_vh)
        turn = vh @ g_v
        inner = inner + sigma[..., :, None] * ((turn - mh(turn)) * inverse_gaps)
        if n > m:
            rest = (u / sigma[..., None, :]) @ mh(g_v - v @ turn)
            outside = rest if outside is None else outside + rest
    d = u @ inner @ vh
    return conj(d if outside is None else d + outside)


def _svdvals(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(g, a)
    u, _, vh = array_namespace(a).linalg.svd(a, full_matrices=False)
    return conj((u * xp.astype(g, a.dtype)[..., None, :]) @ vh)


def _qr(g: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    (g_q, g_r), (q, r) = g, y
    m, n = a.shape[-2:]
    if mode == "complete" and m > n:
        raise ArgumentError(
            "qr",
            "mode must be 'reduced' where it is differentiated",
            f"'complete' for shape {(m, n)}",
            "the columns beyond the rank are not unique: pass mode='reduced'",
        )
    xp = array_namespace(q, r)
    g_q = xp.zeros_like(q) if g_q is None else conj(g_q)
    g_r = xp.zeros_like(r) if g_r is None else conj(g_r)
    if m >= n:
        return conj(_qr_tall(q, r, g_q, g_r))
    right = a[..., m:]  # a = [x | z]: q and the square part of r are those of x, the rest of r is qᴴ z
    d_left = _qr_tall(q, r[..., :m], g_q + conj_product(right, g_r[..., m:]), g_r[..., :m])
    return conj(xp.concat([d_left, q @ g_r[..., m:]], axis=-1))


def conj_product(z: Any, g: Any) -> Any:
    """Return ``z gᴴ``."""
    return z @ mh(g)


def _qr_tall(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    xp = array_namespace(q, r)
    middle = r @ mh(g_r) - mh(g_q) @ q
    lower = xp.tril(middle, k=-1)
    diagonal = middle - lower - xp.triu(middle, k=1)
    hermitian = lower + mh(lower) + (diagonal + conj(diagonal)) * 0.5
    return mh(xp.linalg.solve(r, mh(g_q + q @ hermitian)))


def _pinv(g: Any, y: Any, a: Any, rtol: Any = None) -> Any:
    g, yh = conj(g), mh(y)
    left = mh(g) @ y @ yh
    right = yh @ y @ mh(g)
    return conj(left - a @ (y @ left) + right - (right @ y) @ a - yh @ g @ yh)


rule("linalg.inv", _inv)
rule("linalg.solve", _solve_matrix, _solve_right, fits=True)
rule("linalg.det", _det, fresh=True, note="its second derivative is NaN where it is 0")
rule("linalg.slogdet", _slogdet, outputs=SlogdetResult, note="NaN where the matrix is singular")
rule("linalg.cholesky", _cholesky, note="the symmetric gradient")
rule(
    "linalg.eigh",
    _eigh,
    outputs=EighResult,
    note="the symmetric gradient; that of the vectors is NaN where eigenvalues are equal",
)
rule("linalg.eigvalsh", _eigvalsh, note="the symmetric gradient")
rule("linalg.svd", _svd, outputs=SVDResult, note="the gradient of the vectors is NaN where singular values are equal")
rule("linalg.svdvals", _svdvals)
rule("linalg.qr", _qr, outputs=QRResult, note="the matrix must have full rank")
rule("linalg.pinv", _pinv, indifferent=("rtol",), note="where the rank does not change")
