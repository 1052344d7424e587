"""NumPy bodies of the recurrent layers: the equations of a step, in place on blocks of memory with features first."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.steps import Carried, FeaturesFirst, Moment, one_row, transposed
from xpnet.layers.bodies import body
from xpnet.layers.recurrent import GRU, LSTM, RNN


@body("numpy", RNN)
class RNNFeaturesFirst(FeaturesFirst):
    """A plain recurrence: a product and a tanh in place for each step."""

    def step(self, t: int, m: Moment) -> None:  # noqa: ARG002
        np.tanh(np.matmul(self.W, m.z, out=self.u), out=m.h)

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        slope_of_tanh(m.h, da)
        da *= d.dh


@body("numpy", LSTM)
class LSTMFeaturesFirst(FeaturesFirst):
    """An LSTM whose gates are one tanh of a step; it keeps i, f, g, o and ``tanh c``."""

    halved = (0, 1, 3)
    kept = 5
    derived = 4

    def step(self, t: int, m: Moment) -> None:  # noqa: ARG002
        H = len(m.h)
        gates, tanh_c = m.kept[: 4 * H], m.kept[4 * H :]
        np.tanh(np.matmul(self.W, m.z, out=self.u), out=gates)
        self.open(gates, tanh_c, m)
        np.tanh(m.c, out=tanh_c)
        np.multiply(gates[3 * H :], tanh_c, out=m.h)

    def open(self, gates: Host, scratch: Host, m: Moment) -> None:
        """Make the sigmoids of the tanh in ``gates``, and write c."""
        H = len(m.h)
        for sigmoids in (gates[: 2 * H], gates[3 * H :]):
            sigmoids *= 0.5
            sigmoids += 0.5
        i, f, g, _ = gates.reshape(4, H, -1)
        np.multiply(f, m.cell, out=m.c)
        m.c[...] += np.multiply(i, g, out=scratch)

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        H = len(m.h)
        i, f, g, o, tanh_c = m.kept.reshape(5, H, -1)
        di, df, dg, do = da.reshape(4, H, -1)
        dh, dc, scratch = d
        dc += np.multiply(slope_of_tanh(tanh_c, scratch), np.multiply(dh, o, out=do), out=scratch)
        for gradient, gate, along in ((di, i, g), (df, f, m.cell)):
            slope_of_sigmoid(gate, gradient)
            gradient *= along
            gradient *= dc
        slope_of_tanh(g, dg)
        dg *= i
        dg *= dc
        slope_of_sigmoid(o, do)
        do *= tanh_c
        do *= dh
        dc *= f


@body("numpy", GRU)
class GRUFeaturesFirst(FeaturesFirst):
    """A GRU that keeps r, z, n and the n block of ``h Wh + bh``.

    The derivatives of a step are n, r, z and ``n r``: the first three those of ``x Wx``, the last three of ``h Wh``.
    """

    halved = (0, 1)
    kept = derived = 4
    with_x = False

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return bool(super().made_for(*layers) and layers[0].reset_after)

    def prepare(self, z: Host, D: int) -> None:
        layer, H = self.layer, len(self.layer.Wh)
        b = one_row(layer.bx + layer.bh, layer.Wx)
        W = transposed(np.concatenate([layer.Wx, b, layer.Wh])[:, : 2 * H], H, self.halved)
        of_n = slice(2 * H, 3 * H)
        self.W = W, transposed(np.concatenate([one_row(layer.bh, layer.Wh), layer.Wh])[:, of_n], H)
        of_x = transposed(np.concatenate([layer.Wx, one_row(layer.bx, layer.Wx)])[:, of_n], H)
        z[:D, -1] = 0.0  # behind the last step stands what the memory held before
        self.a = (of_x @ z[: D + 1].reshape(D + 1, -1)).reshape(H, *z.shape[1:])

    def step(self, t: int, m: Moment) -> None:
        H, (of_sigmoids, of_n) = len(m.h), self.W
        sigmoids, n, u_n = m.kept[: 2 * H], m.kept[2 * H : 3 * H], m.kept[3 * H :]
        np.tanh(np.matmul(of_sigmoids, m.z, out=sigmoids), out=sigmoids)
        np.matmul(of_n, m.z[-H - 1 :], out=u_n)
        self.reset(self.a[:, t], sigmoids, u_n, n)
        np.tanh(n, out=n)
        self.mix(m.before, sigmoids[H:], n, m.h)

    def mix(self, before: Host, z: Host, n: Host, h: Host) -> None:
        """Write h."""
        np.subtract(before, n, out=h)
        h *= z
        h += n

    def reset(self, a: Host, sigmoids: Host, u_n: Host, n: Host) -> None:
        """Make r and z of the tanh in ``sigmoids``, and write the argument of the tanh of n."""
        sigmoids *= 0.5
        sigmoids += 0.5
        np.multiply(sigmoids[: len(n)], u_n, out=n)
        n += a

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        H = len(m.h)
        r, z, n, u_n = m.kept.reshape(4, H, -1)
        dn, dr, dz, dnr = da.reshape(4, H, -1)
        dh, passed = d.dh, d.passed
        slope_of_tanh(n, dn)
        dn *= np.subtract(1.0, z, out=passed)
        dn *= dh
        np.multiply(dn, r, out=dnr)
        np.subtract(1.0, r, out=dr)
        dr *= dnr
        dr *= u_n
        np.multiply(z, passed, out=dz)
        dz *= np.subtract(m.before, n, out=passed)
        dz *= dh
        np.multiply(dh, z, out=passed)

    def prepare_back(self, D: int) -> None:  # noqa: ARG002
        layer, H = self.layer, len(self.layer.Wh)
        self.W = np.ascontiguousarray(layer.Wh), np.roll(layer.Wx, H, axis=1)

    def through_products(self, da: Host, d: Carried, dz: Host, dx: Host | None) -> None:  # noqa: ARG002
        H, (Wh, Wx) = len(d.dh), self.W
        np.matmul(Wh, da[H:], out=d.dh)
        d.dh[...] += d.passed
        if dx is not None:
            np.matmul(Wx, da[: 3 * H], out=dx)

    def gradients(self, z: Host, das: Host, D: int) -> None:
        layer, H = self.layer, len(self.layer.Wh)
        of_x, of_h = np.roll(z[: D + 1] @ das[: 3 * H].T, -H, axis=1), z[D:] @ das[H:].T
        layer.dWx, layer.dbx, layer.dbh, layer.dWh = of_x[:-1], of_x[-1], of_h[0], of_h[1:]


def slope_of_tanh(y: Host, out: Host) -> Host:
    """Write ``1 - y²``, and return it."""
    np.multiply(y, y, out=out)
    return np.subtract(1.0, out, out=out)


def slope_of_sigmoid(y: Host, out: Host) -> None:
    """Write ``y (1 - y)``."""
    np.subtract(1.0, y, out=out)
    out *= y
