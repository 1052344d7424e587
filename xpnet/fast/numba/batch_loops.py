"""The loops of batch normalization: of channels of images, and of columns of rows, with a ReLU and a dropout behind.

``y`` is empty where no ReLU follows, and ``kept`` where no dropout does; ``dropped`` is what a dropout multiplies the
values by that it keeps, or 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import SUMMED_FIRST, compiled
from xpnet.fast.numba.normalization_loops import products_of, scaled, squares_of, sum_of, through
from xpnet.fast.numpy.blocks import Host

COLUMNS = 64  # of a job, whose threads then share no line of a cache


@compiled
def scaled_and_cut(x: Host, y: Host, mean: Any, scale: Any, shift: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(len(x)):
        s = (x[i] - mean) * scale + shift
        y[i] = zero if s < zero else s


@compiled
def drop(y: Host, kept: Host, dropped: Any) -> None:
    """Multiply by 0 or a number, so that inf and NaN stay visible."""
    zero = y.dtype.type(0)
    for i in range(len(y)):
        y[i] *= dropped if kept[i] else zero


@compiled
def let_through(d: Host, y: Host, dx: Host, dropped: Any) -> None:
    zero = d.dtype.type(0)
    for i in range(len(d)):
        dx[i] = d[i] * (dropped if y[i] > zero else zero)


@compiled
def normalize_channels(
    x: Host, y: Host, mean: Host, var: Host, gamma: Host, beta: Host, eps: Any, by_batch: Any, cuts: Any, kept: Host,
    dropped: Any, segments: Any, length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some channels, unless they are given, and y."""
    real, C = x.dtype.type, len(gamma)
    for c in range(first, last):
        if by_batch:
            total, squares = 0.0, 0.0
            for s in range(segments):
                start = (s * C + c) * length
                total += sum_of(x[start : start + length])
            mean[c] = real(total / (segments * length))
            for s in range(segments):
                start = (s * C + c) * length
                squares += squares_of(x[start : start + length], mean[c])
            var[c] = real(squares / (segments * length))
        scale = gamma[c] / np.sqrt(var[c] + real(eps))
        for s in range(segments):
            start = (s * C + c) * length
            end = start + length
            if cuts:
                scaled_and_cut(x[start:end], y[start:end], mean[c], scale, beta[c])
            else:
                scaled(x[start:end], y[start:end], mean[c], scale, beta[c])
            if len(kept):
                drop(y[start:end], kept[start:end], dropped)


