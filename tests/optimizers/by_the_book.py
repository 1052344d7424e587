"""The optimizers as the papers and the book write them, and gradients to try them with."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import to_numpy
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, RMSprop

KINDS = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion]
on_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def gradients(asarray, step: int) -> dict:
    return {"W": asarray(normal(f"dW{step}", 3, 4)), "b": asarray(normal(f"db{step}", 4))}


def host(values) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in values.items()}


def by_the_book(kind: type, W, gs, lr=0.1, decay=0.0):
    """The parameter after some gradients, in plain NumPy."""
    v = h = m = np.zeros_like(W)
    for t, g in enumerate(gs, 1):
        if kind not in (AdamW, Lion):
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
        else:
            W = W * (1.0 - lr * decay) if kind is AdamW else W
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            W = W - lr * (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
    return W
