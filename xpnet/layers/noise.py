"""Noise in training other than dropout."""

from __future__ import annotations

from math import inf

from xpnet.backend import array_namespace, backend_of, size_of
from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.drawn import Drawn
from xpnet.random import Generator, drawn_before
from xpnet.typing import Array


class GaussianNoise(Drawn):
    """Normal noise, ``y = x + σ z`` with z standard normal; ``y = x`` in ``predict``.

    The z of the k-th call in training are numbers of a stream given by a name, the seed of ``rng`` and k, drawn on the
    host: the same bits on every backend. ``step`` is k, counted from 0; it is saved as state, together with the stream.

    Shapes: ``x`` and ``y`` of any shape.
    Backward: ``dx = dout``.
    Raises: ``ArgumentError`` for a sigma below 0; ``DtypeError`` for an ``rng`` that is not a Generator; ``StateError``
    in a capture, whose replays would add the same numbers.
    Source: Bishop, 1995, "Training with noise is equivalent to Tikhonov regularization".

    >>> noise = GaussianNoise(sigma=0.1)
    >>> print(f"{noise.forward(np.zeros(10_000)).std():.2f} {noise.predict(np.zeros(10_000)).std():.2f}")
    0.10 0.00
    """

    holomorphic = True

    def __init__(self, sigma: float = 0.1, rng: Generator | None = None) -> None:
        super().__init__()
        if not is_number(sigma) or not 0.0 <= sigma < inf:
            raise ArgumentError(type(self).__name__, "sigma must be at least 0 and finite", repr(sigma), "try 0.1")
        self.sigma = float(sigma)
        self.draw_by(rng)

    def forward(self, x: Array) -> Array:
        if not self.training or self.sigma == 0.0:
            return x
        step = self.step_on_host()
        z = self.rng.normal(tuple(x.shape), self.stream, step, start=drawn_before(size_of(x)))
        self.step += 1
        noise = array_namespace(x).astype(backend_of(x).asarray(self.sigma * z), x.dtype)
        y: Array = x + noise
        return y

    def backward(self, dout: Array) -> Array:
        return dout
