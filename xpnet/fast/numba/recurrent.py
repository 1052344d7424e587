"""The gates of recurrent layers in one pass each way, around NumPy's tanh, vectorized as no compiled one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.recurrent_groups import InGroups
from xpnet.fast.numba.recurrent_loops import gru_steps, gru_steps_back, lstm_steps, lstm_steps_back
from xpnet.fast.numpy import recurrent
from xpnet.fast.numpy.affine import sum_rows
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.steps import Carried, Moment, one_row
from xpnet.layers.bodies import body
from xpnet.layers.recurrent import GRU, LSTM


@body("numba", LSTM)
class LSTMInPasses(InGroups, recurrent.LSTMFeaturesFirst):
    """An LSTM in one loop over all steps; or its gates and cell in one pass over the tanh of a step, and one back."""

    loop, loop_back = lstm_steps, lstm_steps_back

    def weights(self) -> tuple[Host, ...]:
        layer = self.layer
        return (np.concatenate([layer.Wx, one_row(layer.b, layer.Wx), layer.Wh]).T,)

    def write_gradients(self, x: Host, hs: Host, das: Host) -> None:
        layer = self.layer
        layer.dWx, layer.dWh, layer.db = x.T @ das, hs.T @ das, sum_rows(das)

    def through_x(self, das: Host) -> Host:
        return das @ self.layer.Wx.T  # type: ignore[no-any-return]

    def open(self, gates: Host, scratch: Host, m: Moment) -> None:  # noqa: ARG002
        open_gates(gates, m.cell, m.c)

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        through_lstm(m.kept, m.cell, d.dh, d.dc, da)


@body("numba", GRU)
class GRUInPasses(InGroups, recurrent.GRUFeaturesFirst):
    """A GRU in one loop over all steps; or its gates in one pass over the tanh of a step, and one back.

    The derivatives of a step are n, r, z and ``n r``: the first three those of ``x Wx``, the last three of ``h Wh``.
    """

    loop, loop_back = gru_steps, gru_steps_back

    def weights(self) -> tuple[Host, ...]:
        layer = self.layer
        of_x, of_h = (layer.Wx, one_row(layer.bx, layer.Wx)), (one_row(layer.bh, layer.Wh), layer.Wh)
        return np.concatenate(of_x).T, np.concatenate(of_h).T

    def write_gradients(self, x: Host, hs: Host, das: Host) -> None:
        layer, H = self.layer, hs.shape[1]
        sums = sum_rows(das)
        layer.dWx, layer.dbx = np.roll(x.T @ das[:, : 3 * H], -H, axis=1), np.roll(sums[: 3 * H], -H)
        layer.dWh, layer.dbh = hs.T @ das[:, H:], sums[H:]

    def through_x(self, das: Host) -> Host:
        Wx = self.layer.Wx
        return das[:, : Wx.shape[1]] @ np.roll(Wx, len(self.layer.Wh), axis=1).T  # type: ignore[no-any-return]

    def reset(self, a: Host, sigmoids: Host, u_n: Host, n: Host) -> None:
        reset(a, sigmoids, u_n, n)

    def mix(self, before: Host, z: Host, n: Host, h: Host) -> None:
        mix(before, z, n, h)

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        through_gru(m.kept, m.before, d.dh, da, d.passed)


@compiled
def open_gates(gates: Host, cell: Host, c: Host) -> None:
    """Make i, f and o of their tanh, and write ``c = f cell + i g``."""
    H, N = c.shape
    half = gates.dtype.type(0.5)
    for j in range(H):
        for n in range(N):
            i, f = gates[j, n] * half + half, gates[H + j, n] * half + half
            c[j, n] = f * cell[j, n] + i * gates[2 * H + j, n]
            gates[j, n], gates[H + j, n] = i, f
            gates[3 * H + j, n] = gates[3 * H + j, n] * half + half


@compiled
def through_lstm(kept: Host, cell: Host, dh: Host, dc: Host, da: Host) -> None:
    H, N = dh.shape
    one = dh.dtype.type(1)
    for j in range(H):
        for n in range(N):
            i, f, g, o = kept[j, n], kept[H + j, n], kept[2 * H + j, n], kept[3 * H + j, n]
            tanh_c, d = kept[4 * H + j, n], dh[j, n]
            inside = dc[j, n] + d * o * (one - tanh_c * tanh_c)
            da[j, n] = inside * g * i * (one - i)
            da[H + j, n] = inside * cell[j, n] * f * (one - f)
            da[2 * H + j, n] = inside * i * (one - g * g)
            da[3 * H + j, n] = d * tanh_c * o * (one - o)
            dc[j, n] = inside * f


@compiled
def reset(a: Any, sigmoids: Host, u_n: Host, n: Host) -> None:
    """Make r and z of their tanh, and write ``a + r u`` of the block n."""
    H, N = n.shape
    half = n.dtype.type(0.5)
    for j in range(H):
        for k in range(N):
            r = sigmoids[j, k] * half + half
            sigmoids[j, k] = r
            sigmoids[H + j, k] = sigmoids[H + j, k] * half + half
            n[j, k] = a[j, k] + r * u_n[j, k]


@compiled
def mix(before: Any, z: Host, n: Host, h: Any) -> None:
    H, N = n.shape
    for j in range(H):
        for k in range(N):
            h[j, k] = n[j, k] + z[j, k] * (before[j, k] - n[j, k])


@compiled
def through_gru(kept: Host, before: Any, dh: Host, da: Host, passed: Host) -> None:
    H, N = dh.shape
    one = dh.dtype.type(1)
    for j in range(H):
        for k in range(N):
            r, z, n, u_n = kept[j, k], kept[H + j, k], kept[2 * H + j, k], kept[3 * H + j, k]
            d = dh[j, k]
            dn = d * (one - z) * (one - n * n)
            da[j, k] = dn
            da[H + j, k] = dn * u_n * r * (one - r)
            da[2 * H + j, k] = d * (before[j, k] - n) * z * (one - z)
            da[3 * H + j, k] = dn * r
            passed[j, k] = d * z
