"""Attention of long sequences as compiled loops: the scores of some queries at a time, which never leave the caches.

A vector has a number for each of some queries. Their scores, keys by queries, are a product whose sums stay in
registers, and become the shares in place; the backward computes them anew from the logarithm of their sum. For the
derivatives of keys and values the shares of ``TALL`` queries are turned, so that a product runs over the queries.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numba.blocks import SIDE, add_square, tile_turned, write_square
from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.elementary import exp
from xpnet.fast.numba.products import pack, pack_blocks, unpack
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host

TALL = 2 * SIDE
NOTHING, ZERO = np.float32(-np.inf), np.float32(0.0)


def suits(layer: Any, q: Host, hidden: Host | None) -> bool:
    """Return whether the loops have what a layer's options ask for."""
    return bool(q.dtype == np.float32 and hidden is None and layer.window is None and layer.positions != "alibi")


def forward(layer: Any, q: Host, k: Host, v: Host, a: Host) -> Any:
    """Write the heads' outputs into a, and return the logarithm of each row's sum; NotImplemented for infinite values.

    Shapes: ``q, a (N, heads, L, E)``, ``k, v (N, groups, S, E)``, result ``(N, heads, L)``.
    """
    logarithms = np.empty(q.shape[:3], q.dtype)
    told: Any = (*flat(q, k, v, a), logarithms.reshape(-1), *sizes(q, k), layer.causal)
    shared(k.shape[0] * k.shape[1], q.size * k.shape[2], partial(forward_of_groups, *told))
    if not (np.isfinite(logarithms).all() and np.isfinite(np.add.reduce(v, axis=None))):
        return NotImplemented
    return logarithms


def backward(layer: Any, heads: Any, logarithms: Host, d: Host, along: Host, gradients: Any) -> None:
    """Write the derivatives of q (times its scale), k and v, for d, that of the heads' outputs a, and ``Σ d a``."""
    q, k, _ = heads
    rows = logarithms.reshape(-1), np.ascontiguousarray(along).reshape(-1)
    told: Any = (*flat(*heads, d, *gradients), *rows, *sizes(q, k), layer.causal)
    shared(k.shape[0] * k.shape[1], 3 * q.size * k.shape[2], partial(backward_of_groups, *told))


def flat(*heads: Host) -> list[Host]:
    """Return the memory of heads, positions by heads by features."""
    return [np.ascontiguousarray(z.transpose(0, 2, 1, 3)).reshape(-1) for z in heads]


def sizes(q: Host, k: Host) -> tuple[int, ...]:
    return (*k.shape[1:3], *q.shape[1:])


