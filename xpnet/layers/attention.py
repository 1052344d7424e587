"""Attention."""

from __future__ import annotations

from math import inf, sqrt
from typing import Self

from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.initializers import Init, check_size, normal_weights, zeros
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags
from xpnet.layers.linear import in_rows_of, rows
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class MultiHeadAttention(Layer):
    """Self-attention of several heads, ``y = [softmax(qₕ kₕᵀ / √E) vₕ]ₕ Wo + bo``, ``q = x Wq + bq``, k and v likewise.

    Head h has the columns ``h E … (h + 1) E - 1`` of q, k and v, where E = A / heads. With ``causal``, a position
    attends to itself and those before it. ``mask`` is True at positions that may be attended; where none may, the heads
    give 0.

    Memory: ``forward`` keeps N · heads · L² shares p for ``backward``, besides x, q, k, v and the heads' outputs. While
    either runs, there are three arrays as large as p.

    Shapes: ``x, y (N, L, D)``, ``Wq, Wk, Wv (D, A)``, ``Wo (A, D)``, ``bq, bk, bv (A,)``, ``bo (D,)``; ``mask (N, L)``
    bool, may be left out.
    Backward: with ``d = dout Woᵀ``, of each head ``dv = pᵀ d``, ``ds = p (d vᵀ - Σ p d vᵀ)``, ``dq = ds k / √E``,
    ``dk = dsᵀ q / √E``; ``dx = dq Wqᵀ + dk Wkᵀ + dv Wvᵀ``, ``dWq = xᵀ dq``, ``dbq = Σ dq``, k and v likewise.
    Raises: ``ArgumentError`` for heads that do not divide A; ``ShapeError``, ``DtypeError`` for another mask;
    ``ShapeError`` for a sequence without positions.
    Source: Vaswani et al., 2017, section 3.2.
    """

    parameters = ("Wq", "Wk", "Wv", "Wo", "bq", "bk", "bv", "bo")
    differentiable = ("x",)
    in_float32 = True
    shapes = {
        "x": "N L D",
        "mask": "N L",
        "Wq": "D A",
        "Wk": "D A",
        "Wv": "D A",
        "Wo": "A D",
        "bq": "A",
        "bk": "A",
        "bv": "A",
        "bo": "D",
    }

    Wq: Array
    Wk: Array
    Wv: Array
    Wo: Array
    bq: Array
    bk: Array
    bv: Array
    bo: Array

    def __init__(
        self,
        Wq: Array,
        Wk: Array,
        Wv: Array,
        Wo: Array,
        bq: Array,
        bk: Array,
        bv: Array,
        bo: Array,
        *,
        heads: int,
        causal: bool = False,
    ) -> None:
        super().__init__(Wq, Wk, Wv, Wo, bq, bk, bv, bo)
        check_heads(type(self).__name__, heads, self.Wq.shape[1])
        check_flags(type(self).__name__, causal=causal)
        self.heads, self.causal = heads, causal

    def forward(self, x: Array, mask: Array | None = None) -> Array:
        self.check_sequence(x, mask)
        self.x = rows(x)
        pairs = ((self.Wq, self.bq), (self.Wk, self.bk), (self.Wv, self.bv))
        self.q, self.k, self.v = (split_heads(in_rows_of(x, self.x @ W + b), self.heads) for W, b in pairs)
        xp = array_namespace(self.q, self.k, self.v)
        scores = (self.q / sqrt(self.q.shape[-1])) @ xp.matrix_transpose(self.k)
        allowed = self.allowed(x, mask)
        if allowed is not None:
            scores = xp.where(allowed, scores, xp.full((), -inf, dtype=scores.dtype, device=device_of(scores)))
        top = xp.max(scores, axis=-1, keepdims=True)
        if mask is not None:  # a row with nothing but -inf has no softmax: its shares are 0
            top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
        e = xp.exp(scores - top)
        total = xp.sum(e, axis=-1, keepdims=True)
        if mask is not None:
            total = xp.where(total > 0, total, xp.ones_like(total))
        self.p = e / total
        self.a = rows(join_heads(self.p @ self.v))
        return in_rows_of(x, self.a @ self.Wo + self.bo)

    def backward(self, dout: Array) -> Array | None:
        xp = array_namespace(dout, self.q, self.k, self.v)
        d, q, k, v, p = rows(dout), self.q, self.k, self.v, self.p
        self.dWo, self.dbo = self.a.T @ d, xp.sum(d, axis=0)
        d = split_heads(in_rows_of(dout, d @ self.Wo.T), self.heads)
        dv = xp.matrix_transpose(p) @ d
        dp = d @ xp.matrix_transpose(v)
        ds = p * (dp - xp.sum(p * dp, axis=-1, keepdims=True))
        scale = sqrt(q.shape[-1])
        dq, dk, dv = (rows(join_heads(d)) for d in (ds @ k / scale, xp.matrix_transpose(ds) @ q / scale, dv))
        self.dWq, self.dWk, self.dWv = (self.x.T @ d for d in (dq, dk, dv))
        self.dbq, self.dbk, self.dbv = (xp.sum(d, axis=0) for d in (dq, dk, dv))
        return in_rows_of(dout, dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T) if self.needs_dx else None

    def allowed(self, x: Array, mask: Array | None) -> Array | None:
        """Return True where a position may attend to another, to broadcast against the scores, or None if all may."""
        allowed = None if mask is None else mask[:, None, None, :]
        if self.causal:
            steps = array_namespace(x).arange(x.shape[1], device=device_of(x))
            past = steps[None, :] <= steps[:, None]
            allowed = past if allowed is None else allowed & past
        return allowed

    def check_sequence(self, x: Array, mask: Array | None) -> None:
        """Raise DtypeError for a mask that is not bool, ShapeError for a sequence without positions."""
        if mask is not None and dtype_kind(mask) != "bool":
            remedy = "compare first, for example lengths[:, None] > steps"
            raise DtypeError(type(self).__name__, "mask must be bool", dtype_name(mask.dtype), remedy)
        if x.shape[1] == 0:
            raise ShapeError(type(self).__name__, "x must have at least one position", tuple(x.shape), "leave it out")

    @classmethod
    def create(
        cls,
        width: int,
        heads: int,
        *,
        causal: bool = False,
        init: Init = "glorot",
        rng: Generator | None = None,
    ) -> Self:
        """Return attention of that width (D = A) with parameters on the current backend, ``W = σ z``, ``b = 0``.

        ``init`` as in ``Affine.create``. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1, heads that do not divide the width, or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_heads(cls.__name__, heads, width)
        path = rng.next_name(cls.__name__)
        Wq, Wk, Wv, Wo = (normal_weights((width, width), init, rng, f"{path}.{name}") for name in cls.parameters[:4])
        bq, bk, bv, bo = (zeros((width,)) for _ in cls.parameters[4:])
        return cls(Wq, Wk, Wv, Wo, bq, bk, bv, bo, heads=heads, causal=causal)


def split_heads(x: Array, heads: int) -> Array:
    """Return the heads of each sample as an axis of their own, ``(N, L, A) -> (N, heads, L, E)``."""
    xp = array_namespace(x)
    N, L, A = x.shape
    return xp.permute_dims(xp.reshape(x, (N, L, heads, A // heads)), (0, 2, 1, 3))  # type: ignore[no-any-return]


def join_heads(x: Array) -> Array:
    """Return the heads of each position concatenated, ``(N, heads, L, E) -> (N, L, A)``."""
    xp = array_namespace(x)
    N, heads, L, E = x.shape
    return xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (N, L, heads * E))  # type: ignore[no-any-return]


def check_heads(who: str, heads: int, width: int) -> None:
    """Raise ArgumentError unless the width falls into that many equal parts."""
    check_size(who, "heads", heads)
    check_size(who, "the width", width)
    if width % heads:
        divisors = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
        raise ArgumentError(who, f"heads must divide the width {width}", heads, f"choose one of {divisors}")
