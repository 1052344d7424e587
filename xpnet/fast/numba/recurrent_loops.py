"""All steps of a recurrent layer as one compiled loop, for as many samples as a vector has numbers.

Such samples are a group. Groups do not meet, so that threads share them and never wait for each other. Within a group
arrays are flat, features by samples: those of a step, x, 1 and h below one another, are the *panel* of its products.

Each loop runs the groups from ``first`` to before ``last``. Flat are ``x (N, L, D)``, the output ``y`` and the states
before each step ``hs``, ``(N, L, H)``, and the derivatives of the products of a step, ``das (N, L, 4 H)``; y, hs and
dout may be empty. ``kept (groups, L or 1, 5 H LANES)`` has what the derivatives of a step need, and ``cells`` all c,
``(groups, L + 1, H LANES)``. States ``(N, H)`` become those after the last step, and derivatives those of the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.elementary import sigmoids, tanhs
from xpnet.fast.numba.products import lanes_of, multiply, pack, unpack
from xpnet.fast.numpy.blocks import Host

LANES = lanes_of(np.float32)
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@compiled
def lstm_steps(
    weights: Any, x: Host, y: Host, hs: Host, kept: Host, cells: Host, h: Host, c: Host, padded: Host, reverse: Any,
    L: Any, first: Any, last: Any,
) -> None:  # fmt: skip
    N, H = h.shape
    D, size = len(x) // (N * L), H * LANES
    K = D + 1 + H
    W = weights[0]
    panel, now, before = panel_of(D, H)
    u = np.empty(len(W) // K * LANES, x.dtype)
    for group in range(first, last):
        n0 = group * LANES
        enter(now, h, n0)
        enter(cells[group, 0], c, n0)
        for t in range(L):
            at = n0 * L + (L - 1 - t if reverse else t)
            begin(panel, now, before, x, hs, at, padded, n0, N, L, D, H)
            multiply(u, W, panel, K)
            own = kept[group, min(t, kept.shape[1] - 1)]
            i, f, g = own[:size], own[size : 2 * size], own[2 * size : 3 * size]
            o, tanh_c = own[3 * size : 4 * size], own[4 * size :]
            cell, next_cell = cells[group, t], cells[group, t + 1]
            sigmoids(own[: 2 * size], u)
            tanhs(g, u[2 * size :])
            sigmoids(o, u[3 * size :])
            for q in range(size):
                next_cell[q] = f[q] * cell[q] + i[q] * g[q]
            tanhs(tanh_c, next_cell)
            for q in range(size):
                now[q] = o[q] * tanh_c[q]
            if len(padded):
                stay(next_cell, cell, padded[t], n0)
            end(now, before, y, at, padded, t, n0, N, L, H)
        leave(h, now, n0)
        leave(c, cells[group, L], n0)


@compiled
def lstm_steps_back(
    W: Host, dout: Host, das: Host, kept: Host, cells: Host, dh: Host, dc: Host, padded: Host, reverse: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    N, H = dh.shape
    L, size = kept.shape[1], H * LANES
    da = np.empty(4 * size, dh.dtype)
    di, df, dg, do = da[:size], da[size : 2 * size], da[2 * size : 3 * size], da[3 * size :]
    upstream, d, c = np.empty(size, dh.dtype), np.empty(size, dh.dtype), np.empty(size, dh.dtype)
    d_before, c_before = np.empty(size, dh.dtype), np.empty(size, dh.dtype)
    through = np.empty(len(W) // (4 * H) * LANES, dh.dtype)
    for group in range(first, last):
        n0 = group * LANES
        enter(d, dh, n0)
        enter(c, dc, n0)
        for t in range(L - 1, -1, -1):
            at = n0 * L + (L - 1 - t if reverse else t)
            receive(d, upstream, dout, at, padded, t, n0, N, L, H)
            if len(padded):
                d_before[:] = d
                c_before[:] = c
            own, cell = kept[group, t], cells[group, t]
            i, f, g = own[:size], own[size : 2 * size], own[2 * size : 3 * size]
            o, tanh_c = own[3 * size : 4 * size], own[4 * size :]
            for q in range(size):
                inside = c[q] + d[q] * o[q] * (ONE - tanh_c[q] * tanh_c[q])
                di[q] = inside * g[q] * i[q] * (ONE - i[q])
                df[q] = inside * cell[q] * f[q] * (ONE - f[q])
                dg[q] = inside * i[q] * (ONE - g[q] * g[q])
                do[q] = d[q] * tanh_c[q] * o[q] * (ONE - o[q])
                c[q] = inside * f[q]
            if len(padded):
                clear(da, padded[t], n0)
            unpack(das, at * 4 * H, L * 4 * H, da, 4 * H, min(LANES, N - n0))
            multiply(through, W, da, 4 * H)
            d[:] = through[:size]
            if len(padded):
                stay(d, d_before, padded[t], n0)
                stay(c, c_before, padded[t], n0)
        leave(dh, d, n0)
        leave(dc, c, n0)


@compiled
def gru_steps(
    weights: Any, x: Host, y: Host, hs: Host, kept: Host, h: Host, padded: Host, reverse: Any, L: Any,
    first: Any, last: Any,
) -> None:  # fmt: skip
    N, H = h.shape
    D, size = len(x) // (N * L), H * LANES
    Wx, Wh = weights
    panel, now, before = panel_of(D, H)
    u, v = np.empty(len(Wx) // (D + 1) * LANES, x.dtype), np.empty(len(Wh) // (H + 1) * LANES, x.dtype)
    for group in range(first, last):
        n0 = group * LANES
        enter(now, h, n0)
        for t in range(L):
            at = n0 * L + (L - 1 - t if reverse else t)
            begin(panel, now, before, x, hs, at, padded, n0, N, L, D, H)
            multiply(u, Wx, panel[: (D + 1) * LANES], D + 1)
            multiply(v, Wh, panel[D * LANES :], H + 1)
            own = kept[group, min(t, kept.shape[1] - 1)]
            r, z, n = own[:size], own[size : 2 * size], own[2 * size : 3 * size]
            u_n, was = own[3 * size : 4 * size], own[4 * size :]
            for q in range(2 * size):
                u[q] += v[q]
            sigmoids(own[: 2 * size], u)
            u_n[:] = v[2 * size : 3 * size]
            was[:] = now
            x_n = u[2 * size :]
            for q in range(size):
                n[q] = x_n[q] + r[q] * u_n[q]
            tanhs(n, n)
            for q in range(size):
                now[q] = n[q] + z[q] * (now[q] - n[q])
            end(now, before, y, at, padded, t, n0, N, L, H)
        leave(h, now, n0)


@compiled
def gru_steps_back(
    W: Host, dout: Host, das: Host, kept: Host, dh: Host, padded: Host, reverse: Any, first: Any, last: Any
) -> None:
    N, H = dh.shape
    L, size = kept.shape[1], H * LANES
    da = np.empty(4 * size, dh.dtype)
    dn, dr, dz, dnr = da[:size], da[size : 2 * size], da[2 * size : 3 * size], da[3 * size :]
    upstream, d, d_before = np.empty(size, dh.dtype), np.empty(size, dh.dtype), np.empty(size, dh.dtype)
    through = np.empty(len(W) // (3 * H) * LANES, dh.dtype)
    for group in range(first, last):
        n0 = group * LANES
        enter(d, dh, n0)
        for t in range(L - 1, -1, -1):
            at = n0 * L + (L - 1 - t if reverse else t)
            receive(d, upstream, dout, at, padded, t, n0, N, L, H)
            if len(padded):
                d_before[:] = d
            own = kept[group, t]
            r, z, n = own[:size], own[size : 2 * size], own[2 * size : 3 * size]
            u_n, was = own[3 * size : 4 * size], own[4 * size :]
            for q in range(size):
                dn[q] = d[q] * (ONE - z[q]) * (ONE - n[q] * n[q])
                dr[q] = dn[q] * u_n[q] * r[q] * (ONE - r[q])
                dz[q] = d[q] * (was[q] - n[q]) * z[q] * (ONE - z[q])
                dnr[q] = dn[q] * r[q]
                d[q] *= z[q]
            if len(padded):
                clear(da, padded[t], n0)
            unpack(das, at * 4 * H, L * 4 * H, da, 4 * H, min(LANES, N - n0))
            multiply(through, W, da[size:], 3 * H)
            for q in range(size):
                d[q] += through[q]
            if len(padded):
                stay(d, d_before, padded[t], n0)
        leave(dh, d, n0)


@compiled
def panel_of(D: Any, H: Any) -> tuple[Host, Host, Host]:
    """Return the panel of a step, the part of it that is h, and memory for the h before."""
    panel = np.zeros((D + 1 + H) * LANES, np.float32)
    panel[D * LANES : (D + 1) * LANES] = ONE
    return panel, panel[(D + 1) * LANES :], np.empty(H * LANES, np.float32)


@compiled
def enter(panel: Host, state: Host, n0: Any) -> None:
    N, H = state.shape
    pack(panel, LANES, state.reshape(-1)[n0 * H :], H, 1, min(LANES, N - n0), H)


@compiled
def leave(state: Host, panel: Host, n0: Any) -> None:
    N, H = state.shape
    unpack(state.reshape(-1), n0 * H, H, panel, H, min(LANES, N - n0))


@compiled
def begin(
    panel: Host, now: Host, before: Host, x: Host, hs: Host, at: Any, padded: Host, n0: Any, N: Any, L: Any,
    D: Any, H: Any,
) -> None:  # fmt: skip
    """Write x of a step into the panel, and keep the state before it."""
    width = min(LANES, N - n0)
    pack(panel, LANES, x[at * D :], L * D, 1, width, D)
    if len(padded):
        before[:] = now
    if len(hs):
        unpack(hs, at * H, L * H, now, H, width)


@compiled
def end(
    now: Host, before: Host, y: Host, at: Any, padded: Host, t: Any, n0: Any, N: Any, L: Any, H: Any
) -> None:  # fmt: skip
    """Write y of a step, and let h be what it was where a sample is padded."""
    width = min(LANES, N - n0)
    if len(padded):
        clear(now, padded[t], n0)
    if len(y):
        unpack(y, at * H, L * H, now, H, width)
    if len(padded):
        stay(now, before, padded[t], n0)


@compiled
def receive(
    d: Host, upstream: Host, dout: Host, at: Any, padded: Host, t: Any, n0: Any, N: Any, L: Any, H: Any
) -> None:  # fmt: skip
    """Add dout of a step."""
    if len(dout):
        pack(upstream, LANES, dout[at * H :], L * H, 1, min(LANES, N - n0), H)
        if len(padded):
            clear(upstream, padded[t], n0)
        for q in range(len(d)):
            d[q] += upstream[q]


@compiled
def stay(now: Host, before: Host, padded: Host, n0: Any) -> None:
    """Let the samples that are padded at a step keep what they had before."""
    for n in range(n0, min(len(padded), n0 + LANES)):
        if padded[n]:
            for k in range(n - n0, len(now), LANES):
                now[k] = before[k]


@compiled
def clear(panel: Host, padded: Host, n0: Any) -> None:
    """Write zeros for the samples that are padded at a step."""
    for n in range(n0, min(len(padded), n0 + LANES)):
        if padded[n]:
            for k in range(n - n0, len(panel), LANES):
                panel[k] = ZERO
