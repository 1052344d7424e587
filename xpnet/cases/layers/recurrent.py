"""Cases of the recurrent layers."""

from collections.abc import Callable
from functools import partial

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import GRU, LSTM, RNN


def sigmoid(x: Host) -> Host:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def rnn(x: Host, h: Host, Wx: Host, Wh: Host, b: Host) -> tuple[Host, ...]:
    return (np.tanh(x @ Wx + h @ Wh + b),)


def lstm(x: Host, h: Host, c: Host, Wx: Host, Wh: Host, b: Host) -> tuple[Host, ...]:
    i, f, g, o = np.split(x @ Wx + h @ Wh + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x: Host, h: Host, Wx: Host, Wh: Host, bx: Host, bh: Host) -> tuple[Host, ...]:
    (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(x @ Wx + bx, 3), np.split(h @ Wh + bh, 3)
    z = sigmoid(a_z + u_z)
    return ((1.0 - z) * np.tanh(a_n + sigmoid(a_r + u_r) * u_n) + z * h,)


def over_rows(
    step: Callable[..., tuple[Host, ...]],
    *arrays: Host,
    mask: Host | None = None,
    given: bool = False,
    reverse: bool = False,
    last: bool = False,
) -> Host:
    """Each row by itself, over the steps that it has; with ``given``, the states before the first step come after x."""
    states = 2 if step is lstm else 1
    x, weights = arrays[0], arrays[-4 if step is gru else -3 :]
    N, L, _ = x.shape
    H = weights[1].shape[0]
    y, final = np.zeros((N, L, H)), np.zeros((N, H))
    before = arrays[-len(weights) - states : -len(weights)] if given else [np.zeros((N, H))] * states
    real = np.ones((N, L), dtype=bool) if mask is None else mask
    for n in range(N):
        now = tuple(state[n] for state in before)
        for t in np.flatnonzero(real[n])[:: -1 if reverse else 1]:
            now = step(x[n, t], *now, *weights)
            y[n, t] = now[0]
        final[n] = now[0]
    return final if last else y


X = normal("x", 2, 3, 2)
STATES = (normal("h0", 2, 3), normal("c0", 2, 3))
MASK = np.asarray([[True, True, True], [False, True, False]])
LENGTHS = np.asarray([3, 1])
SHORT = np.arange(3) < LENGTHS[:, None]


def weights(gates: int, biases: int) -> tuple[Host, ...]:
    columns = 3 * gates
    return (normal("Wx", 2, columns), normal("Wh", 3, columns), *[normal(f"b{n}", columns) for n in range(biases)])


CASES = (
    Case("RNN", RNN, (X,), partial(over_rows, rnn), weights(1, 1)),
    Case("RNN, last", RNN, (X,), partial(over_rows, rnn, last=True), weights(1, 1), {"return_sequences": False}),
    Case(
        "RNN, reverse, lengths",
        RNN,
        (X, LENGTHS),
        partial(over_rows, rnn, mask=SHORT, reverse=True),
        weights(1, 1),
        {"reverse": True},
    ),
    Case("LSTM", LSTM, (X,), partial(over_rows, lstm), weights(4, 1)),
    Case("LSTM, stateful", LSTM, (X,), partial(over_rows, lstm), weights(4, 1), {"stateful": True}),
    Case(
        "LSTM, masked, from states",
        LSTM,
        (X, MASK, *STATES),
        partial(over_rows, lstm, mask=MASK, given=True),
        weights(4, 1),
    ),
    Case("GRU", GRU, (X,), partial(over_rows, gru), weights(3, 2)),
    Case(
        "GRU, last, lengths, from a state",
        GRU,
        (X, LENGTHS, STATES[0]),
        partial(over_rows, gru, mask=SHORT, given=True, last=True),
        weights(3, 2),
        {"return_sequences": False},
    ),
)
