"""Attention of a sequence that goes on, on NumPy: new keys and values are written behind those of earlier positions."""

from __future__ import annotations

from math import sqrt
from operator import is_not
from typing import Any, TypeVar

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.layers.heads import rotation, slopes, turned
from xpnet.layers.past import Past, room_for


def heads_of(body: Any, x: Host, memory: Host, hidden: Host | None) -> Any:
    """Return the heads' outputs for the positions of x, as rows ``(N L, A)``, and note their keys and values.

    NotImplemented leaves the past as it is.
    """
    layer, (N, L, D) = body.layer, x.shape
    past, start = layer.past, layer.past.length
    own = memory is x
    if own and (hidden is not None or (L > 1 and start)):
        return NotImplemented
    if own and L == 1:
        weights = joined(layer, Joined)
        y = x.reshape(N, D) @ weights.W
        y += weights.b
        return of_one_position(layer, weights, y)
    (q,) = body.projected(x, "q")
    q *= 1.0 / sqrt(q.shape[-1])
    if own:
        k, v = body.projected(x, "kv")
        if layer.positions == "rotary":
            turn = rotation(q, start)
            q, k = turned(q, *turn), turned(k, *turn)
    elif past.keys is None:
        past.keys, past.values = k, v = body.projected(memory, "kv")
    else:
        k, v = past.keys, past.values
    a = np.empty((N, L, layer.heads, q.shape[-1]), x.dtype)
    if body.run(layer, q, k, v, hidden, a.transpose(0, 2, 1, 3)) is NotImplemented:
        return NotImplemented
    if own:
        note(past, k, v, start)
    past.length = start + L
    return a.reshape(N * L, -1)


class Joined:
    """The arrays of an attention for one position after another: q, k and v come from one product, q divided by √E.

    ``turns`` has the cosines and sines of positions, for which there is room as for keys, and ``slopes`` those of the
    heads, ``(groups, heads of one, 1)``.
    """

    def __init__(self, layer: Any, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays
        matrices, biases = arrays[:3], arrays[3:6]
        dtype, self.E = matrices[0].dtype, matrices[0].shape[1] // layer.heads
        self.W = np.concatenate(matrices, axis=1)
        self.b = np.concatenate([like(b, W.shape[1], dtype) for W, b in zip(matrices, biases, strict=True)])
        for part in (self.W, self.b):
            part[..., : matrices[0].shape[1]] *= 1.0 / sqrt(self.E)
        self.rotary = layer.positions == "rotary"
        self.turns, self.slopes = np.zeros((0 if self.rotary else 1, 2, 0), dtype), np.zeros((0, 0, 1), dtype)
        if layer.positions == "alibi":
            self.slopes = np.asarray(slopes(layer.heads), dtype).reshape(layer.groups, -1, 1)

    def turn(self, start: int) -> Host:
        """Return the cosine and sine of a position's angles, ``(2, E / 2)``; ``(2, 0)`` unless positions are rotary."""
        if self.rotary and start >= len(self.turns):
            every = rotation(np.empty((room_for(start + 1), self.E), self.W.dtype), 0)
            self.turns = np.stack(every, axis=1)
        turn: Host = self.turns[start if self.rotary else 0]
        return turn


Kind = TypeVar("Kind", bound=Joined)


def joined(layer: Any, kind: type[Kind], *others: Any) -> Kind:
    """Return the joined arrays of an attention and of ``others`` around it, made anew when one has been replaced."""
    arrays = (layer.Wq, layer.Wk, layer.Wv, layer.bq, layer.bk, layer.bv, *others)
    kept = layer.past.joined
    if not isinstance(kept, kind) or any(map(is_not, arrays, kept.arrays)):
        kept = layer.past.joined = kind(layer, arrays)
    return kept


def like(b: Any, size: int, dtype: Any) -> Host:
    """Return a bias as an array of its own, zeros if it is left out."""
    return np.broadcast_to(b, (size,)).astype(dtype)


def of_one_position(layer: Any, weights: Joined, y: Host) -> Host:
    """Return the heads' outputs ``(N, A)`` of one position from its q, k and v ``(N, A + 2 B)``, and note k and v."""
    past, heads, groups, E, N = layer.past, layer.heads, layer.groups, weights.E, len(y)
    start = past.length
    q, k, v = y[:, : heads * E], y[:, heads * E : -groups * E], y[:, -groups * E :]
    if weights.rotary:
        both = turned(y[:, : -groups * E].reshape(N, heads + groups, 1, E), *weights.turn(start))
        q, k = both[:, :heads], both[:, heads:]
    note(past, k.reshape(N, groups, 1, E), v.reshape(N, groups, 1, E), start)
    low = first_seen(layer, start)
    keys, values = past.keys[:, :, low : start + 1], past.values[:, :, low : start + 1]
    scores = np.matmul(q.reshape(N, groups, -1, E), keys.mT)
    if weights.slopes.size:
        scores += weights.slopes * np.arange(low - start, 1, dtype=q.dtype)
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    a: Host = np.matmul(scores, values)
    a /= np.add.reduce(scores, axis=-1, keepdims=True)
    past.length = start + 1
    return a.reshape(N, heads * E)


def first_seen(layer: Any, start: int) -> int:
    """Return the first position that the one at ``start`` attends to."""
    return 0 if layer.window is None else max(0, start + 1 - layer.window)


def note(past: Past, k: Host, v: Host, start: int) -> None:
    """Write keys and values into the past."""
    N, groups, L, E = k.shape
    upto = start + L
    keys, values = with_room(past, (N, groups, upto, E), k.dtype)
    keys[:, :, start:upto], values[:, :, start:upto] = k, v


def with_room(past: Past, shape: tuple[int, int, int, int], dtype: Any) -> tuple[Host, Host]:
    """Return the keys and values of the past, with room for all positions of a shape ``(N, groups, L, E)``."""
    keys, values = past.keys, past.values
    if keys is None or keys.shape[2] < shape[2]:
        N, groups, L, E = shape
        made = [np.zeros((N, groups, room_for(L), E), dtype) for _ in range(2)]
        for new, old in zip(made, (keys, values), strict=True):
            if old is not None:
                new[:, :, : old.shape[2]] = old
        past.keys, past.values = keys, values = made
    return keys, values  # type: ignore[return-value]
