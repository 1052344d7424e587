# ruff: noqa: ARG001, ARG005 (a rule takes all that its function takes)
"""Rules of decompositions: triangular factors, eigenvalues and singular values.

If two eigenvalues or singular values coincide, up to rounding, the derivative of the vectors of that matrix is NaN: it
depends on the library's choice of vectors. Vectors are unique up to a sign, or a phase for complex matrices: only
functions that do not depend on it have a derivative. ``cholesky``, ``eigh`` and ``eigvalsh`` give a symmetric gradient.

Source: J. Townsend, Differentiating the singular value decomposition, 2016; S. Walter, L. Lehmann, Algorithmic
differentiation of linear algebra functions with application in optimum experimental design, 2010; M. Giles, An extended
collection of matrix derivative results, 2008.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xpnet.autodiff.batching.ways import aligned, leading
from xpnet.autodiff.forward import by_gradients, formula
from xpnet.autodiff.rules.elementwise import conj, nonzero_or_one, recorded
from xpnet.autodiff.rules.linear import mt
from xpnet.autodiff.rules.matrices import eye_like, mh
from xpnet.autodiff.table import Rule, rule
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError
from xpnet.kernels import cholesky, eigh, eigvalsh, solve_lower, svdvals, thin_svd


class EighResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """An orthonormal and an upper triangular factor."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Left singular vectors, singular values, and right singular vectors."""

    U: Any
    S: Any
    Vh: Any


def symmetric(x: Any) -> Any:
    return (x + mh(x)) * 0.5


def half_tril(x: Any) -> Any:
    """Return the lower triangle with half the diagonal."""
    xp = array_namespace(x)
    return (xp.tril(x) + xp.tril(x, k=-1)) * 0.5


