"""Dropout: noise against overfitting."""

from __future__ import annotations

from xpnet import kernels
from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.drawn import Drawn
from xpnet.random import Generator
from xpnet.typing import Array


class Dropout(Drawn):
    """Dropout, ``y = x m / (1 - p)`` with each m 0 with probability p, else 1; ``y = x`` in ``predict``.

    p is ``dropout_ratio``. The m of the k-th call in training are numbers of a stream given by a name, the
    seed of ``rng`` and k: the same bits on every backend. ``step`` is k, counted from 0; it is saved and restored as
    state, together with the stream.

    Shapes: ``x`` and ``y`` of any shape.
    Backward: ``dx = dout m / (1 - p)``.
    Raises: ``ArgumentError`` for a ratio outside 0 ≤ p < 1; ``DtypeError`` for an ``rng`` that is not a Generator.
    Source: Srivastava et al., 2014; Deep Learning from Scratch, section 6.4.3, which scales in ``predict`` instead.
    """

    holomorphic = True

    mask: Array | None

    def __init__(self, dropout_ratio: float = 0.5, rng: Generator | None = None) -> None:
        super().__init__()
        who = type(self).__name__
        if not is_number(dropout_ratio) or not 0.0 <= dropout_ratio < 1.0:
            must = "dropout_ratio must be from 0 to below 1"
            raise ArgumentError(who, must, repr(dropout_ratio), "it is the share that is dropped: try 0.5")
        self.dropout_ratio = float(dropout_ratio)
        self.draw_by(rng)

    def forward(self, x: Array) -> Array:
        if not self.training or self.dropout_ratio == 0.0:
            self.mask = None
            return x
        self.mask = kernels.dropout_mask(x, self.rng, self.stream, self.step_of(x), 1.0 - self.dropout_ratio)
        self.step += 1
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        return dout if self.mask is None else dout * self.mask
