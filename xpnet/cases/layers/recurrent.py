"""Cases of the recurrent layers."""

from collections.abc import Callable
from functools import partial
from inspect import signature

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import GRU, LSTM, RNN, LayerNormalizedLSTM, PeepholeLSTM
from xpnet.random import Generator


def sigmoid(x: Host) -> Host:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def rnn(x: Host, h: Host, Wx: Host, Wh: Host, b: Host, kept: Host) -> tuple[Host, ...]:
    return (np.tanh(x @ Wx + (kept * h) @ Wh + b),)


def lstm(x: Host, h: Host, c: Host, Wx: Host, Wh: Host, b: Host, kept: Host) -> tuple[Host, ...]:
    i, f, g, o = np.split(x @ Wx + (kept * h) @ Wh + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x: Host, h: Host, Wx: Host, Wh: Host, bx: Host, bh: Host, kept: Host) -> tuple[Host, ...]:
    (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(x @ Wx + bx, 3), np.split((kept * h) @ Wh + bh, 3)
    z = sigmoid(a_z + u_z)
    return ((1.0 - z) * np.tanh(a_n + sigmoid(a_r + u_r) * u_n) + z * h,)


def gru_of_2014(x: Host, h: Host, Wx: Host, Wh: Host, b: Host, kept: Host) -> tuple[Host, ...]:
    (a_r, a_z, a_n), (W_r, W_z, W_n) = np.split(x @ Wx + b, 3), np.split(Wh, 3, axis=1)
    r, z = sigmoid(a_r + (kept * h) @ W_r), sigmoid(a_z + (kept * h) @ W_z)
    return ((1.0 - z) * np.tanh(a_n + (r * kept * h) @ W_n) + z * h,)


def peephole(
    x: Host, h: Host, c: Host, Wx: Host, Wh: Host, b: Host, p_i: Host, p_f: Host, p_o: Host, kept: Host
) -> tuple[Host, ...]:
    i, f, g, o = np.split(x @ Wx + (kept * h) @ Wh + b, 4)
    c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    return sigmoid(o + p_o * c) * np.tanh(c), c


def normalized(
    x: Host, h: Host, c: Host, Wx: Host, Wh: Host, b: Host, gx: Host, gh: Host, gc: Host, beta: Host, kept: Host
) -> tuple[Host, ...]:
    def n(v: Host) -> Host:
        return np.asarray((v - np.mean(v)) / np.sqrt(np.var(v) + 1e-5))

    i, f, g, o = np.split(gx * n(x @ Wx) + gh * n((kept * h) @ Wh) + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(gc * n(c) + beta), c


def over_rows(
    step: Callable[..., tuple[Host, ...]],
    *arrays: Host,
    mask: Host | None = None,
    given: bool = False,
    reverse: bool = False,
    last: bool = False,
    stream: str = "",
) -> Host:
    """Each row by itself, over the steps that it has; with ``given``, the states before the first step come after x.

    ``stream`` is that of the masks of dropout, with p = 0.5.
    """
    names = list(signature(step).parameters)
    states = 1 + ("c" in names)
    x, weights = arrays[0], arrays[states + 2 - len(names) :]
    N, L, _ = x.shape
    H = weights[1].shape[0]
    kept = Generator(0).mask((N, H), 0.5, stream) / 0.5 if stream else np.ones((N, H))
    y, final = np.zeros((N, L, H)), np.zeros((N, H))
    before = arrays[-len(weights) - states : -len(weights)] if given else [np.zeros((N, H))] * states
    real = np.ones((N, L), dtype=bool) if mask is None else mask
    for n in range(N):
        now = tuple(state[n] for state in before)
        for t in np.flatnonzero(real[n])[:: -1 if reverse else 1]:
            now = step(x[n, t], *now, *weights, kept[n])
            y[n, t] = now[0]
        final[n] = now[0]
    return final if last else y


X = normal("x", 2, 3, 2)
STATES = (normal("h0", 2, 3), normal("c0", 2, 3))
MASK = np.asarray([[True, True, True], [False, True, False]])
LENGTHS = np.asarray([3, 1])
SHORT = np.arange(3) < LENGTHS[:, None]


FEW = normal("few x", 2, 2, 1)
FEW_LENGTHS = np.asarray([2, 1])
FEW_SHORT = np.arange(2) < FEW_LENGTHS[:, None]


def weights(gates: int, biases: int, inputs: int = 2, hidden: int = 3) -> tuple[Host, ...]:
    columns = hidden * gates
    found = normal("Wx", inputs, columns), normal("Wh", hidden, columns)
    return (*found, *[normal(f"b{n}", columns) for n in range(biases)])


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
    Case(
        "LSTM, dropout, reverse",
        LSTM,
        (FEW,),
        partial(over_rows, lstm, reverse=True, stream="LSTM1"),
        weights(4, 1, 1, 2),
        make=lambda *arrays: LSTM(*arrays, reverse=True, recurrent_dropout=0.5, rng=Generator(0)),
        predicted=partial(over_rows, lstm, reverse=True),
    ),
    Case(
        "LSTM, no bias",
        LSTM,
        (FEW,),
        lambda x, Wx, Wh: over_rows(lstm, x, Wx, Wh, np.zeros(8)),
        weights(4, 0, 1, 2),
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
    Case(
        "GRU, dropout, lengths",
        GRU,
        (FEW, FEW_LENGTHS),
        partial(over_rows, gru, mask=FEW_SHORT, stream="GRU1"),
        weights(3, 2, 1, 2),
        make=lambda *arrays: GRU(*arrays, recurrent_dropout=0.5, rng=Generator(0)),
        predicted=partial(over_rows, gru, mask=FEW_SHORT),
    ),
    Case(
        "GRU, reset before, dropout, lengths",
        GRU,
        (FEW, FEW_LENGTHS),
        partial(over_rows, gru_of_2014, mask=FEW_SHORT, stream="GRU1"),
        weights(3, 1, 1, 2),
        make=lambda *arrays: GRU(*arrays, reset_after=False, recurrent_dropout=0.5, rng=Generator(0)),
        predicted=partial(over_rows, gru_of_2014, mask=FEW_SHORT),
    ),
    Case(
        "PeepholeLSTM, lengths",
        PeepholeLSTM,
        (FEW, FEW_LENGTHS),
        partial(over_rows, peephole, mask=FEW_SHORT),
        (*weights(4, 1, 1, 2), *[normal(f"p{n}", 2) for n in range(3)]),
    ),
    Case(
        "LayerNormalizedLSTM, dropout, lengths",
        LayerNormalizedLSTM,
        (FEW, FEW_LENGTHS),
        partial(over_rows, normalized, mask=FEW_SHORT, stream="LayerNormalizedLSTM1"),
        (*weights(4, 1, 1, 2), normal("gx", 8), normal("gh", 8), normal("gc", 2), normal("beta", 2)),
        make=lambda *arrays: LayerNormalizedLSTM(*arrays, recurrent_dropout=0.5, rng=Generator(0)),
        predicted=partial(over_rows, normalized, mask=FEW_SHORT),
    ),
)
