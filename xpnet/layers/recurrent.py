"""Recurrent layers: a state that is passed from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, get_backend
from xpnet.initializers import zeros
from xpnet.layers.activation import sigmoid
from xpnet.layers.checks import check_flags
from xpnet.layers.recurrence import Recurrent, in_one
from xpnet.random import Generator
from xpnet.typing import Array


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
    optional_parameters = ("b",)
    state = ("h",)
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D H", "Wh": "H H", "b": "H", "h0": "N H"}

    b: Array

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None) -> Any:
        a, h = self._entering(x, mask, self.b), self._before("h", h0)
        xp = array_namespace(a, h, self.Wh)
        self.hs = [h]
        for t in range(a.shape[0]):
            h = self._unless_padded(t, xp.tanh(a[t, ...] + self._dropped(h) @ self.Wh), h)
            self.hs.append(h)
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array, dh: Array | None = None) -> Any:
        xp, upstream, das = array_namespace(dout, self.Wh), self._upstream(dout), []
        dh = self._after(dh)
        for t in reversed(range(len(upstream))):
            h, dh = self.hs[t + 1], upstream[t] + dh
            da = self._unless_padded(t, dh * (1.0 - h * h))
            dh = self._unless_padded(t, self._dropped(da @ self.Wh.T), dh)
            das.append(da)
        das.reverse()
        self.dWh = self._seen().T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_inputs(das, dh)


class LSTM(Recurrent):
    """Long short-term memory, ``c[t] = f c[t-1] + i g``, ``h[t] = o tanh c[t]``.

    ``i, f, o`` are sigmoids and ``g`` is the tanh of the four blocks i, f, g, o of ``a[t] = x[t] Wx + h[t-1] Wh + b``,
    in this order; it is torch's: ``Wx = weight_ih.T``, ``Wh = weight_hh.T``, ``b = bias_ih + bias_hh``. ``reorder``
    converts weights in another order: those of *Deep Learning from Scratch 2* are in the order f, g, i, o, and
    otherwise equal, ``LSTM(*[LSTM.reorder(W, "fgio") for W in (Wx, Wh, b)])``.

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

    parameters: tuple[str, ...] = ("Wx", "Wh", "b")
    optional_parameters = ("b",)
    state = ("h", "c")
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "b": "G", "h0": "N H", "c0": "N H"}
    order = "ifgo"

    b: Array
    opened: list[tuple[Array, ...]]

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None, c0: Array | None = None) -> Any:
        a, h, c = self._entering(x, mask, self.b), self._before("h", h0), self._before("c", c0)
        xp, H = array_namespace(a, h, self.Wh), h.shape[1]
        self.hs, self.cs, self.opened = [h], [c], []
        for t in range(a.shape[0]):
            u = a[t, ...] + self._dropped(h) @ self.Wh
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
            dh, dc = self._unless_padded(t, self._dropped(da @ self.Wh.T), dh), self._unless_padded(t, inside * f, dc)
            das.append(da)
        das.reverse()
        self.dWh = self._seen().T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_inputs(das, dh, dc)

    @classmethod
    def _others(cls, hidden: int, b: Array | None, options: Mapping[str, Any]) -> tuple[Array | None, ...]:  # noqa: ARG003
        """Return zeros, but ones for the forget gate, which then starts open (Jozefowicz et al., 2015)."""
        open_gate: Any = np.repeat([0.0, 1.0, 0.0, 0.0], hidden)
        return (None if b is None else get_backend().asarray(open_gate),)


