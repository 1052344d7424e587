"""NumPy bodies of attention, which keep all shares of short sequences, and never have all scores of long ones."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy import long_attention, next_position
from xpnet.fast.numpy.affine import sum_rows
from xpnet.fast.numpy.blocks import SIZE, Host, of_one, ones
from xpnet.fast.numpy.scores import added_scores, future, hidden_scores
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.bodies import Body, body
from xpnet.layers.cross_attention import CrossAttention
from xpnet.layers.heads import for_each_head, rotation, split_heads, sum_over_groups, turned

SHORT = 128
"""The keys up to which all shares are kept: they take no more memory than a few arrays like x."""


class AttentionBody(Body):
    """Attention whose products write into what they are given, in the order of memory of x; see the two bodies."""

    def of(self, x: Host, memory: Host, mask: Host | None, query_mask: Host | None) -> Any:
        """Return y for queries from x and keys from ``memory``, or NotImplemented."""
        layer = self.layer
        arrays = layer.parameter_arrays().values()
        hidden = hidden_scores(layer.heads, x, memory, mask, query_mask)
        if hidden is NotImplemented or not x.size or not memory.size or not of_one(x, memory, *arrays):
            return NotImplemented
        N, L, _ = x.shape
        xs, ms = x.reshape(N * L, -1), memory.reshape(-1, memory.shape[2])
        if layer.past is not None:
            a = next_position.heads_of(self, x, memory, hidden)
            return a if a is NotImplemented else self.add(a @ layer.Wo, layer.bo).reshape(N, L, -1)
        (q,), (k, v) = self.projected(x, "q"), self.projected(memory, "kv")
        turn = None
        if layer.positions == "rotary":
            turn = rotation(q, 0)
            q, k = turned(q, *turn), turned(k, *turn)
        q *= 1.0 / sqrt(q.shape[-1])
        a = np.empty((N, L, layer.heads, q.shape[-1]), x.dtype)
        kept = self.run(layer, q, k, v, hidden, a.transpose(0, 2, 1, 3))
        if kept is NotImplemented:
            return NotImplemented
        a = a.reshape(N * L, -1)
        self.cache = xs, ms, turn, q, k, v, hidden, a, kept
        return self.add(a @ layer.Wo, layer.bo).reshape(N, L, -1)

    def projected(self, x: Host, letters: str) -> list[Host]:
        """Return the heads of q, k or v, ``(N, heads, L, E)``."""
        layer, (N, L, D) = self.layer, x.shape
        made = []
        for letter in letters:
            y = x.reshape(N * L, D) @ getattr(layer, f"W{letter}")
            y = self.add(y, getattr(layer, f"b{letter}")).reshape(N, L, -1)
            made.append(split_heads(y, layer.heads if letter == "q" else layer.groups))
        return made

    def add(self, y: Host, b: Host | float) -> Host:
        """Add b to y in place unless it is left out, and return y."""
        if type(b) is not float:
            y += b
        return y

    def run(self, layer: Any, q: Host, k: Host, v: Host, hidden: Host | None, a: Host) -> Any:
        """Write the heads' outputs into a, and return what the backward needs; NotImplemented for infinite values."""
        short = k.shape[2] <= SHORT
        return (self.short if short else long_attention.forward)(layer, q, k, v, hidden, a)

    def run_back(
        self, layer: Any, heads: Any, hidden: Host | None, kept: Host, d: Host, along: Host, made: Any
    ) -> None:
        """Write the derivatives of q (times its scale), k and v, for d, that of the heads' outputs a, and ``Σ d a``."""
        short = heads[1].shape[2] <= SHORT
        (short_backward if short else long_attention.backward)(layer, heads, hidden, kept, d, along, made)

    def short(self, layer: Any, q: Host, k: Host, v: Host, hidden: Host | None, a: Host) -> Any:
        """Write the heads' outputs into a, and return the shares; NotImplemented where one is NaN."""
        k, v = for_each_head(k, layer.heads), for_each_head(v, layer.heads)
        p = np.empty((*q.shape[:3], k.shape[2]), q.dtype)
        causal = layer.causal and layer.window is None
        added = added_scores(layer, q, k, causal)
        for at in in_blocks(p):
            scores = np.matmul(q[at], k[at].mT, out=p[at])
            if added is not None:
                scores += added
            if not self.soften(scores, causal, None if hidden is None else hidden[at]):
                return NotImplemented  # infinite scores at masked positions become NaN, too
            np.matmul(scores, v[at], out=a[at])
        return p

    def soften(self, scores: Host, causal: bool, hidden: Host | None) -> bool:
        """Apply softmax to scores in place; return False if one is NaN. ``hidden`` holds -inf for masked scores."""
        S, dtype = scores.shape[-1], scores.dtype
        if causal:
            scores += future(S, dtype)
        if hidden is not None:
            scores += hidden
        top = np.maximum.reduce(scores, axis=-1, keepdims=True)
        scores -= top if hidden is None else np.maximum(top, np.finfo(dtype).min)  # for a row with nothing but -inf
        np.exp(scores, out=scores)
        total = scores.reshape(-1, S) @ ones(S, dtype)
        if np.isnan(total).any():
            return False
        if hidden is not None:
            total[total == 0] = 1.0
        scores /= total.reshape(top.shape)
        return True

    def pull(self, dout: Host) -> list[Host]:
        """Write the gradients of the parameters, and return those of the rows of q, k and v."""
        layer = self.layer
        xs, ms, turn, q, k, v, hidden, a, kept = self.cache
        N, heads, L, E = q.shape
        d = dout.reshape(N * L, -1)
        gradients = {"Wo": a.T @ d, "bo": sum_rows(d)} if self.trains else {}
        d = d @ layer.Wo.T
        along = split_heads(((d * a).reshape(-1, E) @ ones(E, d.dtype)).reshape(N, L, heads), heads)
        d = split_heads(d.reshape(N, L, -1), heads)
        made = [np.empty((N, z.shape[2], z.shape[1], E), dout.dtype) for z in (q, k, v)]
        dq, dk, dv = (z.transpose(0, 2, 1, 3) for z in made)
        self.run_back(layer, (q, k, v), hidden, kept, d, along, (dq, dk, dv))
        dq *= 1.0 / sqrt(E)
        if turn is not None:
            cos, sin = turn
            made[:2] = (turned(z, cos, -sin).transpose(0, 2, 1, 3) for z in (dq, dk))
        dq, dk, dv = (z.reshape(len(rows), -1) for z, rows in zip(made, (xs, ms, ms), strict=True))
        if self.trains:
            for letter, rows, z in (("q", xs, dq), ("k", ms, dk), ("v", ms, dv)):
                gradients |= {f"W{letter}": rows.T @ z, f"b{letter}": sum_rows(z)}
            for name in layer.parameters:
                setattr(layer, f"d{name}", gradients[name])
        return [dq, dk, dv]


