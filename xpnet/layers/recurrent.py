"""Recurrent layers: a state that is passed from step to step."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from xpnet.backend import array_namespace, device_of, get_backend
from xpnet.errors import ShapeError
from xpnet.initializers import Init, check_size, normal_weights, zeros
from xpnet.layers.activation import sigmoid
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags
from xpnet.layers.linear import rows
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Recurrent(Layer):
    """The base of recurrent layers: products over all steps at once, the state before the first step, the output.

    With ``stateful``, each ``forward`` starts where the one before ended. The state is a constant there: backward ends
    at the first step (truncated backpropagation through time). ``predict`` also starts there, and does not change the
    state. ``return_sequences=False`` returns only the state after the last step.

    Inside, the axis of steps comes first, ``(L, N, …)``: the contributions of the inputs, ``a = x Wx + b``, are one
    product for all steps, and so are the gradients of the weights. ``hs`` are the states, ``hs[t]`` the one before step
    t. ``gates`` is the number of blocks of H columns in Wx and Wh.

    Raises: ``ShapeError`` for weights of another width, a sequence without steps, and another number of rows than those
    of the kept state.
    Source: Williams and Peng, 1990 (truncated backpropagation through time).
    """

    in_float32 = True
    gates: ClassVar[int] = 1

    Wx: Array
    Wh: Array

    def __init__(self, *arrays: Array, stateful: bool = False, return_sequences: bool = True) -> None:
        super().__init__(*arrays)
        check_flags(type(self).__name__, stateful=stateful, return_sequences=return_sequences)
        self.stateful, self.return_sequences = stateful, return_sequences
        H, columns = self.Wh.shape
        if columns != self.gates * H:
            must = f"Wh must be ({H}, {self.gates * H}), {self.gates} blocks of H columns"
            raise ShapeError(type(self).__name__, must, (H, columns), "lay the weights of the gates side by side")

    def reset_state(self) -> None:
        """Start the next sequence from zeros."""
        for name in self.state:
            setattr(self, name, None)

    def _entering(self, x: Array, b: Array) -> Array:
        """Return ``x Wx + b`` for all steps, ``(L, N, …)``, and keep x with the steps first."""
        if x.shape[1] == 0:
            raise ShapeError(type(self).__name__, "x must have at least one step", tuple(x.shape), "leave it out")
        xp = array_namespace(x, self.Wx, b)
        self.x = xp.permute_dims(x, (1, 0, 2))
        a = rows(self.x) @ self.Wx + b
        return xp.reshape(a, (*self.x.shape[:2], a.shape[1]))  # type: ignore[no-any-return]

    def _before(self, name: str) -> Array:
        """Return the state before the first step, ``(N, H)``: zeros, or the one that ``forward`` kept."""
        _, N, _ = self.x.shape
        H = self.Wh.shape[0]
        kept: Array | None = getattr(self, name) if self.stateful else None
        if kept is None:
            zero: Array = array_namespace(self.x).zeros((N, H), dtype=self.x.dtype, device=device_of(self.x))
            return zero
        if kept.shape != (N, H):
            must = f"x must have {kept.shape[0]} rows, as the state kept from the call before"
            raise ShapeError(type(self).__name__, must, N, "call reset_state() where other sequences begin")
        return array_namespace(kept).astype(kept, self.x.dtype, copy=False)  # type: ignore[no-any-return]

    def _leaving(self, states: list[Array], **last: Array) -> Array:
        """Return the output from the states of all steps, and keep the ``last`` of each kind."""
        if self.stateful and self.training:
            for name, value in last.items():
                setattr(self, name, value)
        if not self.return_sequences:
            return states[-1]
        return array_namespace(*states).stack(states, axis=1)  # type: ignore[no-any-return]

    def _upstream(self, dout: Array) -> list[Array]:
        """Return ``dout`` of each step, ``(N, H)``."""
        if self.return_sequences:
            return [dout[:, t, :] for t in range(dout.shape[1])]
        return [*[array_namespace(dout).zeros_like(dout)] * (self.x.shape[0] - 1), dout]

    def _to_x(self, das: list[Array]) -> Array | None:
        """Compute ``dWx = Σ xᵀ da`` over all steps and rows, and return ``dx = da Wxᵀ``."""
        da = in_one(das)
        self.dWx = rows(self.x).T @ da
        if not self.needs_dx:
            return None
        xp = array_namespace(da, self.Wx)
        return xp.permute_dims(xp.reshape(da @ self.Wx.T, self.x.shape), (1, 0, 2))  # type: ignore[no-any-return]

    @classmethod
    def create(
        cls,
        inputs: int,
        hidden: int,
        *,
        stateful: bool = False,
        return_sequences: bool = True,
        init: Init = "lecun",
        rng: Generator | None = None,
    ) -> Self:
        """Return a layer with parameters on the current backend, ``Wx = σ z``, ``Wh = σ z``, ``b = 0``.

        ``init`` as in ``Affine.create``. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1 or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_size(cls.__name__, "hidden", hidden)
        path = rng.next_name(cls.__name__)
        Wx = normal_weights((inputs, cls.gates * hidden), init, rng, f"{path}.Wx")
        Wh = normal_weights((hidden, cls.gates * hidden), init, rng, f"{path}.Wh")
        return cls(Wx, Wh, *cls._biases(hidden), stateful=stateful, return_sequences=return_sequences)

    @classmethod
    def _biases(cls, hidden: int) -> tuple[Array, ...]:
        return tuple(zeros((cls.gates * hidden,)) for _ in cls.parameters[2:])


