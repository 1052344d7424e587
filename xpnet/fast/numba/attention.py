"""Attention whose softmax is two passes around NumPy's exponential; long sequences in loops of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba import affine, long_attention
from xpnet.fast.numba.compiler import compiled, compiled_sums, in_order, rows
from xpnet.fast.numpy import attention
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.bodies import body
from xpnet.layers.cross_attention import CrossAttention

LONG = 64  # keys from which on the loops take less time than products that are written to memory


class SharesInTwoPasses(attention.AttentionBody):
    """The shares by two compiled passes around NumPy's exponential, over half of the scores where it is causal."""

    looped = False

    def add(self, y: Host, b: Host | float) -> Host:
        if isinstance(b, float) or not in_order(y, b):
            return super().add(y, b)
        affine.add(y, b)
        return y

    def run(self, layer: Any, q: Host, k: Host, v: Host, hidden: Host | None, a: Host) -> Any:
        self.looped = k.shape[2] >= LONG and long_attention.suits(layer, q, hidden)
        if self.looped:
            return long_attention.forward(layer, q, k, v, a)
        return super().run(layer, q, k, v, hidden, a)

    def run_back(
        self, layer: Any, heads: Any, hidden: Host | None, kept: Host, d: Host, along: Host, made: Any
    ) -> None:
        if self.looped:
            return long_attention.backward(layer, heads, kept, d, along, made)
        return super().run_back(layer, heads, hidden, kept, d, along, made)

    def soften(self, scores: Host, causal: bool, hidden: Host | None) -> bool:
        if hidden is not None or not in_order(scores):
            return super().soften(scores, causal, hidden)
        less_maximum(rows(scores), scores.shape[-1] if causal else 0)
        np.exp(scores, out=scores)
        return over_sum(rows(scores))


@body("numba", MultiHeadAttention)
class SelfAttention(SharesInTwoPasses, attention.SelfAttention):
    """Attention with two compiled passes around NumPy's exponential."""


@body("numba", CrossAttention)
class AttentionToMemory(SharesInTwoPasses, attention.AttentionToMemory):
    """Attention to another sequence with two compiled passes around NumPy's exponential."""


@compiled
def less_maximum(x: Host, causal: Any) -> None:
    """Subtract the maximum of each row; in causal attention, row i sees the scores up to i, the others become -inf."""
    N, L = x.shape
    nothing = x.dtype.type(-np.inf)
    for n in range(N):
        seen = n % causal + 1 if causal else L
        largest = x[n, 0]
        for k in range(1, seen):
            largest = max(largest, x[n, k])
        for k in range(seen):
            x[n, k] -= largest
        for k in range(seen, L):
            x[n, k] = nothing


@compiled_sums
def over_sum(e: Host) -> bool:
    N, L = e.shape
    numbers = True
    for n in range(N):
        total = e[n, 0]
        for k in range(1, L):
            total += e[n, k]
        numbers &= total == total
        for k in range(L):
            e[n, k] /= total
    return numbers
