"""Cases of the recurrent layers."""

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import GRU, LSTM, RNN


def sigmoid(x: Host) -> Host:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def rnn(x: Host, Wx: Host, Wh: Host, b: Host) -> Host:
    h, states = np.zeros((x.shape[0], Wh.shape[0])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states.append(h)
    return np.stack(states, axis=1)


def lstm(x: Host, Wx: Host, Wh: Host, b: Host) -> Host:
    h = c = np.zeros((x.shape[0], Wh.shape[0]))
    states = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x: Host, Wx: Host, Wh: Host, bx: Host, bh: Host) -> Host:
    h, states = np.zeros((x.shape[0], Wh.shape[0])), []
    for t in range(x.shape[1]):
        (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(x[:, t] @ Wx + bx, 3, axis=1), np.split(h @ Wh + bh, 3, axis=1)
        z = sigmoid(a_z + u_z)
        h = (1.0 - z) * np.tanh(a_n + sigmoid(a_r + u_r) * u_n) + z * h
        states.append(h)
    return np.stack(states, axis=1)


X = (normal("x", 2, 3, 2),)


def weights(gates: int, biases: int) -> tuple[Host, ...]:
    columns = 3 * gates
    return (normal("Wx", 2, columns), normal("Wh", 3, columns), *[normal(f"b{n}", columns) for n in range(biases)])


CASES = (
    Case("RNN", RNN, X, rnn, weights(1, 1)),
    Case("RNN, last", RNN, X, lambda *arrays: rnn(*arrays)[:, -1], weights(1, 1), {"return_sequences": False}),
    Case("LSTM", LSTM, X, lstm, weights(4, 1)),
    Case("LSTM, stateful", LSTM, X, lstm, weights(4, 1), {"stateful": True}),
    Case("GRU", GRU, X, gru, weights(3, 2)),
)
