"""Recurrent layers: a state that is passed from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import array_namespace, get_backend
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.activation import sigmoid
from xpnet.layers.recurrence import Recurrent, in_one
from xpnet.typing import Array

GATES = "ifgo"


class RNN(Recurrent):
    """Plain recurrence, ``h[t] = tanh(x[t] Wx + h[t-1] Wh + b)``.

    Shapes: ``x (N, L, D)``, ``Wx (D, H)``, ``Wh (H, H)``, ``b (H,)``, result ``(N, L, H)`` or the last ``(N, H)``.
    Backward: ``da[t] = (dout[t] + da[t+1] Whᵀ) (1 - h[t]²)``; ``dx[t] = da[t] Wxᵀ``, ``dWx = Σ x[t]ᵀ da[t]``,
    ``dWh = Σ h[t-1]ᵀ da[t]``, ``db = Σ da[t]``.
    Source: Elman, 1990.

    >>> rnn = RNN(np.array([[1.0]]), np.array([[0.5]]), np.array([0.0]))  # half of h[t-1] goes into h[t]
    >>> rnn.forward(np.array([[[1.0], [0.0], [0.0]]]))
    array([[[0.7616],
            [0.3634],
            [0.1797]]])
    """

    parameters = ("Wx", "Wh", "b")
    state = ("h",)
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D H", "Wh": "H H", "b": "H", "h0": "N H"}

    b: Array

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None) -> Any:
        a, h = self._entering(x, mask, self.b), self._before("h", h0)
        xp = array_namespace(a, h, self.Wh)
        self.hs = [h]
        for t in range(a.shape[0]):
            h = self._unless_padded(t, xp.tanh(a[t, ...] + h @ self.Wh), h)
            self.hs.append(h)
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array, dh: Array | None = None) -> Any:
        xp, upstream, das = array_namespace(dout, self.Wh), self._upstream(dout), []
        dh = self._after(dh)
        for t in reversed(range(len(upstream))):
            h, dh = self.hs[t + 1], upstream[t] + dh
            da = self._unless_padded(t, dh * (1.0 - h * h))
            dh = self._unless_padded(t, da @ self.Wh.T, dh)
            das.append(da)
        das.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_inputs(das, dh)


class LSTM(Recurrent):
    """Long short-term memory, ``c[t] = f c[t-1] + i g``, ``h[t] = o tanh c[t]``.

    ``i, f, o`` are sigmoids and ``g`` is the tanh of the four blocks i, f, g, o of ``a[t] = x[t] Wx + h[t-1] Wh + b``,
    in this order; it is torch's: ``Wx = weight_ih.T``, ``Wh = weight_hh.T``, ``b = bias_ih + bias_hh``. ``reorder``
    converts weights in another order.

    Shapes: ``x (N, L, D)``, ``Wx (D, 4H)``, ``Wh (H, 4H)``, ``b (4H,)``, result ``(N, L, H)`` or the last ``(N, H)``.
    Backward: ``dh = dout[t] + da[t+1] Whᵀ``, ``dc = dc[t+1] f[t+1] + dh o (1 - tanh² c)``; then ``di = dc g``,
    ``df = dc c[t-1]``, ``dg = dc i``, ``do = dh tanh c`` through the gates to ``da``; dx and weights as in RNN.
    Source: Hochreiter and Schmidhuber, 1997; Gers et al., 2000 (the forget gate).

    >>> Wx, Wh, b = np.zeros((1, 4)), np.zeros((1, 4)), np.array([0.0, 100.0, 0.0, 100.0])
    >>> Wx[0, 2] = 2.0  # g sees x, the gates f and o are open, i is half open: c adds up tanh(2 x) / 2
    >>> LSTM(Wx, Wh, b).forward(np.array([[[1.0], [0.0], [1.0]]]))
    array([[[0.4479],
            [0.4479],
            [0.7461]]])
    """

    parameters = ("Wx", "Wh", "b")
    state = ("h", "c")
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "b": "G", "h0": "N H", "c0": "N H"}
    gates = 4

    b: Array

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None, c0: Array | None = None) -> Any:
        a, h, c = self._entering(x, mask, self.b), self._before("h", h0), self._before("c", c0)
        xp, H = array_namespace(a, h, self.Wh), h.shape[1]
        self.hs, self.cs, self.opened = [h], [c], []
        for t in range(a.shape[0]):
            u = a[t, ...] + h @ self.Wh
            i, f = sigmoid(u[:, :H]), sigmoid(u[:, H : 2 * H])
            g, o = xp.tanh(u[:, 2 * H : 3 * H]), sigmoid(u[:, 3 * H :])
            c = self._unless_padded(t, f * c + i * g, c)
            h = self._unless_padded(t, o * xp.tanh(c), h)
            self.hs.append(h)
            self.cs.append(c)
            self.opened.append((i, f, g, o))
        return self._leaving(self.hs[1:], h=h, c=c)

    def backward(self, dout: Array, dh: Array | None = None, dc: Array | None = None) -> Any:
        xp, upstream, das = array_namespace(dout, self.Wh), self._upstream(dout), []
        dh, dc = self._after(dh), self._after(dc)
        for t in reversed(range(len(upstream))):
            (i, f, g, o), before, tanh_c = self.opened[t], self.cs[t], xp.tanh(self.cs[t + 1])
            dh = upstream[t] + dh
            inside = dc + dh * o * (1.0 - tanh_c * tanh_c)
            di, df, dg, do = inside * g, inside * before, inside * i, dh * tanh_c
            da = xp.concat([di * i * (1.0 - i), df * f * (1.0 - f), dg * (1.0 - g * g), do * o * (1.0 - o)], axis=1)
            da = self._unless_padded(t, da)
            dh, dc = self._unless_padded(t, da @ self.Wh.T, dh), self._unless_padded(t, inside * f, dc)
            das.append(da)
        das.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_inputs(das, dh, dc)

    @staticmethod
    def reorder(array: Array, before: str, after: str = GATES) -> Array:
        """Return Wx, Wh or b with the blocks of its gates, in the order ``before``, in the order ``after``.

        Those of *Deep Learning from Scratch 2* are in the order f, g, i, o, and otherwise equal:
        ``LSTM(*[LSTM.reorder(W, "fgio") for W in (Wx, Wh, b)])`` has its weights.

        Shapes: ``array (..., 4H)``, as the result.
        Raises: ``ArgumentError`` for an order that does not consist of i, f, g and o; ``ShapeError`` for another width.
        """
        who, columns = "LSTM.reorder", array.shape[-1]
        for name, order in (("before", before), ("after", after)):
            if sorted(order) != sorted(GATES):
                raise ArgumentError(who, f"{name} must be an order of i, f, g, o", repr(order), 'try "fgio"')
        if columns % 4:
            raise ShapeError(who, "the last axis must be 4 blocks of H columns", columns, "give it Wx, Wh or b")
        H = columns // 4
        blocks = [array[..., H * at : H * (at + 1)] for at in map(before.index, after)]
        return array_namespace(array).concat(blocks, axis=-1)  # type: ignore[no-any-return]

    @classmethod
    def _biases(cls, hidden: int) -> tuple[Array, ...]:
        """Return zeros, but ones for the forget gate, which then starts open (Jozefowicz et al., 2015)."""
        b: Any = np.zeros(4 * hidden)
        b[hidden : 2 * hidden] = 1.0
        return (get_backend().asarray(b),)


class GRU(Recurrent):
    """Gated recurrent unit, ``h[t] = (1 - z) n + z h[t-1]`` with ``n = tanh(aₙ + r uₙ)``.

    ``r, z`` are sigmoids of the blocks r, z of ``a + u``, with ``a = x[t] Wx + bx`` and ``u = h[t-1] Wh + bh`` in three
    blocks r, z, n. Order and place of r are torch's: ``Wx = weight_ih.T``, ``Wh = weight_hh.T``, ``bx = bias_ih``,
    ``bh = bias_hh``.

    Shapes: ``x (N, L, D)``, ``Wx (D, 3H)``, ``Wh (H, 3H)``, ``bx, bh (3H,)``, result ``(N, L, H)``, or the last
    ``(N, H)``.
    Backward: ``dh[t-1] = dh z + du Whᵀ``, where ``da`` goes through the gates and ``du`` is da with its block n times
    r; dx, dWx and dbx by ``da``, dWh and dbh by ``du``, as in RNN.
    Source: Cho et al., 2014.

    >>> Wx, Wh = np.array([[0.0, 0.0, 100.0]]), np.zeros((1, 3))  # z is 1/2: h moves half of the way to n = ±1
    >>> GRU(Wx, Wh, np.zeros(3), np.zeros(3)).forward(np.array([[[1.0], [1.0], [-1.0]]]))
    array([[[ 0.5  ],
            [ 0.75 ],
            [-0.125]]])
    """

    parameters = ("Wx", "Wh", "bx", "bh")
    state = ("h",)
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "bx": "G", "bh": "G", "h0": "N H"}
    gates = 3

    bx: Array
    bh: Array

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None) -> Any:
        a, h = self._entering(x, mask, self.bx), self._before("h", h0)
        xp, H = array_namespace(a, h, self.Wh, self.bh), h.shape[1]
        self.hs, self.opened = [h], []
        for t in range(a.shape[0]):
            u = h @ self.Wh + self.bh
            r = sigmoid(a[t, :, :H] + u[:, :H])
            z = sigmoid(a[t, :, H : 2 * H] + u[:, H : 2 * H])
            u_n = u[:, 2 * H :]
            n = xp.tanh(a[t, :, 2 * H :] + r * u_n)
            h = self._unless_padded(t, n + z * (h - n), h)
            self.hs.append(h)
            self.opened.append((r, z, n, u_n))
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array, dh: Array | None = None) -> Any:
        xp, upstream, das, dus = array_namespace(dout, self.Wh), self._upstream(dout), [], []
        dh = self._after(dh)
        for t in reversed(range(len(upstream))):
            (r, z, n, u_n), before = self.opened[t], self.hs[t]
            dh = upstream[t] + dh
            dn = dh * (1.0 - z) * (1.0 - n * n)
            dr, dz = dn * u_n * r * (1.0 - r), dh * (before - n) * z * (1.0 - z)
            du = self._unless_padded(t, xp.concat([dr, dz, dn * r], axis=1))
            das.append(self._unless_padded(t, xp.concat([dr, dz, dn], axis=1)))
            dus.append(du)
            dh = self._unless_padded(t, dh * z + du @ self.Wh.T, dh)
        das.reverse()
        dus.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(dus)
        self.dbx, self.dbh = xp.sum(in_one(das), axis=0), xp.sum(in_one(dus), axis=0)
        return self._to_inputs(das, dh)
