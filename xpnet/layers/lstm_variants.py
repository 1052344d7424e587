"""LSTMs whose gates see the cell, or whose sums are normalized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet.backend import array_namespace
from xpnet.initializers import ones, zeros
from xpnet.layers.activation import sigmoid
from xpnet.layers.linear import rows
from xpnet.layers.normalization import check_eps, standardized, through_statistics
from xpnet.layers.recurrence import in_one
from xpnet.layers.recurrent import LSTM
from xpnet.random import Generator
from xpnet.typing import Array


class PeepholeLSTM(LSTM):
    """LSTM whose gates see the cell, ``i, f = σ(a + p c[t-1])``, ``c[t] = f c[t-1] + i g``, ``o = σ(a + p c[t])``.

    Each gate has a p of its own, and everything else is as in ``LSTM``.

    Shapes: as ``LSTM``, and ``p_i, p_f, p_o (H,)``.
    Backward: as ``LSTM``, with ``daₒ pₒ`` added to the derivative by c[t], and ``daᵢ pᵢ + da_f p_f`` to that by c[t-1];
    ``dpᵢ = Σ daᵢ c[t-1]``, ``dp_f = Σ da_f c[t-1]``, ``dpₒ = Σ daₒ c[t]``.
    Source: Gers and Schmidhuber, 2000.

    >>> Wx, Wh, b = np.zeros((1, 4)), np.zeros((1, 4)), np.array([0.0, 100.0, 0.0, 0.0])
    >>> Wx[0, 2], closing = 100.0, np.array([-10.0])  # g is tanh(100 x), and a full cell closes the gate of the input
    >>> lstm = PeepholeLSTM(Wx, Wh, b, closing, np.zeros(1), np.zeros(1), return_state=True)
    >>> steps, h, c = lstm.forward(np.array([[[1.0], [1.0]]]))
    >>> c
    array([[0.5067]])
    """

    parameters = ("Wx", "Wh", "b", "p_i", "p_f", "p_o")
    differentiable = ("x",)
    shapes = {**LSTM.shapes, "p_i": "H", "p_f": "H", "p_o": "H"}

    p_i: Array
    p_f: Array
    p_o: Array

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None, c0: Array | None = None) -> Any:
        a, h, c = self._entering(x, mask, self.b), self._before("h", h0), self._before("c", c0)
        xp, H = array_namespace(a, h, self.Wh, self.p_i, self.p_f, self.p_o), h.shape[1]
        self.hs, self.cs, self.opened = [h], [c], []
        for t in range(a.shape[0]):
            u = a[t, ...] + self._dropped(h) @ self.Wh
            i, f = sigmoid(u[:, :H] + self.p_i * c), sigmoid(u[:, H : 2 * H] + self.p_f * c)
            g = xp.tanh(u[:, 2 * H : 3 * H])
            c = self._unless_padded(t, f * c + i * g, c)
            o = sigmoid(u[:, 3 * H :] + self.p_o * c)
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
            do = dh * tanh_c * o * (1.0 - o)
            inside = dc + dh * o * (1.0 - tanh_c * tanh_c) + do * self.p_o
            di, df = inside * g * i * (1.0 - i), inside * before * f * (1.0 - f)
            das.append(self._unless_padded(t, xp.concat([di, df, inside * i * (1.0 - g * g), do], axis=1)))
            dh = self._unless_padded(t, self._dropped(das[-1] @ self.Wh.T), dh)
            dc = self._unless_padded(t, inside * f + di * self.p_i + df * self.p_f, dc)
        das.reverse()
        da, H = in_one(das), self.Wh.shape[0]
        before, after = in_one(self.cs[:-1]), in_one(self.cs[1:])
        self.dWh, self.db = self._seen().T @ da, xp.sum(da, axis=0)
        self.dp_i, self.dp_f = xp.sum(da[:, :H] * before, axis=0), xp.sum(da[:, H : 2 * H] * before, axis=0)
        self.dp_o = xp.sum(da[:, 3 * H :] * after, axis=0)
        return self._to_inputs(das, dh, dc)

    @classmethod
    def _others(cls, hidden: int, b: Array | None, options: Mapping[str, Any]) -> tuple[Array | None, ...]:
        return (*super()._others(hidden, b, options), *[zeros((hidden,)) for _ in range(3)])


class LayerNormalizedLSTM(LSTM):
    """LSTM with layer normalization, ``a[t] = N(x[t] Wx) + N(h[t-1] Wh) + b``, ``h[t] = o tanh N(c[t])``.

    ``N(v) = γ v̂`` with ``v̂ = (v - μ) / √(σ² + ε)``, where μ and σ² are those of each row, of all four gates together;
    that of c adds β. Each N has a γ of its own, and everything else is as in ``LSTM``.

    Shapes: as ``LSTM``, and ``gamma_x, gamma_h (4H,)``, ``gamma_c, beta_c (H,)``.
    Backward: as ``LSTM``, through each N as in ``LayerNormalization``.
    Raises: ``ArgumentError`` for an eps that is not above 0.
    Source: Ba, Kiros and Hinton, 2016, equations 29 to 31; b is the sum of their two β.

    >>> lstm = LayerNormalizedLSTM.create(3, 4, rng=Generator(0))
    >>> lstm.forward(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    parameters = ("Wx", "Wh", "b", "gamma_x", "gamma_h", "gamma_c", "beta_c")
    differentiable = ("x",)
    shapes = {**LSTM.shapes, "gamma_x": "G", "gamma_h": "G", "gamma_c": "H", "beta_c": "H"}

    gamma_x: Array
    gamma_h: Array
    gamma_c: Array
    beta_c: Array

    def __init__(
        self,
        *arrays: Array | None,
        stateful: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        reverse: bool = False,
        recurrent_dropout: float = 0.0,
        rng: Generator | None = None,
        eps: float = 1e-5,
    ) -> None:
        states = {"stateful": stateful, "return_sequences": return_sequences, "return_state": return_state}
        super().__init__(*arrays, **states, reverse=reverse, recurrent_dropout=recurrent_dropout, rng=rng)
        self.eps = check_eps(self, eps)

    def forward(self, x: Array, mask: Array | None = None, h0: Array | None = None, c0: Array | None = None) -> Any:
        self.xhat, self.x_std = standardized(self._entering(x, mask, 0.0), self.eps)
        a, h, c = self.gamma_x * self.xhat + self.b, self._before("h", h0), self._before("c", c0)
        xp, H = array_namespace(a, h, self.Wh, self.gamma_h, self.gamma_c, self.beta_c), h.shape[1]
        self.hs, self.cs, self.opened, self.normalized = [h], [c], [], []
        for t in range(a.shape[0]):
            hhat, h_std = standardized(self._dropped(h) @ self.Wh, self.eps)
            u = a[t, ...] + self.gamma_h * hhat
            i, f = sigmoid(u[:, :H]), sigmoid(u[:, H : 2 * H])
            g, o = xp.tanh(u[:, 2 * H : 3 * H]), sigmoid(u[:, 3 * H :])
            c = self._unless_padded(t, f * c + i * g, c)
            chat, c_std = standardized(c, self.eps)
            tanh_c = xp.tanh(self.gamma_c * chat + self.beta_c)
            h = self._unless_padded(t, o * tanh_c, h)
            self.hs.append(h)
            self.cs.append(c)
            self.opened.append((i, f, g, o, tanh_c))
            self.normalized.append((hhat, h_std, chat, c_std))
        return self._leaving(self.hs[1:], h=h, c=c)

    def backward(self, dout: Array, dh: Array | None = None, dc: Array | None = None) -> Any:
        xp, upstream, das, dus, dns = array_namespace(dout, self.Wh), self._upstream(dout), [], [], []
        dh, dc = self._after(dh), self._after(dc)
        for t in reversed(range(len(upstream))):
            (i, f, g, o, tanh_c), before = self.opened[t], self.cs[t]
            hhat, h_std, chat, c_std = self.normalized[t]
            dh = upstream[t] + dh
            dn = self._unless_padded(t, dh * o * (1.0 - tanh_c * tanh_c))
            inside = dc + through_statistics(dn * self.gamma_c, chat, c_std, (-1,))
            di, df, dg, do = inside * g, inside * before, inside * i, dh * tanh_c
            da = xp.concat([di * i * (1.0 - i), df * f * (1.0 - f), dg * (1.0 - g * g), do * o * (1.0 - o)], axis=1)
            da = self._unless_padded(t, da)
            du = through_statistics(da * self.gamma_h, hhat, h_std, (-1,))
            dh, dc = self._unless_padded(t, self._dropped(du @ self.Wh.T), dh), self._unless_padded(t, inside * f, dc)
            das.append(da)
            dus.append(du)
            dns.append(dn)
        for steps in (das, dus, dns):
            steps.reverse()
        da, dn, xhat, x_std = in_one(das), in_one(dns), rows(self.xhat), rows(self.x_std)
        hhat, chat = (in_one([step[at] for step in self.normalized]) for at in (0, 2))
        self.dWh, self.db = self._seen().T @ in_one(dus), xp.sum(da, axis=0)
        self.dgamma_x, self.dgamma_h = xp.sum(da * xhat, axis=0), xp.sum(da * hhat, axis=0)
        self.dgamma_c, self.dbeta_c = xp.sum(dn * chat, axis=0), xp.sum(dn, axis=0)
        return self._to_inputs([through_statistics(da * self.gamma_x, xhat, x_std, (-1,))], dh, dc)

    @classmethod
    def _others(cls, hidden: int, b: Array | None, options: Mapping[str, Any]) -> tuple[Array | None, ...]:
        gammas = [ones((size,)) for size in (4 * hidden, 4 * hidden, hidden)]
        return (*super()._others(hidden, b, options), *gammas, zeros((hidden,)))
