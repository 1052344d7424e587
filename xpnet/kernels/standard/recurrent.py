"""Reference kernels of the recurrences, over arrays with the steps first.

What enters at each step, ``a = x Wx + b``, is computed for all steps before; a step multiplies by Wh alone. The
backward kernels return the derivative of ``a``; that of Wh is a product over all steps, and the layer's.
"""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.activation import sigmoid
from xpnet.typing import Array


@kernel
@in_float32
def rnn(a: Array, h: Array, Wh: Array) -> Array:
    """States of the plain recurrence, ``h[t] = tanh(a[t] + h[t-1] Wh)``.

    Shapes: ``a (L, N, H)``, ``h (N, H)`` the state before, ``Wh (H, H)``, result ``(L, N, H)``.
    """
    xp = array_namespace(a, h, Wh)
    states = []
    for t in range(a.shape[0]):
        h = xp.tanh(a[t, ...] + h @ Wh)
        states.append(h)
    return xp.stack(states, axis=0)  # type: ignore[no-any-return]


@kernel
@in_float32
def rnn_backward(dout: Array, states: Array, Wh: Array) -> Array:
    """Derivative of ``rnn`` through time, ``da[t] = (dout[t] + da[t+1] Whᵀ) (1 - h[t]²)``.

    Shapes: ``dout, states, da (L, N, H)``.
    """
    xp = array_namespace(dout, states, Wh)
    dh = xp.zeros_like(dout[0, ...])
    steps = []
    for t in reversed(range(dout.shape[0])):
        h = states[t, ...]
        da = (dout[t, ...] + dh) * (1.0 - h * h)
        dh = da @ Wh.T
        steps.append(da)
    return xp.stack(steps[::-1], axis=0)  # type: ignore[no-any-return]


@kernel
@in_float32
def lstm(a: Array, h: Array, c: Array, Wh: Array) -> tuple[Array, Array, Array]:
    """States and cells of the LSTM, ``c[t] = f c[t-1] + i g``, ``h[t] = o tanh c[t]``.

    The gates ``i, f, o`` are sigmoids and ``g`` a tanh of the quarters i, f, g, o of ``a[t] + h[t-1] Wh``.

    Shapes: ``a (L, N, 4H)``, ``h, c (N, H)`` before, ``Wh (H, 4H)``; states, cells ``(L, N, H)``, gates ``(L, N, 4H)``.
    """
    xp = array_namespace(a, h, c, Wh)
    H = h.shape[1]
    states, cells, gates = [], [], []
    for t in range(a.shape[0]):
        u = a[t, ...] + h @ Wh
        i_f, g, o = sigmoid(u[:, : 2 * H]), xp.tanh(u[:, 2 * H : 3 * H]), sigmoid(u[:, 3 * H :])
        c = i_f[:, H:] * c + i_f[:, :H] * g
        h = o * xp.tanh(c)
        states.append(h)
        cells.append(c)
        gates.append(xp.concat([i_f, g, o], axis=1))
    return xp.stack(states, axis=0), xp.stack(cells, axis=0), xp.stack(gates, axis=0)


@kernel
@in_float32
def lstm_backward(dout: Array, c: Array, cells: Array, gates: Array, Wh: Array) -> Array:
    """Derivative of ``lstm``, ``dh = dout[t] + da[t+1] Whᵀ``, ``dc = dc[t+1] f[t+1] + dh o (1 - tanh² c)``.

    Shapes: ``dout, cells (L, N, H)``, ``c (N, H)`` the cell before, ``gates, da (L, N, 4H)``.
    """
    xp = array_namespace(dout, c, cells, gates, Wh)
    H = c.shape[1]
    dh = dc = xp.zeros_like(c)
    steps = []
    for t in reversed(range(dout.shape[0])):
        i, f, g, o = (gates[t, :, j * H : (j + 1) * H] for j in range(4))
        before, tanh_c = cells[t - 1, ...] if t else c, xp.tanh(cells[t, ...])
        dh = dout[t, ...] + dh
        dc = dc + dh * o * (1.0 - tanh_c * tanh_c)
        da = xp.concat(
            [
                dc * g * i * (1.0 - i),
                dc * before * f * (1.0 - f),
                dc * i * (1.0 - g * g),
                dh * tanh_c * o * (1.0 - o),
            ],
            axis=1,
        )
        dh, dc = da @ Wh.T, dc * f
        steps.append(da)
    return xp.stack(steps[::-1], axis=0)  # type: ignore[no-any-return]


@kernel
@in_float32
def gru(a: Array, h: Array, Wh: Array, bh: Array) -> tuple[Array, Array, Array]:
    """States of the GRU, ``h[t] = (1 - z) n + z h[t-1]`` with ``n = tanh(aₙ + r m)``.

    The gates ``r, z`` are sigmoids of the thirds r, z of ``a[t] + u``, and ``m`` is the last third of
    ``u = h[t-1] Wh + bh``.

    Shapes: ``a (L, N, 3H)``, ``h (N, H)`` before, ``Wh (H, 3H)``, ``bh (3H,)``; states, m ``(L, N, H)``, gates r, z, n
    ``(L, N, 3H)``.
    """
    xp = array_namespace(a, h, Wh, bh)
    H = h.shape[1]
    states, gates, ms = [], [], []
    for t in range(a.shape[0]):
        u = h @ Wh + bh
        r_z, m = sigmoid(a[t, :, : 2 * H] + u[:, : 2 * H]), u[:, 2 * H :]
        n = xp.tanh(a[t, :, 2 * H :] + r_z[:, :H] * m)
        h = n + r_z[:, H:] * (h - n)
        states.append(h)
        gates.append(xp.concat([r_z, n], axis=1))
        ms.append(m)
    return xp.stack(states, axis=0), xp.stack(gates, axis=0), xp.stack(ms, axis=0)


@kernel
@in_float32
def gru_backward(dout: Array, h: Array, states: Array, gates: Array, m: Array, Wh: Array) -> tuple[Array, Array]:
    """Derivative of ``gru`` through time: ``dh[t-1] = dh z + du Whᵀ``; du is da with its last third times r.

    Shapes: ``dout, states, m (L, N, H)``, ``h (N, H)`` the state before, ``gates, da, du (L, N, 3H)``.
    """
    xp = array_namespace(dout, h, states, gates, m, Wh)
    H = h.shape[1]
    dh = xp.zeros_like(h)
    das, dus = [], []
    for t in reversed(range(dout.shape[0])):
        r, z, n = (gates[t, :, j * H : (j + 1) * H] for j in range(3))
        before = states[t - 1, ...] if t else h
        dh = dout[t, ...] + dh
        dn = dh * (1.0 - z) * (1.0 - n * n)
        dr_z = xp.concat([dn * m[t, ...] * r * (1.0 - r), dh * (before - n) * z * (1.0 - z)], axis=1)
        du = xp.concat([dr_z, dn * r], axis=1)
        dh = dh * z + du @ Wh.T
        das.append(xp.concat([dr_z, dn], axis=1))
        dus.append(du)
    return xp.stack(das[::-1], axis=0), xp.stack(dus[::-1], axis=0)
