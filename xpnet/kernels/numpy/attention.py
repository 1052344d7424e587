"""NumPy bodies of attention: a few samples at a time, whose scores stay in the cache, in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import sqrt
from typing import Any, cast

import numpy as np

from xpnet.fast.numpy.blocks import SIZE, Host, ones
from xpnet.kernels.numpy.normalization import all_of_one
from xpnet.kernels.standard import attention as standard
from xpnet.kernels.standard.attention import split_heads


def to_shares(scores: Host, causal: bool, hidden: Host | None) -> bool:
    """Softmax of scores where they lie, with -inf in hidden for those that do not count; whether all are numbers."""
    L, dtype = scores.shape[-1], scores.dtype
    if causal:
        scores += future(L, dtype)
    if hidden is not None:
        scores += hidden
    top = np.maximum.reduce(scores, axis=-1, keepdims=True)
    scores -= top if hidden is None else np.maximum(top, np.finfo(dtype).min)  # a row of -inf alone
    np.exp(scores, out=scores)
    total = scores.reshape(-1, L) @ ones(L, dtype)
    if np.isnan(total).any():
        return False
    if hidden is not None:
        total[total == 0] = 1.0
    scores /= total.reshape(top.shape)
    return True


@standard.attention.on("numpy")
def attention(
    q: Host,
    k: Host,
    v: Host,
    mask: Host | None,
    heads: int,
    causal: bool,
    soften: Callable[[Host, bool, Host | None], bool] = to_shares,
) -> Any:
    if not all_of_one(q, k, v):
        return standard.attention.reference(q, k, v, mask, heads, causal)
    N, L, D = q.shape
    y, p = np.empty_like(q, order="C"), np.empty((N, heads, L, L), q.dtype)
    scaled, keys, values, outputs = in_heads(heads, q * (1.0 / sqrt(D // heads)), k, v, y)
    hidden = None if mask is None else np.where(mask, 0.0, -np.inf).astype(q.dtype)[:, None, None, :]
    for at in in_blocks(p):
        scores = np.matmul(scaled[at], keys[at].mT, out=p[at])
        if not soften(scores, causal, None if hidden is None else hidden[at]):
            # infinite scores that may not be attended come out as NaN, too
            return standard.attention.reference(q, k, v, mask, heads, causal)
        np.matmul(scores, values[at], out=outputs[at])
    return y, p


@standard.attention_backward.on("numpy")
def attention_backward(dout: Host, q: Host, k: Host, v: Host, p: Host, y: Host, heads: int) -> Any:
    if not all_of_one(dout, q, k, v, p, y):
        return standard.attention_backward.reference(dout, q, k, v, p, y, heads)
    N, L, D = q.shape
    E = D // heads
    scale = 1.0 / sqrt(E)
    gradients = tuple(np.empty_like(q, order="C") for _ in range(3))
    along = ((dout * y).reshape(-1, E) @ ones(E, q.dtype)).reshape(N, L, heads)
    along, dout, q, k, v, dq, dk, dv = in_heads(heads, along, dout, q * scale, k * scale, v, *gradients)
    for at in in_blocks(p):
        np.matmul(p[at].mT, dout[at], out=dv[at])
        ds = dout[at] @ v[at].mT
        ds -= along[at]
        ds *= p[at]
        np.matmul(ds, k[at], out=dq[at])
        np.matmul(ds.mT, q[at], out=dk[at])
    return gradients


def in_heads(heads: int, *arrays: Host) -> list[Host]:
    return [cast("Host", split_heads(x, heads)) for x in arrays]


def in_blocks(p: Host) -> Iterator[slice]:
    step = max(1, SIZE // p[0].size)
    return (slice(first, first + step) for first in range(0, len(p), step))


@lru_cache(maxsize=16)
def future(length: int, dtype: Any) -> Host:
    """What causal attention adds to the scores, read-only: 0 for a position and those before it, else -inf."""
    added = np.triu(np.full((length, length), -np.inf, dtype), 1)
    added.flags.writeable = False
    return added