def _cholesky(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    lower, g = (mh(y), mt(g)) if upper else (y, conj(g))
    middle = half_tril(mh(lower) @ g)
    left = solve_lower(lower, middle, True)
    return conj(symmetric(mh(solve_lower(lower, mh(left), True))))


def _cholesky_moves(moves: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """Return ``L Φ(L⁻¹ da L⁻ᴴ)``, where Φ is the lower triangle with half the diagonal."""
    lower = mh(y) if upper else y
    left = solve_lower(lower, symmetric(moves[0]), False)
    move = lower @ half_tril(mh(solve_lower(lower, mh(left), False)))
    return mh(move) if upper else move


def _eigh(g: Any, y: Any, a: Any) -> Any:
    (g_values, g_vectors), (values, vectors) = g, y
    xp = array_namespace(values, vectors)
    g_values = xp.zeros_like(values) if g_values is None else g_values
    inner = xp.astype(g_values, a.dtype)[..., None, :] * eye_like(a, a.shape[-1])
    if g_vectors is not None:
        gaps = _inverse(values[..., None, :] - values[..., :, None], values)
        inner = inner + recorded(ASKED, asked, mh(vectors) @ conj(g_vectors), xp.astype(gaps, a.dtype))
    return conj(symmetric(vectors @ inner @ mh(vectors)))


def diagonal(x: Any, like: Any) -> Any:
    """Return the diagonal, converted to real if the other array is real."""
    d = array_namespace(x).linalg.diagonal(x)
    return array_namespace(d).real(d) if dtype_kind(d) == "complex" and dtype_kind(like) != "complex" else d


def _eigh_moves(moves: Any, y: Any, a: Any) -> Any:
    """Return ``Re diag W, V (W / (λⱼ - λᵢ))`` with ``W = Vᴴ da V``."""
    values, vectors = y
    xp = array_namespace(moves[0], values, vectors)
    turn = mh(vectors) @ symmetric(moves[0]) @ vectors
    gaps = _inverse(values[..., None, :] - values[..., :, None], values)
    return diagonal(turn, values), vectors @ recorded(ASKED, asked, turn, xp.astype(gaps, a.dtype))


def asked(turn: Any, inverse: Any) -> Any:
    """Return ``turn / gap``, or 0 where ``turn`` is 0, so that vectors that are not used give no NaN."""
    xp = array_namespace(turn, inverse)
    return xp.where(turn == 0, xp.zeros_like(turn), turn * inverse)


ASKED = Rule(
    "asked",
    (lambda g, y, turn, inverse: g * inverse, lambda g, y, turn, inverse: g * turn),
    fresh=True,
    forward=by_gradients,
    batch=aligned,
)


def _inverse(gaps: Any, values: Any) -> Any:
    """Return ``1 / gap``, NaN for pairs of values that coincide up to rounding, and 0 on the diagonal."""
    xp, n = array_namespace(gaps, values), values.shape[-1]
    rounding = 8.0 * n * float(xp.finfo(values.dtype).eps)
    largest = xp.max(xp.abs(values), axis=-1, keepdims=True)[..., None] if n else xp.zeros_like(gaps)
    same = xp.abs(gaps) <= rounding * largest
    itself = xp.eye(n, dtype=values.dtype, device=device_of(values)) == 1
    unknown = xp.where(itself, xp.zeros_like(gaps), xp.full_like(gaps, float("nan")))
    return xp.where(same, unknown, 1.0 / xp.where(same, xp.ones_like(gaps), gaps))


def _eigvalsh(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(g, a)
    vectors = eigh(a)[1]
    return conj((vectors * xp.astype(g, a.dtype)[..., None, :]) @ mh(vectors))


def _eigvalsh_moves(moves: Any, y: Any, a: Any) -> Any:
    vectors = eigh(a)[1]
    return diagonal(mh(vectors) @ symmetric(moves[0]) @ vectors, y)


def _svd(g: Any, y: Any, a: Any, full_matrices: bool = True) -> Any:
    (g_u, g_s, g_vh), (u, s, vh) = g, y
    m, n = a.shape[-2:]
    xp = array_namespace(a, s)
    if full_matrices and m != n:
        if g_u is not None or g_vh is not None:
            raise ArgumentError(
                "svd",
                "full_matrices must be False if U or Vh is differentiated",
                f"full matrices of shape {(m, n)}",
                "the vectors beyond the rank are not unique: pass full_matrices=False",
            )
        u, s, vh = thin_svd(a)
    sigma = xp.astype(s, a.dtype)
    v = mh(vh)
    inner = eye_like(a, s.shape[-1]) * xp.astype(g_s if g_s is not None else xp.zeros_like(s), a.dtype)[..., None, :]
    sums = s[..., None, :] + s[..., :, None]
    inverse_gaps = _inverse(s[..., None, :] - s[..., :, None], s) / nonzero_or_one(sums)
    inverse_gaps = xp.astype(inverse_gaps, a.dtype)
    outside = None
    if g_u is not None:
        g_u = conj(g_u)
        turn = mh(u) @ g_u
        inner = inner + (turn - mh(turn)) * inverse_gaps * sigma[..., None, :]
        if dtype_kind(a) == "complex":
            inner = inner + (turn - mh(turn)) * (eye_like(a, s.shape[-1]) * 0.5) / sigma[..., None, :]
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


def _svd_moves(moves: Any, y: Any, a: Any, full_matrices: bool = True) -> Any:
    """Return ``dU, Re diag P, dVᴴ`` with ``P = Uᴴ da V``; NaN for vectors beyond the rank."""
    (da,), (m, n) = moves, a.shape[-2:]
    if full_matrices and m != n:
        _, move, _ = _svd_moves(moves, thin_svd(a), a, False)
        unknown = [array_namespace(part).full_like(part, float("nan")) for part in (y[0], y[2])]
        return unknown[0], move, unknown[1]
    u, s, vh = y
    xp, v = array_namespace(da, a, s), mh(vh)
    sigma = xp.astype(s, a.dtype)
    p = mh(u) @ da @ v
    sums = s[..., None, :] + s[..., :, None]
    gaps = xp.astype(_inverse(s[..., None, :] - s[..., :, None], s) / nonzero_or_one(sums), a.dtype)
    row, column = sigma[..., None, :], sigma[..., :, None]
    turn_u = recorded(ASKED, asked, p * row + column * mh(p), gaps)
    if dtype_kind(a) == "complex":
        turn_u = turn_u + (p - mh(p)) * (eye_like(a, s.shape[-1]) * 0.5) / row
    du = u @ turn_u
    dv = v @ recorded(ASKED, asked, column * p + mh(p) * row, gaps)
    if m > n:
        du = du + (da @ v - u @ p) / row
    if n > m:
        dv = dv + (mh(da) @ u - v @ mh(p)) / row
    return du, diagonal(p, s), mh(dv)


def _svdvals(g: Any, y: Any, a: Any) -> Any:
    xp = array_namespace(g, a)
    u, _, vh = thin_svd(a)
    return conj((u * xp.astype(g, a.dtype)[..., None, :]) @ vh)


def _svdvals_moves(moves: Any, y: Any, a: Any) -> Any:
    u, _, vh = thin_svd(a)
    return diagonal(mh(u) @ moves[0] @ mh(vh), y)


def _qr(g: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    (g_q, g_r), (q, r) = g, y
    m, n = a.shape[-2:]
    if mode == "complete" and m > n:
        raise ArgumentError(
            "qr",
            "mode must be 'reduced' if it is differentiated",
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
    return mh(solve_lower(mh(r), mh(g_q + q @ hermitian), True))


def _qr_moves(moves: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """Return ``Q Ω + (1 - Q Qᴴ) da R⁻¹, Qᴴ da - Ω R`` with the skew Ω of ``Qᴴ da R⁻¹``."""
    (da,), (q, r), (m, n) = moves, y, a.shape[-2:]
    xp = array_namespace(da, q, r)
    if mode == "complete" and m > n:
        _, move = _qr_moves(moves, array_namespace(a).linalg.qr(a), a)
        below = xp.zeros((*r.shape[:-2], m - n, n), dtype=r.dtype, device=device_of(r))
        return xp.full_like(q, float("nan")), xp.concat([move, below], axis=-2)
    k = min(m, n)
    square, left = r[..., :k], da[..., :k]  # the remaining columns of r are Qᴴ times those of a
    whole = mh(solve_lower(mh(square), mh(left), False))
    inside = mh(q) @ whole
    lower = xp.tril(inside, k=-1)
    skew = lower - mh(lower)
    if dtype_kind(a) == "complex":
        skew = skew + (inside - conj(inside)) * (eye_like(a, k) * 0.5)
    return whole - q @ (inside - skew), mh(q) @ da - skew @ r


rule(
    "linalg.cholesky",
    _cholesky,
    kernel=cholesky,
    forward=formula(_cholesky_moves),
    batch=leading,
    note="the symmetric gradient",
)
rule(
    "linalg.eigh",
    _eigh,
    kernel=eigh,
    outputs=EighResult,
    forward=formula(_eigh_moves),
    batch=leading,
    note="the symmetric gradient; that of the vectors is NaN where eigenvalues are equal",
)
rule(
    "linalg.eigvalsh",
    _eigvalsh,
    kernel=eigvalsh,
    forward=formula(_eigvalsh_moves),
    batch=leading,
    note="the symmetric gradient",
)
rule(
    "linalg.svd",
    _svd,
    outputs=SVDResult,
    forward=formula(_svd_moves),
    batch=leading,
    note="the gradient of the vectors is NaN where singular values are equal",
)
rule("linalg.svdvals", _svdvals, kernel=svdvals, forward=formula(_svdvals_moves), batch=leading)
rule(
    "linalg.qr", _qr, outputs=QRResult, forward=formula(_qr_moves), batch=leading, note="the matrix must have full rank"
)
