"""The loops of group normalization of images, and sums for those of batches, over flat arrays in either order.

In C order a channel of a sample lies in one piece; with the batch last all samples of a place do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, compiled_sums
from xpnet.fast.numpy.blocks import Host

PART = 4096  # values of a sum in the dtype of x; their sums are added in float64


@compiled_sums
def sum_of(x: Host) -> Any:
    """Return the sum of values, of parts whose sums keep their digits."""
    total = 0.0
    for at in range(0, len(x), PART):
        values, part = x[at : at + PART], x.dtype.type(0)
        for i in range(len(values)):
            part += values[i]
        total += part
    return total


@compiled_sums
def squares_of(x: Host, mean: Any) -> Any:
    """Return the sum of squared distances from a mean."""
    total = 0.0
    for at in range(0, len(x), PART):
        values, part = x[at : at + PART], x.dtype.type(0)
        for i in range(len(values)):
            part += (values[i] - mean) * (values[i] - mean)
        total += part
    return total


@compiled_sums
def products_of(d: Host, x: Host, mean: Any) -> Any:
    """Return the sum of d, and that of d times the distance of x from a mean."""
    total, along = 0.0, 0.0
    for at in range(0, len(d), PART):
        douts, values = d[at : at + PART], x[at : at + PART]
        part, own = d.dtype.type(0), d.dtype.type(0)
        for i in range(len(douts)):
            part += douts[i]
            own += douts[i] * (values[i] - mean)
        total += part
        along += own
    return total, along


@compiled
def scaled(x: Host, y: Host, mean: Any, scale: Any, shift: Any) -> None:
    for i in range(len(x)):
        y[i] = (x[i] - mean) * scale + shift


@compiled
def through(d: Host, x: Host, dx: Host, mean: Any, scale: Any, less: Any, slope: Any) -> None:
    """Write ``dx = d scale - less - (x - mean) slope``."""
    for i in range(len(d)):
        dx[i] = d[i] * scale - less - (x[i] - mean) * slope


@compiled
def normalize_rows(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images in C order: each sample has its group in one row."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            row = n * G + g
            values = x[row * width : (row + 1) * width]
            m = real(sum_of(values) / width)
            r = real(1) / np.sqrt(real(squares_of(values, m) / width) + real(eps))
            mean[row], rstd[row] = m, r
            for c in range(own):
                start, channel = row * width + c * size, g * own + c
                end = start + size
                scaled(x[start:end], y[start:end], m, gamma[channel] * r, beta[channel])


@compiled
def through_rows(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and add to dγ and dβ, for images in C order."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for n in range(N):
        for g in range(first, last):
            row = n * G + g
            m, r = mean[row], rstd[row]
            less, slope = 0.0, 0.0
            for c in range(own):
                start, channel = row * width + c * size, g * own + c
                total, along = products_of(d[start : start + size], x[start : start + size], m)
                dbeta[channel] += real(total)
                dgamma[channel] += real(along * r)
                less += gamma[channel] * total
                slope += gamma[channel] * along
            mean_d, mean_along = real(less / width) * r, real(slope / width) * r * r * r
            for c in range(own):
                start = row * width + c * size
                end = start + size
                through(d[start:end], x[start:end], dx[start:end], m, gamma[g * own + c] * r, mean_d, mean_along)


@compiled
def normalize_runs(
    x: Host, y: Host, mean: Host, rstd: Host, gamma: Host, beta: Host, eps: Any, G: Any, N: Any, size: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    """Write the statistics of some groups and y, for images with the batch last: all samples side by side."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        m[:] = real(0)
        r[:] = real(0)
        for place in range(g * width, (g + 1) * width):
            values = x[place * N : (place + 1) * N]
            for n in range(N):
                m[n] += values[n]
        for n in range(N):
            m[n] /= real(width)
        for place in range(g * width, (g + 1) * width):
            values = x[place * N : (place + 1) * N]
            for n in range(N):
                r[n] += (values[n] - m[n]) * (values[n] - m[n])
        for n in range(N):
            r[n] = real(1) / np.sqrt(r[n] / real(width) + real(eps))
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                values, out = x[place * N : (place + 1) * N], y[place * N : (place + 1) * N]
                for n in range(N):
                    out[n] = (values[n] - m[n]) * r[n] * gamma[c] + beta[c]


@compiled
def through_runs(
    d: Host, x: Host, dx: Host, mean: Host, rstd: Host, gamma: Host, dgamma: Host, dbeta: Host, G: Any, N: Any,
    size: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    """Write dx of some groups, and dγ and dβ, for images with the batch last."""
    real, own = x.dtype.type, len(gamma) // G
    width = own * size
    sums = np.empty((4, N), d.dtype)
    less, slope, total, along = sums[0], sums[1], sums[2], sums[3]
    for g in range(first, last):
        m, r = mean[g * N : (g + 1) * N], rstd[g * N : (g + 1) * N]
        sums[:2] = real(0)
        for c in range(g * own, (g + 1) * own):
            sums[2:] = real(0)
            for place in range(c * size, (c + 1) * size):
                douts, values = d[place * N : (place + 1) * N], x[place * N : (place + 1) * N]
                for n in range(N):
                    total[n] += douts[n]
                    along[n] += douts[n] * (values[n] - m[n])
            all_d, all_along = 0.0, 0.0
            for n in range(N):
                all_d += total[n]
                all_along += along[n] * r[n]
                less[n] += gamma[c] * total[n]
                slope[n] += gamma[c] * along[n]
            dbeta[c], dgamma[c] = real(all_d), real(all_along)
        for n in range(N):
            less[n] *= r[n] / real(width)
            slope[n] *= r[n] * r[n] * r[n] / real(width)
        for c in range(g * own, (g + 1) * own):
            for place in range(c * size, (c + 1) * size):
                douts, values = d[place * N : (place + 1) * N], x[place * N : (place + 1) * N]
                out = dx[place * N : (place + 1) * N]
                for n in range(N):
                    out[n] = douts[n] * gamma[c] * r[n] - less[n] - (values[n] - m[n]) * slope[n]