class RNN(Recurrent):
    """Plain recurrence, ``h[t] = tanh(x[t] Wx + h[t-1] Wh + b)``.

    Shapes: ``x (N, L, D)``, ``Wx (D, H)``, ``Wh (H, H)``, ``b (H,)``, result ``(N, L, H)`` or the last ``(N, H)``.
    Backward: ``da[t] = (dout[t] + da[t+1] Whᵀ) (1 - h[t]²)``; ``dx[t] = da[t] Wxᵀ``, ``dWx = Σ x[t]ᵀ da[t]``,
    ``dWh = Σ h[t-1]ᵀ da[t]``, ``db = Σ da[t]``.
    Source: Elman, 1990.
    """

    parameters = ("Wx", "Wh", "b")
    state = ("h",)
    shapes = {"x": "N L D", "Wx": "D H", "Wh": "H H", "b": "H"}

    b: Array

    def forward(self, x: Array) -> Array:
        a, h = self._entering(x, self.b), self._before("h")
        xp = array_namespace(a, h, self.Wh)
        self.hs = [h]
        for t in range(a.shape[0]):
            h = xp.tanh(a[t, ...] + h @ self.Wh)
            self.hs.append(h)
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array) -> Array | None:
        xp, upstream, das = array_namespace(dout, self.Wh), self._upstream(dout), []
        dh = xp.zeros_like(self.hs[0])
        for t in reversed(range(len(upstream))):
            h = self.hs[t + 1]
            da = (upstream[t] + dh) * (1.0 - h * h)
            dh = da @ self.Wh.T
            das.append(da)
        das.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_x(das)


