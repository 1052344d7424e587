"""Attention of a sequence that goes on, on NumPy: new keys and values are written behind those of earlier positions."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.layers.heads import rotation, slopes, turned
from xpnet.layers.past import Past, room_for


def heads_of(body: Any, x: Host, memory: Host, hidden: Host | None) -> Any:
    """Return the heads' outputs for the positions of x, as rows ``(N L, A)``, and note their keys and values.

    NotImplemented leaves the past as it is.
    """
    layer, (N, L, _) = body.layer, x.shape
    past, start = layer.past, layer.past.length
    own = memory is x
    if own and (hidden is not None or (L > 1 and start)):
        return NotImplemented
    if own and L == 1:
        q, k, v = of_one_position(body, x)
    else:
        (q,) = body.projected(x, "q")
    q *= 1.0 / sqrt(q.shape[-1])
    if own:
        if L > 1:
            k, v = body.projected(x, "kv")
        if layer.positions == "rotary":
            turn = rotation(q, start)
            q, k = turned(q, *turn), turned(k, *turn)
    elif past.keys is None:
        past.keys, past.values = k, v = body.projected(memory, "kv")
    else:
        k, v = past.keys, past.values
    if own and L == 1:
        a = last_alone(layer, past, q, k, v)
    else:
        a = np.empty((N, L, layer.heads, q.shape[-1]), x.dtype)
        if body.run(layer, q, k, v, hidden, a.transpose(0, 2, 1, 3)) is NotImplemented:
            return NotImplemented
        if own:
            note(past, k, v, start)
    if a is NotImplemented:
        return NotImplemented
    past.length = start + L
    return a.reshape(N * L, -1)


def of_one_position(body: Any, x: Host) -> tuple[Host, Host, Host]:
    """Return the heads of q, k and v of one position, ``(N, heads, 1, E)``, from one product."""
    layer = body.layer
    past, N = layer.past, len(x)
    arrays = (layer.Wq, layer.Wk, layer.Wv, layer.bq, layer.bk, layer.bv)
    if past.joined is None or any(a is not b for a, b in zip(past.joined[0], arrays, strict=True)):
        biases = [
            np.zeros(W.shape[1], W.dtype) if b is None else b for W, b in zip(arrays[:3], arrays[3:], strict=True)
        ]
        past.joined = arrays, np.concatenate(arrays[:3], axis=1), np.concatenate(biases)
    _, W, b = past.joined
    y = x.reshape(N, -1) @ W
    y += b
    A, B, heads, groups = layer.Wq.shape[1], layer.Wk.shape[1], layer.heads, layer.groups
    q, k, v = y[:, :A], y[:, A : A + B], y[:, A + B :]
    return q.reshape(N, heads, 1, -1), k.reshape(N, groups, 1, -1), v.reshape(N, groups, 1, -1)


def note(past: Past, k: Host, v: Host, start: int) -> None:
    """Write keys and values into the past, with room for more."""
    N, groups, L, E = k.shape
    room = 0 if past.keys is None else past.keys.shape[2]
    if room < start + L:
        shape = (N, groups, room_for(start + L), E)
        keys, values = np.zeros(shape, k.dtype), np.zeros(shape, v.dtype)
        if past.keys is not None and past.values is not None:
            keys[:, :, :start], values[:, :, :start] = past.keys[:, :, :start], past.values[:, :, :start]
        past.keys, past.values = keys, values
    past.keys[:, :, start : start + L], past.values[:, :, start : start + L] = k, v  # type: ignore[index]


def last_alone(layer: Any, past: Past, q: Host, k: Host, v: Host) -> Any:
    """Return the heads' outputs of one new position, ``(N, groups, heads of one, E)``."""
    start = past.length
    note(past, k, v, start)
    low = 0 if layer.window is None else max(0, start + 1 - layer.window)
    seen: Any = (past.keys, past.values)
    keys, values = (z[:, :, low : start + 1] for z in seen)
    N, groups, _, E = k.shape
    scores = np.matmul(q.reshape(N, groups, -1, E), keys.mT)
    if layer.positions == "alibi":
        slope = np.asarray(slopes(layer.heads), q.dtype).reshape(groups, -1, 1)
        scores += slope * np.arange(low - start, 1, dtype=q.dtype)
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    total = np.add.reduce(scores, axis=-1, keepdims=True)
    if np.isnan(total).any():
        return NotImplemented
    a = np.matmul(scores, values)
    a /= total
    return a
