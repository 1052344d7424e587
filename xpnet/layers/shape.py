"""Layers that move values without computing."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from numbers import Integral
from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Flatten(Layer):
    """One row per sample, ``y[n] = x[n]`` with its axes laid out in one.

    Shapes: ``x (N, ...)``, ``y (N, D)``.
    Backward: ``dx = dout`` in the shape of ``x``.

    >>> flatten = Flatten()
    >>> flatten.forward(np.arange(8.0).reshape(2, 2, 2))
    array([[0., 1., 2., 3.],
           [4., 5., 6., 7.]])
    >>> flatten.backward(np.zeros((2, 4))).shape
    (2, 2, 2)
    """

    shapes = {"x": "N ..."}
    holomorphic = True

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        y: Array = array_namespace(x).reshape(x, (x.shape[0], prod(x.shape[1:])))
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = array_namespace(dout).reshape(dout, self.shape)
        return dx


class Reshape(Layer):
    """Each sample in another shape, ``y[n] = x[n]`` with its values in order.

    ``sample_shape`` is without the batch; one size may be -1: whatever is left.

    Shapes: ``x (N, ...)``, ``y (N, *sample_shape)``.
    Backward: ``dx = dout`` in the shape of ``x``.
    Raises: ``ArgumentError`` for sizes that are not a shape; ``ShapeError`` if the values of a sample do not fill it.

    >>> Reshape(2, -1).forward(np.arange(6.0).reshape(1, 6))
    array([[[0., 1., 2.],
            [3., 4., 5.]]])
    """

    shapes = {"x": "N ..."}
    holomorphic = True

    def __init__(self, *sample_shape: Any) -> None:
        super().__init__()
        first = sample_shape[0] if len(sample_shape) == 1 else None
        sizes = first if isinstance(first, tuple | list) else sample_shape
        if (
            not whole_numbers(sizes)
            or min(sizes, default=1) < -1
            or 0 in sizes
            or sum(size == -1 for size in sizes) > 1
        ):
            must = "shape must be sizes from 1, one of which may be -1"
            raise ArgumentError(type(self).__name__, must, sizes, "give the shape of one sample")
        self.sample_shape: tuple[int, ...] = tuple(map(int, sizes))

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        values, known = prod(x.shape[1:]), prod(size for size in self.sample_shape if size != -1)
        sizes = tuple(values // known if size == -1 else size for size in self.sample_shape)
        if prod(sizes) != values:
            must = f"a sample must fill {self.sample_shape}"
            raise ShapeError(type(self).__name__, must, x.shape[1:], f"give it {known} values, or a multiple for -1")
        y: Array = array_namespace(x).reshape(x, (x.shape[0], *sizes))
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = array_namespace(dout).reshape(dout, self.shape)
        return dx


class Transpose(Layer):
    """Axes in another order, ``y[i, j, …] = x`` at the indices that ``axes`` names, as ``permute_dims``.

    ``axes`` names every axis of x, the batch too: ``Transpose(0, 2, 3, 1)`` puts the channels of images last.

    Backward: ``dx = dout`` with the axes back in their order.
    Raises: ``ArgumentError`` unless they are an order of all axes; ``ShapeError`` for an x with another number of axes.

    >>> Transpose(0, 2, 1).forward(np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    array([[[1., 4.],
            [2., 5.],
            [3., 6.]]])
    """

    holomorphic = True

    def __init__(self, *axes: Any) -> None:
        super().__init__()
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes
        if not order or not whole_numbers(order) or sorted(order) != list(range(len(order))):
            must = "axes must be the numbers of all axes, each once"
            raise ArgumentError(type(self).__name__, must, order, "for images write 0, 2, 3, 1")
        self.axes: tuple[int, ...] = tuple(map(int, order))

    def forward(self, x: Array) -> Array:
        if x.ndim != len(self.axes):
            must, remedy = f"x must have {len(self.axes)} axes", "name every axis, the batch too"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), remedy)
        y: Array = array_namespace(x).permute_dims(x, self.axes)
        return y

    def backward(self, dout: Array) -> Array:
        back = tuple(self.axes.index(axis) for axis in range(len(self.axes)))
        dx: Array = array_namespace(dout).permute_dims(dout, back)
        return dx


def whole_numbers(numbers: Iterable[Any]) -> bool:
    """Return whether all are integers of Python or NumPy."""
    return all(isinstance(number, Integral) and not isinstance(number, bool) for number in numbers)