class LSTM(Recurrent):
    """Long short-term memory, ``c[t] = f c[t-1] + i g``, ``h[t] = o tanh c[t]``.

    ``i, f, o`` are sigmoids and ``g`` is the tanh of the four blocks i, f, g, o of ``a[t] = x[t] Wx + h[t-1] Wh + b``,
    in this order; it is torch's: ``Wx = weight_ih.T``, ``Wh = weight_hh.T``, ``b = bias_ih + bias_hh``.

    Shapes: ``x (N, L, D)``, ``Wx (D, 4H)``, ``Wh (H, 4H)``, ``b (4H,)``, result ``(N, L, H)`` or the last ``(N, H)``.
    Backward: ``dh = dout[t] + da[t+1] Whᵀ``, ``dc = dc[t+1] f[t+1] + dh o (1 - tanh² c)``; then ``di = dc g``,
    ``df = dc c[t-1]``, ``dg = dc i``, ``do = dh tanh c`` through the gates to ``da``; dx and weights as in RNN.
    Source: Hochreiter and Schmidhuber, 1997; Gers et al., 2000 (the forget gate).
    """

    parameters = ("Wx", "Wh", "b")
    state = ("h", "c")
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "b": "G"}
    gates = 4

    b: Array

    def forward(self, x: Array) -> Array:
        a, h, c = self._entering(x, self.b), self._before("h"), self._before("c")
        xp, H = array_namespace(a, h, self.Wh), h.shape[1]
        self.hs, self.cs, self.opened = [h], [c], []
        for t in range(a.shape[0]):
            u = a[t, ...] + h @ self.Wh
            i, f = sigmoid(u[:, :H]), sigmoid(u[:, H : 2 * H])
            g, o = xp.tanh(u[:, 2 * H : 3 * H]), sigmoid(u[:, 3 * H :])
            c = f * c + i * g
            h = o * xp.tanh(c)
            self.hs.append(h)
            self.cs.append(c)
            self.opened.append((i, f, g, o))
        return self._leaving(self.hs[1:], h=h, c=c)

    def backward(self, dout: Array) -> Array | None:
        xp, upstream, das = array_namespace(dout, self.Wh), self._upstream(dout), []
        dh = dc = xp.zeros_like(self.hs[0])
        for t in reversed(range(len(upstream))):
            (i, f, g, o), before, tanh_c = self.opened[t], self.cs[t], xp.tanh(self.cs[t + 1])
            dh = upstream[t] + dh
            dc = dc + dh * o * (1.0 - tanh_c * tanh_c)
            di, df, dg, do = dc * g, dc * before, dc * i, dh * tanh_c
            da = xp.concat([di * i * (1.0 - i), df * f * (1.0 - f), dg * (1.0 - g * g), do * o * (1.0 - o)], axis=1)
            dh, dc = da @ self.Wh.T, dc * f
            das.append(da)
        das.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(das)
        self.db = xp.sum(in_one(das), axis=0)
        return self._to_x(das)

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
    """

    parameters = ("Wx", "Wh", "bx", "bh")
    state = ("h",)
    shapes = {"x": "N L D", "Wx": "D G", "Wh": "H G", "bx": "G", "bh": "G"}
    gates = 3

    bx: Array
    bh: Array

    def forward(self, x: Array) -> Array:
        a, h = self._entering(x, self.bx), self._before("h")
        xp, H = array_namespace(a, h, self.Wh, self.bh), h.shape[1]
        self.hs, self.opened = [h], []
        for t in range(a.shape[0]):
            u = h @ self.Wh + self.bh
            r = sigmoid(a[t, :, :H] + u[:, :H])
            z = sigmoid(a[t, :, H : 2 * H] + u[:, H : 2 * H])
            u_n = u[:, 2 * H :]
            n = xp.tanh(a[t, :, 2 * H :] + r * u_n)
            h = n + z * (h - n)
            self.hs.append(h)
            self.opened.append((r, z, n, u_n))
        return self._leaving(self.hs[1:], h=h)

    def backward(self, dout: Array) -> Array | None:
        xp, upstream, das, dus = array_namespace(dout, self.Wh), self._upstream(dout), [], []
        dh = xp.zeros_like(self.hs[0])
        for t in reversed(range(len(upstream))):
            (r, z, n, u_n), before = self.opened[t], self.hs[t]
            dh = upstream[t] + dh
            dn = dh * (1.0 - z) * (1.0 - n * n)
            dr, dz = dn * u_n * r * (1.0 - r), dh * (before - n) * z * (1.0 - z)
            du = xp.concat([dr, dz, dn * r], axis=1)
            das.append(xp.concat([dr, dz, dn], axis=1))
            dus.append(du)
            dh = dh * z + du @ self.Wh.T
        das.reverse()
        dus.reverse()
        self.dWh = in_one(self.hs[:-1]).T @ in_one(dus)
        self.dbx, self.dbh = xp.sum(in_one(das), axis=0), xp.sum(in_one(dus), axis=0)
        return self._to_x(das)


def in_one(steps: list[Array]) -> Array:
    """Return the rows of all steps, ``L of (N, M) -> (L N, M)``."""
    return array_namespace(*steps).concat(steps, axis=0)  # type: ignore[no-any-return]
