"""Softmax cross-entropy in two passes around NumPy's exponential, which runs on vectors as no compiled one does."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, compiled_sums, in_order, rows
from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.standard import loss as standard


@standard.softmax_cross_entropy.on("numba")
def softmax_cross_entropy(x: Host, t: Host) -> Any:
    if are_labels(t, x) and in_order(x):
        e, losses = np.empty_like(x), np.empty(t.shape, x.dtype)
        if less_maximum(rows(x), labels_of(t), rows(e), losses.reshape(-1)):
            np.exp(e, out=e)
            as_shares(rows(e), losses.reshape(-1))
            return losses, e
    return standard.softmax_cross_entropy.bodies["numpy"](x, t)


@compiled
def less_maximum(x: Host, t: Host, e: Host, losses: Host) -> bool:
    """``e = x - max x``, and what that is at the label, negative, as losses; whether all labels are known."""
    N, K = x.shape
    for n in range(N):
        if not 0 <= t[n] < K:
            return False
        largest = x[n, 0]
        for k in range(1, K):
            largest = max(largest, x[n, k])
        for k in range(K):
            e[n, k] = x[n, k] - largest
        losses[n] = -e[n, t[n]]
    return True


@compiled_sums
def as_shares(e: Host, losses: Host) -> None:
    """Divide the exponentials by their sums, whose logarithms are added to the losses."""
    N, K = e.shape
    for n in range(N):
        total = e[n, 0]
        for k in range(1, K):
            total += e[n, k]
        losses[n] += np.log(total)
        for k in range(K):
            e[n, k] /= total


@standard.softmax_cross_entropy_backward.on("numba")
def softmax_cross_entropy_backward(y: Host, t: Host, dlosses: Any) -> Any:
    if are_labels(t, y) and in_order(y):
        dx = np.empty_like(y)
        if less_one_hot(rows(y), labels_of(t), rows(dx)):
            dx *= dlosses
            return dx
    return standard.softmax_cross_entropy_backward.bodies["numpy"](y, t, dlosses)


@compiled
def less_one_hot(y: Host, t: Host, dx: Host) -> bool:
    N, K = y.shape
    one = y.dtype.type(1)
    for n in range(N):
        if not 0 <= t[n] < K:
            return False
        for k in range(K):
            dx[n, k] = y[n, k]
        dx[n, t[n]] -= one
    return True


def are_labels(t: Host, x: Host) -> bool:
    return t.dtype.kind in "iu" and x.size > 0 and t.shape == x.shape[:-1]


def labels_of(t: Host) -> Host:
    """The labels in one axis, as the one kind of integers that the loops are compiled for."""
    t = t.reshape(-1)
    return t if t.dtype == np.int64 and t.flags.carray else np.array(t, dtype=np.int64)
