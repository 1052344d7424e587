"""The loops of poolings, over windows that are already cut at the border and planes with runs of values.

Arrays are flat: ``t0, h0, w0`` are the firsts of windows along the three axes of images ``T, H, W``, and
``t1, h1, w1`` the ends. A run is the batch where it is last, and else one value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numpy.blocks import Host

LANES = 16  # values that are compared side by side along a window of many columns


@compiled
def largest(
    x: Host, y: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any, W: Any,
    run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write the largest value of each window, the first of equal ones and NaN before all, and its place."""
    out = begin * len(t0) * len(h0) * len(w0) * run
    tops, rows = np.empty(W + LANES, x.dtype), np.empty(W + LANES, np.int32)  # of each column, and of lanes
    for plane in range(begin, last):
        base = plane * T * H * W * run
        for i in range(len(t0)):
            for j in range(len(h0)):
                if run == 1:  # first down all columns side by side, then along those of each window
                    first = np.int32(t0[i] * H + h0[j])
                    values = x[base + first * W : base + (first + 1) * W]
                    for w in range(W):
                        tops[w] = values[w]
                        rows[w] = first
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            row = np.int32(t * H + h)
                            values = x[base + row * W : base + (row + 1) * W]
                            for w in range(W if row != first else 0):
                                value = values[w]
                                better = (value > tops[w]) | (value != value)
                                tops[w] = value if better else tops[w]
                                rows[w] = row if better else rows[w]
                    for k in range(len(w0)):
                        y[out], winner[out] = along(tops, rows, W, w0[k], w1[k])
                        out += 1
                    continue
                for k in range(len(w0)):
                    place = (t0[i] * H + h0[j]) * W + w0[k]
                    own, places = y[out : out + run], winner[out : out + run]
                    seen = x[base + place * run : base + (place + 1) * run]
                    for n in range(run):
                        own[n] = seen[n]
                        places[n] = np.int32(place)
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            for w in range(w0[k], w1[k]):
                                number = np.int32((t * H + h) * W + w)
                                at = base + number * run
                                values = x[at : at + run]
                                for n in range(run):
                                    value = values[n]
                                    better = (value > own[n]) | (value != value)
                                    own[n] = value if better else own[n]
                                    places[n] = number if better else places[n]
                    out += run


@compiled
def along(tops: Host, rows: Host, W: Any, first: Any, end: Any) -> tuple[Any, Any]:
    """Return the largest value of some columns, of which each has its largest one and its row, and its place."""
    W = np.int32(W)
    top, place, w = tops[first], np.int32(rows[first] * W + first), first + 1
    if end - first >= 2 * LANES:
        own, places = tops[W:], rows[W:]
        for n in range(LANES):
            own[n], places[n] = tops[first + n], np.int32(rows[first + n] * W + first + n)
        for w in range(first + LANES, end - LANES + 1, LANES):
            values, numbers = tops[w : w + LANES], rows[w : w + LANES]
            for n in range(LANES):
                number = np.int32(np.int32(numbers[n] * W) + np.int32(w + n))
                better = before(values[n], number, own[n], places[n])
                own[n] = values[n] if better else own[n]
                places[n] = number if better else places[n]
        for n in range(LANES):
            better = before(own[n], places[n], top, place)
            top, place = (own[n], places[n]) if better else (top, place)
        w = end - (end - first) % LANES
    for v in range(w, end):
        number = np.int32(rows[v] * W + v)
        better = before(tops[v], number, top, place)
        top = tops[v] if better else top
        place = number if better else place
    return top, place


@compiled
def before(value: Any, place: Any, top: Any, of_top: Any) -> Any:
    """Return whether a value wins: the larger one, the first of equal ones, and the last NaN."""
    is_nan, none_yet = value != value, top == top
    return (value > top) | ((value == top) & (place < of_top)) | (is_nan & (none_yet | (place > of_top)))


@compiled
def to_winners(
    dout: Host, dx: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, many: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write dout at the places that won, summed, and zeros elsewhere."""
    zero = dout.dtype.type(0)
    out = begin * len(t0) * len(h0) * len(w0) * run
    for plane in range(begin, last):
        base = plane * T * H * W * run
        dx[base : base + T * H * W * run] = zero
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    if run == 1 or many:
                        for n in range(run):
                            dx[base + winner[out + n] * run + n] += dout[out + n]
                    else:
                        d, places = dout[out : out + run], winner[out : out + run]
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                for w in range(w0[k], w1[k]):
                                    number = np.int32((t * H + h) * W + w)
                                    at = base + number * run
                                    own = dx[at : at + run]
                                    for n in range(run):
                                        own[n] += d[n] if places[n] == number else zero
                    out += run


@compiled
def means(
    x: Host, y: Host, share: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any, W: Any,
    run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write the sum of each window times its share."""
    zero = x.dtype.type(0)
    count = len(t0) * len(h0) * len(w0)
    sums = np.empty(W + LANES, x.dtype)  # of each column, and of lanes
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
        for i in range(len(t0)):
            for j in range(len(h0)):
                if run == 1:  # as the largest values
                    for w in range(W):
                        sums[w] = zero
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            values = x[base + (t * H + h) * W : base + (t * H + h + 1) * W]
                            for w in range(W):
                                sums[w] += values[w]
                    for k in range(len(w0)):
                        y[plane * count + place] = sum_along(sums, W, w0[k], w1[k]) * share[place]
                        place += 1
                    continue
                for k in range(len(w0)):
                    out = (plane * count + place) * run
                    part = share[place]
                    own = y[out : out + run]
                    for n in range(run):
                        own[n] = zero
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            for w in range(w0[k], w1[k]):
                                at = base + ((t * H + h) * W + w) * run
                                values = x[at : at + run]
                                for n in range(run):
                                    own[n] += values[n]
                    for n in range(run):
                        own[n] *= part
                    place += 1


@compiled
def sum_along(values: Host, W: Any, first: Any, end: Any) -> Any:
    """Return the sum of some columns."""
    total, w = values.dtype.type(0), first
    if end - first >= 2 * LANES:
        lanes = values[W:]
        lanes[:] = total
        for w in range(first, end - LANES + 1, LANES):
            part = values[w : w + LANES]
            for n in range(LANES):
                lanes[n] += part[n]
        for n in range(LANES):
            total += lanes[n]
        w = end - (end - first) % LANES
    for v in range(w, end):
        total += values[v]
    return total


@compiled
def to_windows(
    dout: Host, dx: Host, share: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write to all places the shares of dout of their windows, summed."""
    zero = dout.dtype.type(0)
    count = len(t0) * len(h0) * len(w0)
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
        dx[base : base + T * H * W * run] = zero
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    out = (plane * count + place) * run
                    part = share[place]
                    d = dout[out : out + run]
                    for t in range(t0[i], t1[i]):
                        for h in range(h0[j], h1[j]):
                            line = base + (t * H + h) * W * run
                            if run == 1:
                                value, places = d[0] * part, dx[line + w0[k] : line + w1[k]]
                                for w in range(len(places)):
                                    places[w] += value
                            else:
                                for w in range(w0[k], w1[k]):
                                    own = dx[line + w * run : line + (w + 1) * run]
                                    for n in range(run):
                                        own[n] += d[n] * part
                    place += 1