@compiled
def forward_of_groups(
    q: Host, k: Host, v: Host, a: Host, logarithms: Host, groups: Any, S: Any, heads: Any, L: Any, E: Any, causal: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Compute the heads that share their keys, for some pairs of a sample and a group."""
    high = up(E)
    of_k, of_v = np.empty(up(S) * E, q.dtype), np.empty(S * high, q.dtype)
    queries, out = np.empty(E * SIDE, q.dtype), np.empty(high * SIDE, q.dtype)
    scores = np.empty(up(S) * SIDE, q.dtype)
    top, total = np.empty(SIDE, q.dtype), np.empty(SIDE, q.dtype)
    dq, dk = heads * E, groups * E
    for pair in range(first, last):
        n, group = pair // groups, pair % groups
        start = (n * S * groups + group) * E
        pack_blocks(of_k, SIDE, k[start:], dk, 1, S, E)
        pack_blocks(of_v, SIDE, v[start:], 1, dk, E, S)
        for head in range(group * (heads // groups), (group + 1) * (heads // groups)):
            for l0 in range(0, L, SIDE):
                width = min(SIDE, L - l0)
                at = ((n * L + l0) * heads + head) * E
                seen = min(S, l0 + SIDE) if causal else S
                pack(queries, SIDE, q[at:], dq, 1, width, E)
                score(scores, of_k, queries, seen, E, l0, causal)
                top[:] = NOTHING
                for row in range(seen):
                    for t in range(SIDE):
                        top[t] = max(top[t], scores[row * SIDE + t])
                total[:] = ZERO
                for row in range(seen):
                    for t in range(SIDE):
                        share = exp(scores[row * SIDE + t] - top[t])
                        scores[row * SIDE + t] = share
                        total[t] += share
                for e in range(0, high, SIDE):
                    write_square(out, e * SIDE, SIDE, of_v, e * S, scores, 0, seen)
                for row in range(high):
                    for t in range(SIDE):
                        out[row * SIDE + t] /= total[t]
                unpack(a, at, dq, out, E, width)
                for t in range(width):
                    logarithms[(n * heads + head) * L + l0 + t] = top[t] + np.log(total[t])


@compiled
def backward_of_groups(
    q: Host, k: Host, v: Host, d: Host, dq: Host, dk: Host, dv: Host, logarithms: Host, along: Host,
    groups: Any, S: Any, heads: Any, L: Any, E: Any, causal: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    high, wide = up(S), up(E)
    of_k, of_v, turned_k = np.empty(high * E, q.dtype), np.empty(high * E, q.dtype), np.empty(S * wide, q.dtype)
    sum_k, sum_v = np.empty(high * wide, q.dtype), np.empty(high * wide, q.dtype)
    queries, upstream = np.empty(E * SIDE, q.dtype), np.empty(E * SIDE, q.dtype)
    rows_q, rows_d = np.empty(TALL * wide, q.dtype), np.empty(TALL * wide, q.dtype)
    p, ds, out = np.empty(high * SIDE, q.dtype), np.empty(high * SIDE, q.dtype), np.empty(wide * SIDE, q.dtype)
    turned_p, turned_ds = np.empty(high * TALL, q.dtype), np.empty(high * TALL, q.dtype)
    less, inner = np.zeros(SIDE, q.dtype), np.zeros(SIDE, q.dtype)
    step, step_k = heads * E, groups * E
    for pair in range(first, last):
        n, group = pair // groups, pair % groups
        start = (n * S * groups + group) * E
        pack_blocks(of_k, SIDE, k[start:], step_k, 1, S, E)
        pack_blocks(of_v, SIDE, v[start:], step_k, 1, S, E)
        pack_blocks(turned_k, SIDE, k[start:], 1, step_k, E, S)
        sum_k[:] = ZERO
        sum_v[:] = ZERO
        for head in range(group * (heads // groups), (group + 1) * (heads // groups)):
            for l0 in range(0, L, TALL):
                tall = min(TALL, L - l0)
                seen = min(S, l0 + tall) if causal else S
                at = ((n * L + l0) * heads + head) * E
                for e in range(0, wide, SIDE):
                    pack(rows_q[e * TALL :], SIDE, q[at + e :], 1, step, min(SIDE, E - e), tall)
                    pack(rows_d[e * TALL :], SIDE, d[at + e :], 1, step, min(SIDE, E - e), tall)
                for s0 in range(0, tall, SIDE):
                    width = min(SIDE, tall - s0)
                    own = at + s0 * step
                    for t in range(width):
                        place = (n * heads + head) * L + l0 + s0 + t
                        less[t], inner[t] = logarithms[place], along[place]
                    pack(queries, SIDE, q[own:], step, 1, width, E)
                    pack(upstream, SIDE, d[own:], step, 1, width, E)
                    score(p, of_k, queries, seen, E, l0 + s0, causal)
                    for row in range(0, seen, SIDE):
                        write_square(ds, row * SIDE, SIDE, of_v, row * E, upstream, 0, E)
                    for row in range(seen):
                        for t in range(SIDE):
                            share = exp(p[row * SIDE + t] - less[t])
                            p[row * SIDE + t] = share
                            ds[row * SIDE + t] = share * (ds[row * SIDE + t] - inner[t])
                    for e in range(0, wide, SIDE):
                        write_square(out, e * SIDE, SIDE, turned_k, e * S, ds, 0, seen)
                    unpack(dq, own, step, out, E, width)
                    for row in range(0, seen, SIDE):
                        tile_turned(turned_p, row * TALL + s0 * SIDE, SIDE, p, row * SIDE, SIDE)
                        tile_turned(turned_ds, row * TALL + s0 * SIDE, SIDE, ds, row * SIDE, SIDE)
                for row in range(0, seen, SIDE):
                    for e in range(0, wide, SIDE):
                        place = row * wide + e
                        add_square(sum_v, place, wide, turned_p, row * TALL, rows_d, e * TALL, tall)
                        add_square(sum_k, place, wide, turned_ds, row * TALL, rows_q, e * TALL, tall)
        for row in range(S):
            for e in range(E):
                dk[start + row * step_k + e] = sum_k[row * wide + e]
                dv[start + row * step_k + e] = sum_v[row * wide + e]


@compiled
def up(size: Any) -> Any:
    """Return a size up to whole squares."""
    return (size + SIDE - 1) // SIDE * SIDE


@compiled
def score(scores: Host, keys: Host, queries: Host, seen: Any, E: Any, l0: Any, causal: Any) -> None:
    """Write the scores of the queries from ``l0`` on; where attention is causal, -inf for the keys after each."""
    for row in range(0, seen, SIDE):
        write_square(scores, row * SIDE, SIDE, keys, row * E, queries, 0, E)
    if causal:
        for row in range(l0, seen):
            for t in range(min(row - l0, SIDE)):
                scores[row * SIDE + t] = NOTHING
