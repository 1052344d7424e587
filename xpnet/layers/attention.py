"""Attention."""

from __future__ import annotations

from typing import Self

from xpnet import kernels
from xpnet.backend import dtype_kind, dtype_name
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

    Memory: ``forward`` keeps N · heads · L² shares p for ``backward``, beside x, q, k, v and the heads' outputs. While
    either runs, there are three arrays as large as p.

    Shapes: ``x, y (N, L, D)``, ``Wq, Wk, Wv (D, A)``, ``Wo (A, D)``, ``bq, bk, bv (A,)``, ``bo (D,)``; ``mask (N, L)``
    bool, may be left out.
    Backward: with ``d = dout Woᵀ``, of each head ``dv = pᵀ d``, ``ds = p (d vᵀ - Σ p d vᵀ) / √E``, ``dq = ds k``,
    ``dk = dsᵀ q``; ``dx = dq Wqᵀ + dk Wkᵀ + dv Wvᵀ``, ``dWq = xᵀ dq``, ``dbq = Σ dq``, k and v likewise.
    Raises: ``ArgumentError`` for heads that do not divide A; ``ShapeError``, ``DtypeError`` for another mask;
    ``ShapeError`` for a sequence without positions.
    Source: Vaswani et al., 2017, section 3.2.
    """

    parameters = ("Wq", "Wk", "Wv", "Wo", "bq", "bk", "bv", "bo")
    differentiable = ("x",)
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
        return in_rows_of(x, kernels.affine(rows(self.heads_of(x, mask)), self.Wo, self.bo))

    def heads_of(self, x: Array, mask: Array | None) -> Array:
        """What the heads give, side by side, ``(N, L, A)``."""
        if mask is not None and dtype_kind(mask) != "bool":
            remedy = "compare first, for example lengths[:, None] > steps"
            raise DtypeError(type(self).__name__, "mask must be bool", dtype_name(mask.dtype), remedy)
        if x.shape[1] == 0:
            raise ShapeError(type(self).__name__, "x must have at least one position", tuple(x.shape), "leave it out")
        self.x, qkv = x, (self.Wq, self.Wk, self.Wv, self.bq, self.bk, self.bv)
        self.a, self.p, *self.qkv = kernels.self_attention(x, *qkv, mask, self.heads, self.causal)
        return self.a

    def backward(self, dout: Array) -> Array | None:
        d = rows(dout)
        self.dWo, self.dbo = rows(self.a).T @ d, kernels.sum_rows(d)
        da = in_rows_of(dout, d @ self.Wo.T)
        weights, (q, k, v) = (self.Wq, self.Wk, self.Wv), self.qkv
        dx, *gradients = kernels.self_attention_backward(
            da, self.x, *weights, q, k, v, self.p, self.a, self.heads, self.needs_dx
        )
        self.dWq, self.dWk, self.dWv, self.dbq, self.dbk, self.dbv = gradients
        return dx

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
        """Attention of that width (D = A) with parameters on the current backend, ``W = σ z``, ``b = 0``.

        ``init`` as in ``Affine.create``. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1, heads that do not divide the width, or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_heads(cls.__name__, heads, width)
        path = rng.next_name(cls.__name__)
        Wq, Wk, Wv, Wo = (normal_weights((width, width), init, rng, f"{path}.{name}") for name in cls.parameters[:4])
        bq, bk, bv, bo = (zeros((width,)) for _ in cls.parameters[4:])
        return cls(Wq, Wk, Wv, Wo, bq, bk, bv, bo, heads=heads, causal=causal)


def check_heads(who: str, heads: int, width: int) -> None:
    """Raise ArgumentError unless the width falls into that many equal parts."""
    check_size(who, "heads", heads)
    check_size(who, "the width", width)
    if width % heads:
        divisors = ", ".join(str(n) for n in range(1, width + 1) if width % n == 0)
        raise ArgumentError(who, f"heads must divide the width {width}", heads, f"choose one of {divisors}")
