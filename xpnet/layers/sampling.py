"""A normal sample, with gradients by its mean and its spread."""

from __future__ import annotations

from xpnet.backend import array_namespace, backend_of, size_of
from xpnet.errors import ShapeError
from xpnet.layers.drawn import Drawn
from xpnet.random import Generator, drawn_before
from xpnet.typing import Array


class Sampling(Drawn):
    """A draw from a normal distribution, ``y = μ + e^(s/2) z`` with ``x = (μ, s)`` and z normal; μ in ``predict``.

    s is the logarithm of the variance. The z of the k-th call in training are numbers of a stream given by a name, the
    seed of ``rng`` and k, drawn on the host: the same bits on every backend. ``step`` is k, counted from 0.

    Shapes: ``x (N, 2Z)``, ``y (N, Z)``.
    Backward: ``dμ = dout``, ``ds = dout e^(s/2) z / 2``.
    Raises: ``ShapeError`` for an odd number of columns; ``DtypeError`` for an ``rng`` that is not a Generator;
    ``StateError`` in a capture, whose replays would draw the same numbers.
    Source: Kingma and Welling, 2014, "Auto-encoding variational Bayes", section 2.4.

    >>> sampling = Sampling()
    >>> code = np.array([[5.0, np.log(4.0)]] * 10_000)  # mean 5, variance 4
    >>> y = sampling.forward(code)
    >>> print(f"{y.mean():.0f} {y.var():.0f} {sampling.predict(code).var():.0f}")
    5 4 0
    """

    shapes = {"x": "N M"}
    in_float32 = True

    spread: Array | None

    def __init__(self, rng: Generator | None = None) -> None:
        super().__init__()
        self.draw_by(rng)

    def forward(self, x: Array) -> Array:
        N, columns = x.shape
        if columns % 2:
            must = "x must have as many columns for s as for μ"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), "let the layer before give an even number")
        mean, s = x[:, : columns // 2], x[:, columns // 2 :]
        self.spread = None
        if not self.training:
            return mean
        step, xp = self.step_on_host(), array_namespace(x)
        z = self.rng.normal((N, columns // 2), self.stream, step, start=drawn_before(size_of(mean)))
        self.step += 1
        self.spread = xp.exp(0.5 * s) * xp.astype(backend_of(x).asarray(z), x.dtype)
        return mean + self.spread

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        ds = xp.zeros_like(dout) if self.spread is None else 0.5 * dout * self.spread
        dx: Array = xp.concat([dout, ds], axis=1)
        return dx
