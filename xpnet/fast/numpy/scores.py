"""Terms added to the scores of attention on NumPy: -inf where a pair may not meet, and that of ALiBi."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.layers.attention import with_heads
from xpnet.layers.heads import distances, slopes


def hidden_scores(heads: int, x: Host, memory: Host, mask: Host | None, query_mask: Host | None) -> Any:
    """Return what is to be added to the scores, -inf where they are masked, ``(N, heads or 1, L or 1, S)``.

    It is None where nothing is masked, and NotImplemented where a mask does not fit.
    """
    if x.ndim != 3 or memory.ndim != 3:
        return NotImplemented
    allowed = None
    if mask is not None:
        if mask.dtype != bool or not 2 <= mask.ndim <= 4:
            return NotImplemented
        allowed = with_heads(mask)
        wanted = (len(x), heads, x.shape[1], memory.shape[1])
        exact = {2: (0, 3), 3: (0, 2, 3), 4: (3,)}[mask.ndim]
        if any(n != w and (at in exact or n != 1) for at, (n, w) in enumerate(zip(allowed.shape, wanted, strict=True))):
            return NotImplemented
        if len(allowed) != len(x):
            allowed = np.broadcast_to(allowed, (len(x), *allowed.shape[1:]))
    if query_mask is not None:
        if query_mask.dtype != bool or query_mask.shape != x.shape[:2]:
            return NotImplemented
        of_queries = query_mask[:, None, :, None]
        allowed = of_queries & (allowed if allowed is not None else np.ones((1, 1, 1, memory.shape[1]), bool))
    return None if allowed is None else np.where(allowed, 0.0, -np.inf).astype(x.dtype)


def added_scores(layer: Any, q: Host, k: Host, causal: bool) -> Host | None:
    """Return what the options of a layer add to all scores, but for the future if that is added by itself."""
    if layer.positions != "alibi" and layer.window is None:
        return None
    behind = distances(q, q.shape[2], k.shape[2], 0)
    added = np.zeros((1, *behind.shape), q.dtype)
    if layer.positions == "alibi":
        added = np.asarray(slopes(layer.heads), q.dtype)[:, None, None] * -np.abs(behind).astype(q.dtype)
    if not causal:
        allowed = layer.allowed(behind, None, None)
        if allowed is not None:
            added = np.where(allowed, added, np.asarray(-np.inf, q.dtype))
    return added


@lru_cache(maxsize=16)
def future(length: int, dtype: Any) -> Host:
    """Return the array that causal attention adds to the scores: 0 up to a position, -inf after it; read-only."""
    added = np.triu(np.full((length, length), -np.inf, dtype), 1)
    added.flags.writeable = False
    return added


@lru_cache(maxsize=16)
def far(rows: int, keys: int, ahead: int, window: int, causal: bool, dtype: Any) -> Host:
    """Return what a window adds to scores whose first row is ``ahead`` keys from the first key; read-only."""
    behind = np.arange(rows)[:, None] + ahead - np.arange(keys)[None, :]
    near = behind < window if causal else np.abs(behind) < window
    added: Host = np.where(near, 0.0, -np.inf).astype(dtype)
    added.flags.writeable = False
    return added