@body("numpy", MultiHeadAttention)
class SelfAttention(AttentionBody):
    """Attention over a few samples or rows at a time, whose scores stay in the processor's cache."""

    def forward(self, x: Host, mask: Host | None = None) -> Any:
        return self.of(x, x, mask, None)

    def backward(self, dout: Host) -> Any:
        dq, dk, dv = self.pull(dout)
        if not self.needs_dx:
            return None
        layer = self.layer
        dx = dq @ layer.Wq.T
        dx += dk @ layer.Wk.T
        dx += dv @ layer.Wv.T
        return dx.reshape(dout.shape)


@body("numpy", CrossAttention)
class AttentionToMemory(AttentionBody):
    """Attention to another sequence, as ``SelfAttention`` computes it."""

    def forward(self, x: Host, memory: Host, mask: Host | None = None, memory_mask: Host | None = None) -> Any:
        y = self.of(x, memory, memory_mask, mask)
        self.shapes = x.shape, memory.shape
        return y

    def backward(self, dout: Host) -> Any:
        dq, dk, dv = self.pull(dout)
        if not self.needs_dx:
            return None, None
        layer, (of_x, of_memory) = self.layer, self.shapes
        dm = dk @ layer.Wk.T
        dm += dv @ layer.Wv.T
        return (dq @ layer.Wq.T).reshape(of_x), dm.reshape(of_memory)


def short_backward(layer: Any, heads: Any, _: Any, p: Host, d: Host, along: Host, gradients: Any) -> None:
    """Write the derivatives of q (times its scale), k and v from the shares."""
    (q, k, v), (dq, dk, dv) = heads, gradients
    k, v = for_each_head(k, layer.heads), for_each_head(v, layer.heads)
    grouped = dk.shape[1] != layer.heads
    of_k, of_v = (np.empty(k.shape, k.dtype), np.empty(v.shape, v.dtype)) if grouped else (dk, dv)
    for at in in_blocks(p):
        np.matmul(p[at].mT, d[at], out=of_v[at])
        ds = d[at] @ v[at].mT
        ds -= along[at]
        ds *= p[at]
        np.matmul(ds, k[at], out=dq[at])
        np.matmul(ds.mT, q[at], out=of_k[at])
    if grouped:
        dk[...], dv[...] = sum_over_groups(of_k, dk.shape[1]), sum_over_groups(of_v, dv.shape[1])


def in_blocks(p: Host) -> Iterator[slice]:
    step = max(1, SIZE // p[0].size)
    return (slice(first, first + step) for first in range(0, len(p), step))
