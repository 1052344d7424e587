"""Dropout: noise against overfitting."""

from __future__ import annotations

from collections.abc import Sequence

from xpnet import kernels
from xpnet.arguments import is_whole
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.checks import is_number
from xpnet.layers.drawn import Drawn
from xpnet.random import Generator
from xpnet.typing import Array


class Dropout(Drawn):
    """Dropout, ``y = x m / (1 - p)`` with each m 0 with probability p, else 1; ``y = x`` in ``predict``.

    p is ``dropout_ratio``. The m of the k-th call in training are numbers of a stream given by a name, the
    seed of ``rng`` and k: the same bits on every backend. ``step`` is k, counted from 0; it is saved and restored as
    state, together with the stream.

    With ``axes``, there is one m for each index of these axes, and it is the same along all others: ``axes=(0, 1)``
    drops whole channels of images, ``axes=(0, 2)`` the same features at all steps of a sequence.

    Shapes: ``x`` and ``y`` of any shape.
    Backward: ``dx = dout m / (1 - p)``.
    Raises: ``ArgumentError`` for a ratio outside 0 ≤ p < 1, or axes without that of the rows; ``ShapeError`` for an x
    that lacks one of the axes; ``DtypeError`` for an ``rng`` that is not a Generator.
    Source: Srivastava et al., 2014; Tompson et al., 2015, section 3.2 (channels); Deep Learning from Scratch, section
    6.4.3, which scales in ``predict`` instead.

    >>> dropout = Dropout(0.5)
    >>> dropout.forward(np.ones((2, 4)))  # what is left counts twice
    array([[0., 2., 2., 2.],
           [0., 2., 0., 2.]])
    >>> dropout.predict(np.ones((2, 4)))
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.]])
    """

    holomorphic = True

    mask: Array | None

    def __init__(
        self, dropout_ratio: float = 0.5, rng: Generator | None = None, *, axes: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if not is_number(dropout_ratio) or not 0.0 <= dropout_ratio < 1.0:
            must = "dropout_ratio must be from 0 to below 1"
            raise ArgumentError(who, must, repr(dropout_ratio), "it is the share that is dropped: try 0.5")
        self.dropout_ratio = float(dropout_ratio)
        if axes is not None and not (axes and 0 in axes and all(is_whole(axis, 0) for axis in axes)):
            must = "axes must be whole numbers from 0, that of the rows, on"
            raise ArgumentError(who, must, repr(axes), "for channels write axes=(0, 1)")
        self.axes = None if axes is None else tuple(map(int, axes))
        self.draw_by(rng)

    def forward(self, x: Array) -> Array:
        if not self.training or self.dropout_ratio == 0.0:
            self.mask = None
            return x
        like = x if self.axes is None else self.one_along_others(x, self.axes)
        self.mask = kernels.dropout_mask(like, self.rng, self.stream, self.step_of(x), 1.0 - self.dropout_ratio)
        self.step += 1
        return x * self.mask

    def backward(self, dout: Array) -> Array:
        return dout if self.mask is None else dout * self.mask

    def one_along_others(self, x: Array, axes: tuple[int, ...]) -> Array:
        """Return x with the first index alone of all axes but these, an array of the shape of the mask."""
        if max(axes) >= x.ndim:
            must = f"x must have axis {max(axes)}"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), "leave the axis out")
        part: Array = x[tuple(slice(None) if axis in axes else slice(0, 1) for axis in range(x.ndim))]
        return part


class StochasticDepth(Dropout):
    """Dropout of whole rows, ``y = x m / (1 - p)`` with one m for each row; ``y = x`` in ``predict``.

    At the end of the layers of a ``Residual`` it leaves them out for some rows, ``Residual(…, StochasticDepth(0.1))``.
    It draws as ``Dropout``, and p is ``dropout_ratio``.

    Shapes: ``x`` and ``y (N, ...)``.
    Backward: ``dx = dout m / (1 - p)``.
    Raises: as ``Dropout``.
    Source: Huang et al., 2016, section 3.

    >>> StochasticDepth(0.5).forward(np.ones((4, 2)))
    array([[2., 2.],
           [0., 0.],
           [0., 0.],
           [2., 2.]])
    """

    def __init__(self, dropout_ratio: float = 0.1, rng: Generator | None = None) -> None:
        super().__init__(dropout_ratio, rng, axes=(0,))