@compiled
def through_channels(
    d: Host, x: Host, y: Host, dx: Host, mean: Host, var: Host, gamma: Host, dgamma: Host, dbeta: Host, eps: Any,
    by_batch: Any, dropped: Any, needs_dx: Any, segments: Any, length: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dγ, dβ and dx of some channels."""
    real, C = x.dtype.type, len(gamma)
    count = segments * length
    for c in range(first, last):
        total, along = 0.0, 0.0
        for s in range(segments):
            start = (s * C + c) * length
            end = start + length
            if len(y):
                let_through(d[start:end], y[start:end], dx[start:end], dropped)
                one, other = products_of(dx[start:end], x[start:end], mean[c])
            else:
                one, other = products_of(d[start:end], x[start:end], mean[c])
            total += one
            along += other
        r = real(1) / np.sqrt(var[c] + real(eps))
        dbeta[c], dgamma[c] = real(total), real(along * r)
        if needs_dx:
            scale = gamma[c] * r
            less = scale * real(total / count) if by_batch else real(0)
            slope = scale * r * r * real(along / count) if by_batch else real(0)
            for s in range(segments):
                start = (s * C + c) * length
                end = start + length
                if len(y):
                    through(dx[start:end], x[start:end], dx[start:end], mean[c], scale, less, slope)
                else:
                    through(d[start:end], x[start:end], dx[start:end], mean[c], scale, less, slope)


@compiled
def add_rows(x: Host, shift: Host, squared: Any, first: Any, last: Any, total: Host) -> None:
    """Add the columns of some values less a shift, or their squares, to sums in float64, some rows at a time."""
    N, width = len(x), last - first
    part = np.empty(width, x.dtype)
    for start in range(0, N, SUMMED_FIRST):
        part[:] = x.dtype.type(0)
        for n in range(start, min(start + SUMMED_FIRST, N)):
            own = x[n, first:last]
            for j in range(width):
                centred = own[j] - shift[j]
                part[j] += centred * centred if squared else centred
        for j in range(width):
            total[j] += part[j]


@compiled
def normalize_columns(
    x: Host, y: Host, mean: Host, var: Host, gamma: Host, beta: Host, eps: Any, by_batch: Any, cuts: Any, kept: Host,
    dropped: Any, start: Any, end: Any,
) -> None:  # fmt: skip
    """Write the statistics of some columns, unless they are given, and y; whole rows at a time, as they lie."""
    (N, D), real = x.shape, x.dtype.type
    zero, first, last = real(0), start * COLUMNS, min(end * COLUMNS, D)
    width = last - first
    shift, scale, total = np.zeros(width, x.dtype), np.empty(width, x.dtype), np.zeros(width)
    if by_batch:
        add_rows(x, shift, False, first, last, total)
        for j in range(width):
            mean[first + j] = shift[j] = real(total[j] / N)
        total[:] = 0.0
        add_rows(x, shift, True, first, last, total)
        for j in range(width):
            var[first + j] = real(total[j] / N)
    for j in range(width):
        shift[j], scale[j] = mean[first + j], gamma[first + j] / np.sqrt(var[first + j] + real(eps))
    b = beta[first:last]
    for n in range(N):
        own, out = x[n, first:last], y[n, first:last]
        for j in range(width):
            out[j] = (own[j] - shift[j]) * scale[j] + b[j]
        if cuts:
            for j in range(width):
                out[j] = zero if out[j] < zero else out[j]
        if len(kept):
            drop(out, kept[n * D + first : n * D + last], dropped)


@compiled
def through_columns(
    d: Host, x: Host, y: Host, dx: Host, mean: Host, var: Host, gamma: Host, dgamma: Host, dbeta: Host, eps: Any,
    by_batch: Any, dropped: Any, needs_dx: Any, start: Any, end: Any,
) -> None:  # fmt: skip
    """Write dγ, dβ and dx of some columns."""
    (N, D), real = x.shape, x.dtype.type
    zero, first, last = real(0), start * COLUMNS, min(end * COLUMNS, D)
    width = last - first
    parts, totals, mu = np.empty((2, width), x.dtype), np.zeros((2, width)), mean[first:last]
    scale, less, slope = np.empty(width, x.dtype), np.empty(width, x.dtype), np.empty(width, x.dtype)
    for row in range(0, N, SUMMED_FIRST):
        parts[:] = zero
        for n in range(row, min(row + SUMMED_FIRST, N)):
            own, out = x[n, first:last], dx[n, first:last]
            if len(y):
                let_through(d[n, first:last], y[n * D + first : n * D + last], out, dropped)
            else:
                out[:] = d[n, first:last]
            for j in range(width):
                parts[0, j] += out[j]
                parts[1, j] += out[j] * (own[j] - mu[j])
        for j in range(width):
            totals[0, j] += parts[0, j]
            totals[1, j] += parts[1, j]
    for j in range(width):
        c = first + j
        r = real(1) / np.sqrt(var[c] + real(eps))
        dbeta[c], dgamma[c] = real(totals[0, j]), real(totals[1, j] * r)
        scale[j] = gamma[c] * r
        less[j] = scale[j] * real(totals[0, j] / N) if by_batch else zero
        slope[j] = scale[j] * r * r * real(totals[1, j] / N) if by_batch else zero
    if needs_dx:
        for n in range(N):
            own, out = x[n, first:last], dx[n, first:last]
            for j in range(width):
                out[j] = out[j] * scale[j] - less[j] - (own[j] - mu[j]) * slope[j]
