"""Attention of long sequences on NumPy: some rows of scores at a time, in the cache of each processor, and never all.

The softmax needs no pass for its maximum: by Cauchy and Schwarz a score is at most ``|q| max |k|``, and the product
that makes the scores subtracts this bound as well, in a column of its own. So it does in the backward with the
logarithm of the sum, which gives the shares at once, and with ``Σ p dp``. Where the bound is so far off that the
exponentials vanish, the maximum of the rows is taken.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, ones, workspace
from xpnet.fast.numpy.scores import far, future
from xpnet.fast.numpy.threads import shared
from xpnet.layers.heads import slopes

ROWS = 128
"""The rows of a block, so that its scores for a thousand keys stay in a processor's cache."""


def forward(layer: Any, q: Host, k: Host, v: Host, hidden: Host | None, a: Host) -> Any:
    """Write the heads' outputs into a, and return the logarithm of each row's sum; NotImplemented for infinite values.

    Shapes: ``q, a (N, heads, L, E)``, ``k, v (N, groups, S, E)``, result ``(N, heads, L)``.
    """
    if layer.positions == "alibi" and not layer.causal:
        return NotImplemented  # the distance is no sum of a number for the query and one for the key
    longest = np.sqrt(np.max(np.einsum("ngse,ngse->ngs", k, k), axis=2))
    bound = np.sqrt(np.einsum("nhle,nhle->nhl", q, q))
    bound *= np.repeat(longest, layer.heads // layer.groups, axis=1)[:, :, None]
    if not (np.isfinite(bound).all() and np.isfinite(np.add.reduce(v, axis=None))):
        return NotImplemented
    logarithms = np.empty(q.shape[:3], q.dtype)
    shared(partial(forward_of_group, layer, (q, k, v), hidden, bound, logarithms, a), groups_of(k))
    return logarithms


def forward_of_group(
    layer: Any, heads: Any, hidden: Host | None, bound: Host, logarithms: Host, a: Host, place: tuple[int, int]
) -> None:
    """Compute the heads that share the keys at a place."""
    (q, k, v), (n, group) = heads, place
    keys, of_v = with_column(k[n, group], 1.0, "keys"), np.ascontiguousarray(v[n, group])
    least = np.finfo(q.dtype).tiny * 1e8  # the largest share is then far from where numbers lose digits
    for head in heads_of(layer, group):
        own = -bound[n, head]
        queries = with_column(q[n, head], own, "queries")
        lean(layer, head, queries)
        for rows, seen in in_blocks(layer, len(queries), len(keys)):
            e = scores(layer, n, head, queries, keys, hidden, rows, seen)
            np.exp(e, out=e)
            total = ones(len(e), e.dtype) @ e
            if total.min() < least:
                e = scores(layer, n, head, queries, keys, hidden, rows, seen)
                top = np.maximum(np.max(e, axis=0), np.finfo(e.dtype).min)
                e -= top
                np.exp(e, out=e)
                total = ones(len(e), e.dtype) @ e
                own[rows] -= top
            y = e.T @ of_v[seen]
            with np.errstate(divide="ignore"):
                logarithms[n, head, rows] = np.where(total > 0, np.log(total) - own[rows], np.inf)
            y /= np.where(total > 0, total, 1.0)[:, None]
            a[n, head, rows] = y


def backward(
    layer: Any, heads: Any, hidden: Host | None, logarithms: Host, d: Host, along: Host, gradients: Any
) -> None:
    """Write the derivatives of q (times its scale), k and v, for d, that of the heads' outputs a, and ``Σ d a``."""
    shared(partial(backward_of_group, layer, heads, hidden, logarithms, d, along, gradients), groups_of(heads[1]))


def backward_of_group(
    layer: Any,
    heads: Any,
    hidden: Host | None,
    logarithms: Host,
    d: Host,
    along: Host,
    gradients: Any,
    place: tuple[int, int],
) -> None:
    """Compute the derivatives for the heads that share the keys at a place."""
    (q, k, v), (dq, dk, dv), (n, group) = heads, gradients, place
    S, E = k.shape[2:]
    keys, values = with_column(k[n, group], 1.0, "keys"), with_column(v[n, group], 1.0, "values")
    of_k, of_v = np.zeros((S, E), q.dtype), np.zeros((S, E), q.dtype)
    plain = np.ascontiguousarray(k[n, group])
    for head in heads_of(layer, group):
        queries = with_column(q[n, head], -logarithms[n, head], "queries")
        upstream = with_column(d[n, head], -along[n, head, :, 0], "upstream")
        lean(layer, head, queries)
        for rows, seen in in_blocks(layer, len(queries), S):
            p = scores(layer, n, head, queries, keys, hidden, rows, seen)
            np.exp(p, out=p)
            of_v[seen] += p @ upstream[rows, :E]
            ds = np.matmul(values[seen], upstream[rows].T, out=workspace("attention ds", p.shape, p.dtype))
            ds *= p
            dq[n, head, rows] = ds.T @ plain[seen]
            of_k[seen] += ds @ queries[rows, :E]
    dk[n, group], dv[n, group] = of_k, of_v


def groups_of(k: Host) -> list[tuple[int, int]]:
    return list(np.ndindex(*k.shape[:2]))


def heads_of(layer: Any, group: int) -> range:
    each = layer.heads // layer.groups
    return range(group * each, (group + 1) * each)


def with_column(x: Host, column: Any, name: str) -> Host:
    """Return a matrix with one more column, in memory of this thread that is used again."""
    rows, E = x.shape
    made = workspace(f"attention {name}", (rows, E + 1), x.dtype)
    made[:, :E] = x
    made[:, E] = column
    return made


def lean(layer: Any, head: int, queries: Host) -> None:
    """Let the column of the queries have their part of ALiBi's term, -slope i of ``-slope (i - j)``."""
    if layer.positions == "alibi":
        queries[:, -1] -= (slopes(layer.heads)[head] * np.arange(len(queries))).astype(queries.dtype)


def in_blocks(layer: Any, L: int, S: int) -> list[tuple[slice, slice]]:
    """Return the rows of each block, and the keys that any of them sees."""
    found = []
    for first in range(0, L, ROWS):
        last = min(first + ROWS, L)
        low, high = 0, last if layer.causal else S
        if layer.window is not None:
            low = max(0, first - layer.window + 1)
            high = min(high, last + layer.window - 1)
        found.append((slice(first, last), slice(low, high)))
    return found


def scores(
    layer: Any, n: int, head: int, queries: Host, keys: Host, hidden: Host | None, rows: slice, seen: slice
) -> Host:
    """Return the scores of some rows, less the last column of the queries, in memory that is used again.

    Shapes: ``(keys, rows)``, for which BLAS is faster than for their transpose.
    """
    count, width = rows.stop - rows.start, seen.stop - seen.start
    memory = workspace("attention scores", (width, count), queries.dtype)
    found: Host = np.matmul(keys[seen], queries[rows].T, out=memory)
    if layer.positions == "alibi":
        found += (slopes(layer.heads)[head] * np.arange(seen.start, seen.stop)).astype(found.dtype)[:, None]
    if layer.causal:
        found[rows.start - seen.start :] += future(count, found.dtype).T
    if layer.window is not None:
        found += far(count, width, rows.start - seen.start, layer.window, layer.causal, found.dtype).T
    if hidden is not None:
        of_head = hidden[n, head if hidden.shape[1] > 1 else 0]
        found += of_head[rows if len(of_head) > 1 else slice(None), seen].T
    return found
