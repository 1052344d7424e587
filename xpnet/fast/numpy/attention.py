"""NumPy body of attention."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy.affine import sum_rows
from xpnet.fast.numpy.blocks import SIZE, Host, of_one, ones
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.heads import split_heads
from xpnet.layers.bodies import Body, body


@body("numpy", MultiHeadAttention)
class SamplesInBlocks(Body):
    """Attention over a few samples at a time, whose scores stay in the processor's cache and become shares in place."""

    def forward(self, x: Host, mask: Host | None = None) -> Any:
        layer = self.layer
        Wq, Wk, Wv, Wo, bq, bk, bv, bo = parameters = layer.parameter_arrays().values()
        fits = mask is None or (mask.dtype == bool and mask.shape == x.shape[:-1])
        if x.ndim != 3 or not fits or not x.size or not of_one(x, *parameters):
            return NotImplemented
        (N, L, D), A, heads = x.shape, Wq.shape[1], layer.heads
        rows, scale = x.reshape(-1, D), 1.0 / sqrt(A // heads)
        q, k, v = (self.add(rows @ W, b).reshape(N, L, A) for W, b in ((Wq, bq), (Wk, bk), (Wv, bv)))
        a, p = np.empty((N, L, A), x.dtype), np.empty((N, heads, L, L), x.dtype)
        q, k, v, outputs = in_heads(heads, q * scale, k, v, a)
        hidden = None if mask is None else np.where(mask, 0.0, -np.inf).astype(x.dtype)[:, None, None, :]
        for at in in_blocks(p):
            scores = np.matmul(q[at], k[at].mT, out=p[at])
            if not self.soften(scores, layer.causal, None if hidden is None else hidden[at]):
                return NotImplemented  # infinite scores at masked positions become NaN, too
            np.matmul(scores, v[at], out=outputs[at])
        a = a.reshape(-1, A)
        self.cache = rows, q, k, v, p, a
        return self.add(a @ Wo, bo).reshape(N, L, -1)

    def add(self, y: Host, b: Host) -> Host:
        """Add b to y in place, and return y."""
        y += b
        return y

    def soften(self, scores: Host, causal: bool, hidden: Host | None) -> bool:
        """Apply softmax to scores in place; return False if one is NaN. ``hidden`` holds -inf for masked scores."""
        L, dtype = scores.shape[-1], scores.dtype
        if causal:
            scores += future(L, dtype)
        if hidden is not None:
            scores += hidden
        top = np.maximum.reduce(scores, axis=-1, keepdims=True)
        scores -= top if hidden is None else np.maximum(top, np.finfo(dtype).min)  # for a row with nothing but -inf
        np.exp(scores, out=scores)
        total = scores.reshape(-1, L) @ ones(L, dtype)
        if np.isnan(total).any():
            return False
        if hidden is not None:
            total[total == 0] = 1.0
        scores /= total.reshape(top.shape)
        return True

    def backward(self, dout: Host) -> Any:
        layer = self.layer
        rows, q, k, v, p, a = self.cache  # q times the scale
        (N, heads, L, E), (_, A) = q.shape, a.shape
        d = dout.reshape(len(rows), -1)
        if self.trains:
            layer.dWo, layer.dbo = a.T @ d, sum_rows(d)
        d = d @ layer.Wo.T
        along = ((d * a).reshape(-1, E) @ ones(E, d.dtype)).reshape(N, L, heads)
        gradients = [np.empty((N, L, A), dout.dtype) for _ in range(3)]
        along, d, dq, dk, dv = in_heads(heads, along, d.reshape(N, L, A), *gradients)
        for at in in_blocks(p):
            np.matmul(p[at].mT, d[at], out=dv[at])
            ds = d[at] @ v[at].mT
            ds -= along[at]
            ds *= p[at]
            np.matmul(ds, k[at], out=dq[at])
            np.matmul(ds.mT, q[at], out=dk[at])
        dq, dk, dv = (gradient.reshape(-1, A) for gradient in gradients)
        dq *= 1.0 / sqrt(E)
        if self.trains:
            layer.dWq, layer.dWk, layer.dWv = (rows.T @ d for d in (dq, dk, dv))
            layer.dbq, layer.dbk, layer.dbv = map(sum_rows, (dq, dk, dv))
        if not self.needs_dx:
            return None
        dx = dq @ layer.Wq.T
        dx += dk @ layer.Wk.T
        dx += dv @ layer.Wv.T
        return dx.reshape(dout.shape)


def in_heads(heads: int, *arrays: Any) -> list[Any]:
    """Return views with the heads of each sample as an axis of their own."""
    return [split_heads(x, heads) for x in arrays]


def in_blocks(p: Host) -> Iterator[slice]:
    step = max(1, SIZE // p[0].size)
    return (slice(first, first + step) for first in range(0, len(p), step))


@lru_cache(maxsize=16)
def future(length: int, dtype: Any) -> Host:
    """Return the array that causal attention adds to the scores: 0 up to a position, -inf after it; read-only."""
    added = np.triu(np.full((length, length), -np.inf, dtype), 1)
    added.flags.writeable = False
    return added
