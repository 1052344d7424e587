"""Attention of a sequence that goes on, on CuPy: new keys and values are written behind those of earlier positions."""

from __future__ import annotations

from math import sqrt
from typing import Any

import cupy

from xpnet.fast.cupy.products import batched
from xpnet.layers.past import Past, room_for


def heads_of(body: Any, weights: Any, rows: Any, others: Any, x: Any, memory: Any, known: Any) -> Any:
    """Return the heads' outputs for the positions of x, as rows ``(N L, A)``, and note their keys and values.

    NotImplemented leaves the past as it is.
    """
    layer, L = body.layer, x.shape[1]
    past, start, own = layer.past, layer.past.length, memory is x
    if (own and (known is not None or (L > 1 and start))) or (not own and past.keys is not None):
        return NotImplemented  # equations do what happens seldom, and read the keys of a memory again
    q, k, v = body.split_all(weights, rows, others, x, memory, start)
    each = layer.heads // layer.groups
    past.length = start + L
    if own:
        note(past, k[:, ::each], v[:, ::each], start)
    else:
        past.keys, past.values = k[:, ::each], v[:, ::each]
    if L > 1 or not own:
        return body.attend(q, k, v, known)[0]
    low = 0 if layer.window is None else max(0, start + 1 - layer.window)
    keys, values = past.keys[:, :, low : start + 1], past.values[:, :, low : start + 1]
    N, heads, _, E = q.shape
    of_groups = q.reshape(N, layer.groups, each, E)
    p = batched(of_groups, keys, turn_b=True, scale=1.0 / sqrt(E))
    body.soften(p.reshape(N, heads, 1, start + 1 - low), None, start, low)
    return batched(p, values).reshape(N, heads * E)


def note(past: Past, k: Any, v: Any, start: int) -> None:
    """Write keys and values into the past, with room for more."""
    N, groups, L, E = k.shape
    room = 0 if past.keys is None else past.keys.shape[2]
    if room < start + L:
        shape = (N, groups, room_for(start + L), E)
        keys, values = cupy.zeros(shape, k.dtype), cupy.zeros(shape, v.dtype)
        if past.keys is not None and past.values is not None:
            keys[:, :, :start], values[:, :, :start] = past.keys[:, :, :start], past.values[:, :, :start]
        past.keys, past.values = keys, values
    past.keys[:, :, start : start + L], past.values[:, :, start : start + L] = k, v  # type: ignore[index]
