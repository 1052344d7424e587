"""The optimizers as the papers and the book write them, and gradients to try them with."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import to_numpy
from xpnet.optimizers import (
    LAMB,
    LARS,
    SGD,
    Adadelta,
    Adafactor,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    RAdam,
    RMSprop,
)

KINDS = [
    *(SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion),
    *(Adadelta, Adamax, NAdam, RAdam, LARS, LAMB, Adafactor, Muon),
]
on_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def gradients(asarray, step: int) -> dict:
    return {"W": asarray(normal(f"dW{step}", 3, 4)), "b": asarray(normal(f"db{step}", 4))}


def host(values) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in values.items()}


def by_the_book(kind: type, W, gs, lr=0.1, decay=0.0):
    """The parameter after some gradients, in plain NumPy."""
    v = h = m = np.zeros_like(W)
    product = 1.0
    for t, g in enumerate(gs, 1):
        if kind not in (AdamW, Lion, LARS, LAMB, Adafactor, Muon):
            g = g + decay * W
        if kind is SGD:
            W = W - lr * g
        elif kind is Momentum:  # section 6.1.4: the rate is inside v
            v = 0.9 * v - lr * g
            W = W + v
        elif kind is Nesterov:  # the book's rewriting, in which the gradient is taken at W itself
            W = W + 0.9 * 0.9 * v - (1.0 + 0.9) * lr * g
            v = 0.9 * v - lr * g
        elif kind is AdaGrad:
            h = h + g * g
            W = W - lr * g / (np.sqrt(h) + 1e-10)
        elif kind is RMSprop:
            h = 0.99 * h + 0.01 * g * g
            W = W - lr * g / (np.sqrt(h) + 1e-8)
        elif kind is Lion:
            W = W - lr * (np.sign(0.9 * m + 0.1 * g) + decay * W)
            m = 0.99 * m + 0.01 * g
        elif kind is Adadelta:
            v = 0.9 * v + 0.1 * g * g
            d = np.sqrt(h + 1e-6) / np.sqrt(v + 1e-6) * g
            h = 0.9 * h + 0.1 * d * d
            W = W - lr * d
        elif kind is Adamax:
            m, v = 0.9 * m + 0.1 * g, np.maximum(0.999 * v, np.abs(g) + 1e-8)
            W = W - lr / (1.0 - 0.9**t) * m / v
        elif kind is NAdam:
            mu, coming = (0.9 * (1.0 - 0.5 * 0.96 ** (0.004 * at)) for at in (t, t + 1))
            product *= mu
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            ahead = coming * m / (1.0 - product * coming) + (1.0 - mu) * g / (1.0 - product)
            W = W - lr * ahead / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
        elif kind is RAdam:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            most, left = 1999.0, 1.0 - 0.999**t
            rho = most - 2.0 * t * 0.999**t / left
            adaptive = np.sqrt(left) / (np.sqrt(v) + 1e-8) if rho > 5.0 else 1.0
            if rho > 5.0:
                adaptive *= np.sqrt((rho - 4.0) * (rho - 2.0) * most / ((most - 4.0) * (most - 2.0) * rho))
            W = W - lr * m / (1.0 - 0.9**t) * adaptive
        elif kind is LARS:
            size = np.linalg.norm(W)
            v = 0.9 * v + lr * 0.001 * size / (np.linalg.norm(g) + decay * size) * (g + decay * W)
            W = W - v
        elif kind is LAMB:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            u = (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-6) + decay * W
            W = W - lr * np.linalg.norm(W) / np.linalg.norm(u) * u
        elif kind is Adafactor:
            alpha = min(lr, t**-0.5) * max(1e-3, np.sqrt(np.mean(W * W)))
            kept = 1.0 - t**-0.8
            if W.ndim == 2:
                v = kept * v + (1.0 - kept) * g * g  # rows and columns of a mean are means of rows and columns
                s = np.outer(v.mean(axis=1), v.mean(axis=0)) / v.mean()
            else:
                s = v = kept * v + (1.0 - kept) * g * g
            u = g / np.sqrt(s)
            W = W * (1.0 - lr * decay) - alpha * u / max(1.0, np.sqrt(np.mean(u * u)))
        elif kind is Muon and W.ndim == 2:
            m = 0.95 * m + 0.05 * g
            U, S, V = np.linalg.svd(0.95 * m + 0.05 * g, full_matrices=False)
            S = S / np.sqrt(np.sum(S * S))
            for _ in range(5):  # the products act on the singular values alone
                S = 3.4445 * S - 4.7750 * S**3 + 2.0315 * S**5
            W = W * (1.0 - lr * decay) - lr * np.sqrt(max(1.0, W.shape[1] / W.shape[0])) * (U * S) @ V
        else:
            lr_now = 0.015 * lr if kind is Muon else lr
            W = W * (1.0 - lr_now * decay) if kind in (AdamW, Muon) else W
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            W = W - lr_now * (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
    return W
