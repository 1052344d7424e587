"""The second volume's LSTM and networks in plain NumPy float64, with its lists of parameters."""

from __future__ import annotations

import numpy as np


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def lstm(x, Wx, Wh, b, h=None, c=None):
    """The states h of all steps: gates f, g, i, o side by side."""
    N, T, _ = x.shape
    h = np.zeros((N, len(Wh))) if h is None else h
    c = np.zeros_like(h) if c is None else c
    states = []
    for t in range(T):
        f, g, i, o = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        c = sigmoid(f) * c + np.tanh(g) * sigmoid(i)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def seq2seq(kind, params, x, seen):
    """The scores of the plain, peeky or attentive network."""
    embedding, Wx, Wh, b, embedding2, Wx2, Wh2, b2, W, bias = params
    hs = lstm(embedding[x], Wx, Wh, b)
    last = np.repeat(hs[:, -1:], seen.shape[1], axis=1)
    e = embedding2[seen]
    if kind == "PeekySeq2seq":
        y = lstm(np.concatenate([last, e], axis=2), Wx2, Wh2, b2, h=hs[:, -1])
        return np.concatenate([last, y], axis=2) @ W + bias
    y = lstm(e, Wx2, Wh2, b2, h=hs[:, -1])
    if kind == "AttentionSeq2seq":
        shares = softmax(np.einsum("nth,nlh->ntl", y, hs))
        y = np.concatenate([np.einsum("ntl,nlh->nth", shares, hs), y], axis=2)
    return y @ W + bias


def better_rnnlm(params, x):
    """The scores of the language model of two LSTMs with tied weights, without dropout."""
    embedding, Wx1, Wh1, b1, Wx2, Wh2, b2, W, bias = params
    return lstm(lstm(embedding[x], Wx1, Wh1, b1), Wx2, Wh2, b2) @ W + bias


def numbers(*shapes):
    """Arrays of the book's dtype for files, float16."""
    rng = np.random.default_rng(0)
    return [(0.5 * rng.normal(size=shape)).astype(np.float16) for shape in shapes]


def seq2seq_params(kind, V=5, D=3, H=4):
    beside, after = {"Seq2seq": (0, 0), "PeekySeq2seq": (H, H), "AttentionSeq2seq": (0, H)}[kind]
    encoder = ((V, D), (D, 4 * H), (H, 4 * H), (4 * H,))
    return numbers(*encoder, (V, D), (D + beside, 4 * H), (H, 4 * H), (4 * H,), (H + after, V), (V,))


def better_rnnlm_params(V=5, H=4):
    found = numbers((V, H), *[(H, 4 * H), (H, 4 * H), (4 * H,)] * 2, (V,))
    return [*found[:-1], found[0].T, found[-1]]