class GRU(Recurrent):
    """Gated recurrent unit, ``h[t] = (1 - z) n + z h[t-1]`` with ``n = tanh(aₙ + r uₙ)``.

    ``r, z`` are sigmoids of the blocks r, z of ``a + u``, with ``a = x[t] Wx + bx`` and ``u = h[t-1] Wh + bh`` in three
    blocks r, z, n. Order and place of r are torch's: ``Wx = weight_ih.T``, ``Wh = weight_hh.T``, ``bx = bias_ih``,
    ``bh = bias_hh``.

    With ``reset_after=False`` r comes before the product, ``n = tanh(aₙ + (r h[t-1]) Whₙ + bhₙ)``, and the two biases
    are added: ``create`` leaves bh out. ``reorder`` converts weights in another order. Those of *Deep Learning from
    Scratch 2* are in the order z, r, n, and its z is ``1 - z``: the block of z is to be negated, too.

    Shapes: ``x (N, L, D)``, ``Wx (D, 3H)``, ``Wh (H, 3H)``, ``bx, bh (3H,)``, result ``(N, L, H)``, or the last
    ``(N, H)``.
    Backward: ``dh[t-1] = dh z + du Whᵀ``, where ``da`` goes through the gates and ``du`` is da with its block n times
    r; dx, dWx and dbx by ``da``, dWh and dbh by ``du``, as in RNN. With ``reset_after=False`` du is da, and r stands
    between: ``dh[t-1] = dh z + du_rz Wh_rzᵀ + r (daₙ Whₙᵀ)``.
    Source: Cho et al., 2014, whose r comes before the product.

    >>> Wx, Wh = np.array([[0.0, 0.0, 100.0]]), np.zeros((1, 3))  # z is 1/2: h moves half of the way to n = ±1
    >>> GRU(Wx, Wh, np.zeros(3), np.zeros(3)).forward(np.array([[[1.0], [1.0], [-1.0]]]))
    array([[[ 0.5  ],
            [ 0.75 ],
            [-0.125]]])
    """

    parameters = ("Wx", "Wh", "bx", "bh")
    optional_parameters = ("bx", "bh")
    state = ("h",)
    differentiable = ("x",)
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "bx": "G", "bh": "G", "h0": "N H"}
    order = "rzn"

    bx: Array
    bh: Array

    def __init__(
        self,
        *arrays: Array | None,
        stateful: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        reverse: bool = False,
        reset_after: bool = True,
        recurrent_dropout: float = 0.0,
        rng: Generator | None = None,
    ) -> None:
        states = {"stateful": stateful, "return_sequences": return_sequences, "return_state": return_state}
        super().__init__(*arrays, **states, reverse=reverse, recurrent_dropout=recurrent_dropout, rng=rng)
        check_flags(type(self).__name__, reset_after=reset_after)
        self.reset_after = reset_after

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None) -> Any:
        a, h = self._entering(x, mask, self.bx if self.reset_after else self.bx + self.bh), self._before("h", h0)
        xp, H = array_namespace(a, h, self.Wh, self.bh), h.shape[1]
        self.hs, self.opened = [h], []
        for t in range(a.shape[0]):
            seen = self._dropped(h)
            u = seen @ self.Wh + self.bh if self.reset_after else seen @ self.Wh[:, : 2 * H]
            r = sigmoid(a[t, :, :H] + u[:, :H])
            z = sigmoid(a[t, :, H : 2 * H] + u[:, H : 2 * H])
            if self.reset_after:
                u_n = u[:, 2 * H :]
                n = xp.tanh(a[t, :, 2 * H :] + r * u_n)
            else:
                u_n = r * seen
                n = xp.tanh(a[t, :, 2 * H :] + u_n @ self.Wh[:, 2 * H :])
            h = self._unless_padded(t, n + z * (h - n), h)
            self.hs.append(h)
            self.opened.append((r, z, n, u_n))
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array, dh: Array | None = None) -> Any:
        xp, upstream, das, dus = array_namespace(dout, self.Wh), self._upstream(dout), [], []
        dh, H = self._after(dh), self.Wh.shape[0]
        for t in reversed(range(len(upstream))):
            (r, z, n, u_n), before = self.opened[t], self.hs[t]
            dh = upstream[t] + dh
            dn, dz = dh * (1.0 - z) * (1.0 - n * n), dh * (before - n) * z * (1.0 - z)
            if self.reset_after:
                dr = dn * u_n * r * (1.0 - r)
                dus.append(self._unless_padded(t, xp.concat([dr, dz, dn * r], axis=1)))
                d_seen = dus[-1] @ self.Wh.T
            else:
                du_n = dn @ self.Wh[:, 2 * H :].T
                dr = du_n * self._dropped(before) * r * (1.0 - r)
                d_seen = du_n * r + xp.concat([dr, dz], axis=1) @ self.Wh[:, : 2 * H].T
            das.append(self._unless_padded(t, xp.concat([dr, dz, dn], axis=1)))
            dh = self._unless_padded(t, dh * z + self._dropped(d_seen), dh)
        das.reverse()
        dus.reverse()
        da, du = in_one(das), in_one(dus or das)
        if self.reset_after:
            self.dWh = self._seen().T @ du
        else:
            reset = in_one([u_n for _, _, _, u_n in self.opened])
            self.dWh = xp.concat([self._seen().T @ du[:, : 2 * H], reset.T @ du[:, 2 * H :]], axis=1)
        self.dbx, self.dbh = xp.sum(da, axis=0), xp.sum(du, axis=0)
        return self._to_inputs(das, dh)

    @classmethod
    def _others(cls, hidden: int, b: Array | None, options: Mapping[str, Any]) -> tuple[Array | None, ...]:
        one = b is None or not options.get("reset_after", True)
        return b, None if one else zeros((3 * hidden,))
