"""Attention to another sequence."""

from __future__ import annotations

from typing import Self

from xpnet.initializers import Init
from xpnet.layers.attention import Attention, MultiHeadAttention, made_arrays
from xpnet.layers.heads import check_mask
from xpnet.random import Generator
from xpnet.typing import Array


class CrossAttention(Attention):
    """Attention to another sequence, ``y = [softmax(qₕ kₕᵀ / √E) vₕ]ₕ Wo + bo``, ``q = x Wq + bq``, ``k = m Wk + bk``.

    m is the memory, such as the output of an encoder, and v is made of it as k is. Heads, groups and biases are those
    of ``MultiHeadAttention``.

    ``mask (N, L)`` is True at positions of x that count: the heads give 0 elsewhere. ``memory_mask`` is True where
    attention is allowed: for positions of the memory ``(N, S)``, for both ``(N, L, S)``, or with heads
    ``(N, heads, L, S)``, where an axis but the last may be 1.

    Shapes: ``x, y (N, L, D)``, ``memory (N, S, C)``, ``Wq (D, A)``, ``Wk, Wv (C, B)`` with B = E · kv_heads (A unless
    given), ``Wo (A, D)``, ``bq (A,)``, ``bk, bv (B,)``, ``bo (D,)``; the masks are bool, and may be left out.
    Backward: as ``MultiHeadAttention``, but ``dx = dq Wqᵀ`` and ``dm = dk Wkᵀ + dv Wvᵀ``.
    Raises: as ``MultiHeadAttention``.
    Source: Vaswani et al., 2017, section 3.2.3.

    >>> one = np.eye(2)
    >>> attention = CrossAttention(one, one, 10 * one, one, heads=1)
    >>> attention.forward(np.array([[[9.0, 0.0]]]), np.array([[[1.0, 0.0], [0.0, 1.0]]]))  # x is like the first of m
    array([[[9.9828, 0.0172]]])
    """

    differentiable = ("x", "memory")
    shapes = MultiHeadAttention.shapes | {
        "memory": "N S C",
        "mask": "N L",
        "Wk": "C B",
        "Wv": "C B",
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
    ) -> None:
        super().__init__(Wq, Wk, Wv, Wo, bq, bk, bv, bo, heads=heads, kv_heads=kv_heads)

    def forward(self, x: Array, memory: Array, mask: Array | None = None, memory_mask: Array | None = None) -> Array:
        self.check_sequence(x, memory, memory_mask, "memory_mask")
        check_mask(type(self).__name__, "mask", mask, [((x.shape[0],), (x.shape[1],))])
        self.steps = memory.shape[1]
        return self.of(x, memory, memory_mask, mask)

    def backward(self, dout: Array) -> tuple[Array, Array]:
        return self.back(dout, self.steps)

    def keys_and_values(self, memory: Array) -> tuple[Array, Array]:
        past = self.past
        if past is None:
            return super().keys_and_values(memory)
        if past.keys is None or past.values is None:  # the memory stays the same while x goes on
            past.keys, past.values = super().keys_and_values(memory)
        return past.keys, past.values

    @classmethod
    def create(
        cls,
        width: int,
        heads: int,
        *,
        memory_width: int | None = None,
        kv_heads: int | None = None,
        bias: bool = True,
        init: Init = "glorot",
        rng: Generator | None = None,
    ) -> Self:
        """Return attention of that width (D = A) to a memory of ``memory_width`` (D unless given).

        The other arguments, and the errors, are those of ``MultiHeadAttention.create``.
        """
        inputs = width if memory_width is None else memory_width
        arrays = made_arrays(cls, width, inputs, heads, kv_heads, bias, init, rng)
        return cls(*arrays, heads=heads, kv_heads=kv_heads)
