"""NumPy bodies of the recurrent layers: the equations of a step, in place on blocks of memory with features first."""

from __future__ import annotations

import numpy as np

from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.steps import Carried, FeaturesFirst, Moment, transposed
from xpnet.layers.bodies import body
from xpnet.layers.recurrent import GRU, LSTM, RNN


@body("numpy", RNN)
class RNNFeaturesFirst(FeaturesFirst):
    """A plain recurrence: a product and a tanh in place for each step."""

    def step(self, u: Host, a: Host, m: Moment) -> None:
        u += a
        np.tanh(u, out=m.h)

    def step_back(self, m: Moment, d: Carried, das: Host) -> tuple[Host, Host]:
        np.multiply(m.h, m.h, out=das)
        np.subtract(1.0, das, out=das)
        das *= d.dh
        return das, das


@body("numpy", LSTM)
class LSTMFeaturesFirst(FeaturesFirst):
    """An LSTM whose gates are one tanh of a step; it keeps i, f, g, o and ``tanh c``."""

    halved = (0, 1, 3)
    kept = 5
    derived = 4

    def step(self, u: Host, a: Host, m: Moment) -> None:
        H = len(m.h)
        gates, tanh_c = m.kept[: 4 * H], m.kept[4 * H :]
        u += a
        np.tanh(u, out=gates)
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

    def step_back(self, m: Moment, d: Carried, das: Host) -> tuple[Host, Host]:
        self.through_gates(m, d, das)
        return das, das

    def through_gates(self, m: Moment, d: Carried, das: Host) -> None:
        """Write the derivatives of the gates before their sigmoid and tanh, and make ``dc`` that of the step before."""
        H = len(m.h)
        i, f, g, o, tanh_c = m.kept.reshape(5, H, -1)
        di, df, dg, do = (das[H * at : H * (at + 1)] for at in range(4))
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

    def transposed(self) -> tuple[Host, Host]:
        layer, H = self.layer, len(self.layer.Wh)
        b = layer.bx.copy()
        b[: 2 * H] += layer.bh[: 2 * H]
        return transposed(layer.Wx, b, H, self.halved), transposed(layer.Wh, None, H, self.halved)

    def step(self, u: Host, a: Host, m: Moment) -> None:
        H = len(m.h)
        n = m.kept[2 * H : 3 * H]
        self.reset(u, a, m)
        np.tanh(n, out=n)
        np.subtract(m.before, n, out=m.h)
        m.h[...] *= m.kept[H : 2 * H]
        m.h[...] += n

    def reset(self, u: Host, a: Host, m: Moment) -> None:
        """Write r, z, ``uₙ`` and the argument of the tanh."""
        H = len(m.h)
        sigmoids, n, u_n = m.kept[: 2 * H], m.kept[2 * H : 3 * H], m.kept[3 * H :]
        np.add(u[: 2 * H], a[: 2 * H], out=sigmoids)
        np.tanh(sigmoids, out=sigmoids)
        sigmoids *= 0.5
        sigmoids += 0.5
        np.add(u[2 * H :], self.layer.bh[2 * H :, None], out=u_n)
        np.multiply(m.kept[:H], u_n, out=n)
        n += a[2 * H :]

    def step_back(self, m: Moment, d: Carried, das: Host) -> tuple[Host, Host]:
        H = len(m.h)
        self.through_gates(m, d, das)
        return das[: 3 * H], das[H:]

    def through_gates(self, m: Moment, d: Carried, das: Host) -> None:
        """Write the derivatives of the step, and ``dh z``, which passes by the product."""
        H = len(m.h)
        r, z, n, u_n = m.kept.reshape(4, H, -1)
        dn, dr, dz, dnr = (das[H * at : H * (at + 1)] for at in range(4))
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

    def beside(self, d: Carried) -> None:
        d.dh[...] += d.passed

    def gradients(self, inputs: Host, hs: Host, das: Host) -> None:
        layer, H = self.layer, len(hs)
        of_inputs = np.roll(inputs @ das[: 3 * H].T, -H, axis=1)
        layer.dWx, layer.dbx = of_inputs[:-1], of_inputs[-1]
        layer.dWh, layer.dbh = hs @ das[H:].T, das[H:] @ inputs[-1]

    def through_inputs(self, das: Host) -> Host:
        H = len(self.layer.Wh)
        dx: Host = np.roll(self.layer.Wx, H, axis=1) @ das[: 3 * H]
        return dx


def slope_of_tanh(y: Host, out: Host) -> Host:
    """Write ``1 - y²``, and return it."""
    np.multiply(y, y, out=out)
    return np.subtract(1.0, out, out=out)


def slope_of_sigmoid(y: Host, out: Host) -> None:
    """Write ``y (1 - y)``."""
    np.subtract(1.0, y, out=out)
    out *= y
