"""Attention."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any, Self

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ShapeError
from xpnet.initializers import Init, check_size, normal_weights
from xpnet.layers.affine import initial_bias
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags
from xpnet.layers.heads import (
    check_heads,
    check_mask,
    distances,
    for_each_head,
    join_heads,
    rotation,
    slopes,
    split_heads,
    sum_over_groups,
    turned,
)
from xpnet.layers.linear import in_rows_of, rows
from xpnet.layers.past import Past
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

MATRICES, BIASES = ("Wq", "Wk", "Wv", "Wo"), ("bq", "bk", "bv", "bo")


class Attention(Layer):
    """The equations of attention of one sequence to another, or to itself, ``y = [softmax(qₕ kₕᵀ / √E) vₕ]ₕ Wo + bo``.

    ``of`` computes them from the sequence x and the one it attends to, and ``back`` their derivative.
    """

    parameters = (*MATRICES, *BIASES)
    optional_parameters = BIASES
    in_float32 = True

    Wq: Array
    Wk: Array
    Wv: Array
    Wo: Array
    bq: Array
    bk: Array
    bv: Array
    bo: Array

    causal = False
    window: int | None = None
    positions: str | None = None
    past: Past | None = None

    def __init__(self, *arrays: Array | None, heads: int, kv_heads: int | None = None) -> None:
        who = type(self).__name__
        super().__init__(*arrays)
        check_heads(who, heads, self.Wq.shape[1], kv_heads)
        self.heads = heads
        self.kv_heads = kv_heads
        groups, E = self.groups, self.Wq.shape[1] // heads
        if self.Wk.shape[1] != groups * E:
            must = f"Wk must have {groups * E} columns, {E} for each of the {groups} heads of keys"
            raise ShapeError(who, must, tuple(self.Wk.shape), "give it that shape, or other kv_heads")

    @property
    def groups(self) -> int:
        """The number of heads of keys and values, each of which serves a group of the heads of queries."""
        return self.heads if self.kv_heads is None else self.kv_heads

    def of(self, x: Array, memory: Array, mask: Array | None, query_mask: Array | None = None) -> Array:
        """Return y for queries from x, and keys and values from ``memory``."""
        L, past = x.shape[1], self.past
        start = 0 if past is None else past.advanced(L)
        self.x, self.memory = rows(x), rows(memory)
        q = split_heads(in_rows_of(x, self.x @ self.Wq + self.bq), self.heads)
        k, v = self.keys_and_values(memory)
        if self.positions == "rotary":
            self.turn = rotation(q, start)
            q, k = turned(q, *self.turn), turned(k, *self.turn)
        if past is not None and self.causal:
            k, v = past.extended(k, v, start)
        self.q, self.k, self.v = q, for_each_head(k, self.heads), for_each_head(v, self.heads)
        xp = array_namespace(q, k, v)
        scores = (self.q / sqrt(q.shape[-1])) @ xp.matrix_transpose(self.k)
        behind = distances(x, L, k.shape[2], start)
        if self.positions == "alibi":
            slope = xp.asarray(slopes(self.heads), dtype=scores.dtype, device=device_of(scores))
            scores = scores - slope[:, None, None] * xp.astype(xp.abs(behind), scores.dtype)
        allowed = self.allowed(behind, mask, query_mask)
        if allowed is not None:
            scores = xp.where(allowed, scores, xp.full((), -inf, dtype=scores.dtype, device=device_of(scores)))
        top = xp.max(scores, axis=-1, keepdims=True)
        masked = not (mask is None and query_mask is None)
        if masked:  # a row with nothing but -inf has no softmax: its shares are 0
            top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
        e = xp.exp(scores - top)
        total = xp.sum(e, axis=-1, keepdims=True)
        if masked:
            total = xp.where(total > 0, total, xp.ones_like(total))
        self.p = e / total
        self.a = rows(join_heads(self.p @ self.v))
        return in_rows_of(x, self.a @ self.Wo + self.bo)

    def keys_and_values(self, memory: Array) -> tuple[Array, Array]:
        """Return the keys and values of a sequence, ``(N, groups, S, E)`` each."""
        k = split_heads(in_rows_of(memory, self.memory @ self.Wk + self.bk), self.groups)
        v = split_heads(in_rows_of(memory, self.memory @ self.Wv + self.bv), self.groups)
        return k, v

    def back(self, dout: Array, S: int) -> tuple[Array, Array]:
        """Assign the gradients, and return those of x and of ``memory``, which has S positions."""
        xp = array_namespace(dout, self.q, self.k, self.v)
        N, L, _ = dout.shape
        d, q, k, v, p = rows(dout), self.q, self.k, self.v, self.p
        self.dWo, self.dbo = self.a.T @ d, xp.sum(d, axis=0)
        d = split_heads(xp.reshape(d @ self.Wo.T, (N, L, self.Wo.shape[0])), self.heads)
        dv = xp.matrix_transpose(p) @ d
        dp = d @ xp.matrix_transpose(v)
        ds = p * (dp - xp.sum(p * dp, axis=-1, keepdims=True))
        scale = sqrt(q.shape[-1])
        dq, dk = ds @ k / scale, xp.matrix_transpose(ds) @ q / scale
        dk, dv = sum_over_groups(dk, self.groups), sum_over_groups(dv, self.groups)
        if self.positions == "rotary":
            cos, sin = self.turn
            dq, dk = turned(dq, cos, -sin), turned(dk, cos, -sin)
        dq, dk, dv = (rows(join_heads(d)) for d in (dq, dk, dv))
        self.dWq, self.dWk, self.dWv = self.x.T @ dq, self.memory.T @ dk, self.memory.T @ dv
        self.dbq, self.dbk, self.dbv = (xp.sum(d, axis=0) for d in (dq, dk, dv))
        dx, dmemory = dq @ self.Wq.T, dk @ self.Wk.T + dv @ self.Wv.T
        return xp.reshape(dx, (N, L, dx.shape[1])), xp.reshape(dmemory, (N, S, dmemory.shape[1]))

    def allowed(self, behind: Array, mask: Array | None, query_mask: Array | None) -> Array | None:
        """Return True where a position may attend to another, to broadcast against the scores, or None if all may.

        ``behind (L, S)`` tells how far each key is behind each query.
        """
        conditions = [] if mask is None else [with_heads(mask)]
        if query_mask is not None:
            conditions.append(query_mask[:, None, :, None])
        if self.causal:
            conditions.append(behind >= 0)
        if self.window is not None:
            conditions.append(behind < self.window)
            if not self.causal:
                conditions.append(behind > -self.window)
        allowed = None
        for condition in conditions:
            allowed = condition if allowed is None else allowed & condition
        return allowed

    def check_sequence(self, x: Array, memory: Array, mask: Array | None, name: str = "mask") -> None:
        """Raise for a mask that does not fit, and ShapeError for a sequence without positions."""
        who, (N, L, _), S = type(self).__name__, x.shape, memory.shape[1]
        of_rows = ((N,), (L,), (S,))
        check_mask(who, name, mask, [((N,), (S,)), of_rows, ((N, 1), (self.heads, 1), (L, 1), (S,))])
        for given, sequence in {"x": x, "memory": memory}.items():
            if sequence.shape[1] == 0:
                must = f"{given} must have at least one position"
                raise ShapeError(who, must, tuple(sequence.shape), "leave it out")


class MultiHeadAttention(Attention):
    """Self-attention of several heads, ``y = [softmax(qₕ kₕᵀ / √E) vₕ]ₕ Wo + bo``, ``q = x Wq + bq``, k and v likewise.

    Head h has the columns ``h E … (h + 1) E - 1`` of q, where E = A / heads; any bias may be left out. With
    ``kv_heads`` fewer heads of keys and values serve the heads of queries, each a group of neighbours (``kv_heads=1``
    is multi-query attention). With ``causal``, a position attends to itself and those before it; with ``window``, to
    those less than ``window`` positions away. ``positions`` tells how a head knows where its keys are: ``"rotary"``
    turns the pairs of columns 2i and 2i + 1 of q and k by the angle ``t / 10000^(2i/E)``, ``"alibi"`` takes
    ``2^(-8h/heads) |i - j|`` from each score.

    ``mask`` is True where attention is allowed: for keys ``(N, L)``, for queries and keys ``(N, L, L)``, or with heads
    ``(N, heads, L, L)``, where an axis but the last may be 1. Where nothing may be attended, the heads give 0.

    Memory: the equations keep N · heads · L² shares p for ``backward``; the bodies of NumPy and CuPy compute these for
    some rows at a time, and keep only q, k, v and the heads' outputs.

    Shapes: ``x, y (N, L, D)``, ``Wq (D, A)``, ``Wk, Wv (D, B)`` with B = E · kv_heads (A unless given), ``Wo (A, D)``,
    ``bq (A,)``, ``bk, bv (B,)``, ``bo (D,)``; ``mask`` bool, may be left out.
    Backward: with ``d = dout Woᵀ``, of each head ``dv = pᵀ d``, ``ds = p (d vᵀ - Σ p d vᵀ)``, ``dq = ds k / √E``,
    ``dk = dsᵀ q / √E``; ``dx = dq Wqᵀ + dk Wkᵀ + dv Wvᵀ``, ``dWq = xᵀ dq``, ``dbq = Σ dq``, k and v likewise, summed
    over the heads of a group and turned back.
    Raises: ``ArgumentError`` for heads that do not divide A, and for options that do not exist; ``ShapeError``,
    ``DtypeError`` for another mask; ``ShapeError`` for a sequence without positions.
    Source: Vaswani et al., 2017, section 3.2; Ainslie et al., 2023 (groups); Su et al., 2021 (rotary); Press et al.,
    2022 (ALiBi); Beltagy et al., 2020 (windows).

    >>> one = np.eye(2)  # q, k and v are x itself
    >>> attention = MultiHeadAttention(one, one, one, one, heads=1, causal=True)
    >>> attention.forward(np.array([[[5.0, 0.0], [0.0, 5.0], [5.0, 0.0]]]))  # each finds those like itself
    array([[[5., 0.],
            [0., 5.],
            [5., 0.]]])
    """

    differentiable = ("x",)
    shapes = {
        "x": "N L D",
        "Wq": "D A",
        "Wk": "D B",
        "Wv": "D B",
        "Wo": "A D",
        "bq": "A",
        "bk": "B",
        "bv": "B",
        "bo": "D",
    }

    def __init__(
        self,
        Wq: Array,
        Wk: Array,
        Wv: Array,
        Wo: Array,
        bq: Array | None = None,
        bk: Array | None = None,
        bv: Array | None = None,
        bo: Array | None = None,
        *,
        heads: int,
        kv_heads: int | None = None,
        causal: bool = False,
        window: int | None = None,
        positions: str | None = None,
    ) -> None:
        super().__init__(Wq, Wk, Wv, Wo, bq, bk, bv, bo, heads=heads, kv_heads=kv_heads)
        who = type(self).__name__
        check_heads(who, heads, self.Wq.shape[1], kv_heads, positions)
        check_flags(who, causal=causal)
        if window is not None:
            check_size(who, "window", window)
        self.causal, self.window, self.positions = causal, window, positions

    def forward(self, x: Array, mask: Array | None = None) -> Array:
        self.check_sequence(x, x, mask)
        return self.of(x, x, mask)

    def backward(self, dout: Array) -> Array:
        dx, dmemory = self.back(dout, dout.shape[1])
        return dx + dmemory

    @classmethod
    def create(
        cls,
        width: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        causal: bool = False,
        window: int | None = None,
        positions: str | None = None,
        bias: bool = True,
        init: Init = "glorot",
        rng: Generator | None = None,
    ) -> Self:
        """Return attention of that width (D = A) with parameters on the current backend, ``W = σ z``, ``b = 0``.

        Without ``bias`` there is no b. ``init`` as in ``Affine.create``. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1, heads that do not divide the width, or an unknown ``init``.
        """
        arrays = made_arrays(cls, width, width, heads, kv_heads, bias, init, rng)
        options: dict[str, Any] = {"causal": causal, "window": window, "positions": positions}
        return cls(*arrays, heads=heads, kv_heads=kv_heads, **options)


def with_heads(mask: Any) -> Any:
    """Return a mask with axes of heads and queries, ``(N, heads or 1, L or 1, S)``."""
    return mask if mask.ndim == 4 else mask[:, None, :, :] if mask.ndim == 3 else mask[:, None, None, :]


def made_arrays(
    cls: type[Attention],
    width: int,
    inputs: int,
    heads: int,
    kv_heads: int | None,
    bias: bool,
    init: Init,
    rng: Generator | None,
) -> list[Any]:
    """Return new arrays of an attention in the order of its constructor, with None for biases that are left out."""
    rng = generator_of(cls.__name__, rng)
    check_heads(cls.__name__, heads, width, kv_heads)
    check_size(cls.__name__, "memory_width", inputs)
    path = rng.next_name(cls.__name__)
    B = width if kv_heads is None else width // heads * kv_heads
    shapes = {"Wq": (width, width), "Wk": (inputs, B), "Wv": (inputs, B), "Wo": (width, width)}
    matrices = [normal_weights(shape, init, rng, f"{path}.{name}") for name, shape in shapes.items()]
    return [*matrices, *[initial_bias(cls.__name__, bias, size) for size in (width, B, B, width)]]
