"""The loops of poolings, over windows that are already cut at the border and planes with runs of values.

Arrays are flat: ``t0, h0, w0`` are the firsts of windows along the three axes of images ``T, H, W``, and
``t1, h1, w1`` the ends. A run is the batch where it is last, and else one value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numpy.blocks import Host

WIDE = 8  # columns of a window above which its largest value is found first, and then its place


@compiled
def largest(
    x: Host, y: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any, W: Any,
    run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Write the largest value of each window, the first of equal ones and NaN before all, and its place."""
    out = begin * len(t0) * len(h0) * len(w0) * run
    for plane in range(begin, last):
        base = plane * T * H * W * run
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    place = (t0[i] * H + h0[j]) * W + w0[k]
                    if run == 1:
                        best, won = x[base + place], place
                        many = (t1[i] - t0[i]) * (h1[j] - h0[j]) * (w1[k] - w0[k]) > WIDE
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                line = (t * H + h) * W + w0[k]
                                values = x[base + line : base + line + w1[k] - w0[k]]
                                if many and len(values) < WIDE:  # few of many win: a jump is foreseen
                                    for w in range(len(values)):
                                        if (values[w] > best) | (values[w] != values[w]):
                                            best, won = values[w], line + w
                                    continue
                                if len(values) < WIDE:
                                    for w in range(len(values)):
                                        better = (values[w] > best) | (values[w] != values[w])
                                        best = values[w] if better else best
                                        won = line + w if better else won
                                    continue
                                top = values[0]
                                for w in range(1, len(values)):  # compared again only where it wins
                                    top = values[w] if (values[w] > top) | (values[w] != values[w]) else top
                                if top > best or top != top:
                                    best = top
                                    for w in range(len(values)):
                                        if values[w] == top or (top != top and values[w] != values[w]):
                                            won = line + w
                                            if top == top:
                                                break
                        y[out], winner[out] = best, won
                    else:
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
def to_winners(
    dout: Host, dx: Host, winner: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, many: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Add dout to the places that won."""
    zero = dout.dtype.type(0)
    out = begin * len(t0) * len(h0) * len(w0) * run
    for plane in range(begin, last):
        base = plane * T * H * W * run
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
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
        for i in range(len(t0)):
            for j in range(len(h0)):
                for k in range(len(w0)):
                    out = (plane * count + place) * run
                    part = share[place]
                    if run == 1:
                        total = zero
                        for t in range(t0[i], t1[i]):
                            for h in range(h0[j], h1[j]):
                                line, own_sum = base + (t * H + h) * W + w0[k], zero
                                values = x[line : line + w1[k] - w0[k]]
                                for w in range(len(values)):
                                    own_sum += values[w]
                                total += own_sum
                        y[out] = total * part
                    else:
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
def to_windows(
    dout: Host, dx: Host, share: Host, t0: Host, h0: Host, w0: Host, t1: Host, h1: Host, w1: Host, T: Any, H: Any,
    W: Any, run: Any, begin: Any, last: Any,
) -> None:  # fmt: skip
    """Add to all places of each window its share of dout."""
    count = len(t0) * len(h0) * len(w0)
    for plane in range(begin, last):
        base, place = plane * T * H * W * run, 0
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
