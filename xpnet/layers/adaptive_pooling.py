"""Pooling to a size that is given: the bins are as equal as the images allow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from math import prod
from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ShapeError
from xpnet.kernels.windows import Sizes
from xpnet.layers.base import Layer
from xpnet.layers.windows import is_listed, per_axis
from xpnet.typing import Array


class AdaptivePooling(Layer):
    """The base of poolings to a size: bin i of n covers the places from ``⌊i H / n⌋`` to before ``⌈(i + 1) H / n⌉``."""

    shapes = {"x": "N C ..."}

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        axes = len(size) if is_listed(size) and 1 <= len(size) <= 3 else 2  # type: ignore[arg-type]
        sizes = per_axis(type(self).__name__, "size", size, 1, axes)
        self.size = sizes if is_listed(size) else sizes[0]

    def bins(self, x: Array) -> Sizes:
        """Return the number of bins along each axis of images x.

        Raises: ``ShapeError`` for images without elements, or of other axes than the size has.
        """
        axes, who = x.ndim - 2, type(self).__name__
        counts = self.size if isinstance(self.size, tuple) else (self.size,) * axes
        if axes < 1 or len(counts) != axes:
            wanted = len(counts) if isinstance(self.size, tuple) else "one or more"
            must = f"x must have {wanted} axes after N and C"
            raise ShapeError(who, must, tuple(x.shape), "give such images, or a size for each of their axes")
        check_images(who, x)
        return counts


class AdaptiveAveragePooling(AdaptivePooling):
    """Average pooling to a size, ``y[n, c, i, j] = mean x[n, c, h, w]`` over the places h, w of bin i, j.

    Of n bins over H rows, bin i covers those from ``⌊i H / n⌋`` to before ``⌈(i + 1) H / n⌉``, as in torch. The size is
    one number for all axes of the images, or one for each.

    Shapes: ``x (N, C, ...)``, ``y (N, C, *size)``.
    Backward: ``dx = Σ dout / count`` over the bins that cover a place.
    Raises: ``ShapeError`` for images without elements, or of other axes than the size.

    >>> AdaptiveAveragePooling(2).forward(np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]]))  # the bins share the middle
    array([[[2., 4.]]])
    """

    holomorphic = True
    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        for axis, bins in enumerate(self.bins(x), 2):
            x = sum_of_bins(x, axis, bins) / count_of_bins(x.shape[axis], bins, axis, x)
        return x

    def backward(self, dout: Array) -> Array:
        for axis, length in enumerate(self.shape[2:], 2):
            share = dout / count_of_bins(length, dout.shape[axis], axis, dout)
            dout = sum_of_bins(share, axis, length)  # bin i covers place h where bin h of H covers place i of n
        return dout


class AdaptiveMaxPooling(AdaptivePooling):
    """Max pooling to a size, ``y[n, c, i, j] = max x[n, c, h, w]`` over the places h, w of bin i, j.

    The bins are those of ``AdaptiveAveragePooling``. The first of equal values wins, and a NaN wins over all others.

    Shapes: ``x (N, C, ...)``, ``y (N, C, *size)``.
    Backward: ``dx`` is ``dout`` at the place that won, summed where bins overlap; else 0.
    Raises: ``ShapeError`` for images without elements, or of other axes than the size.

    >>> AdaptiveMaxPooling((1, 2)).forward(np.array([[[[1.0, 9.0, 2.0, 3.0], [0.0, 4.0, 8.0, 5.0]]]]))
    array([[[[9., 8.]]]])
    """

    def forward(self, x: Array) -> Array:
        return self.largest(x, self.bins(x))

    def backward(self, dout: Array) -> Array:
        return self.to_winners(dout)

    def largest(self, x: Array, bins: Sizes) -> Array:
        """Return the maximum of each bin, along one axis after the other, and note the place that has it."""
        xp = array_namespace(x)
        self.places = self.winner = place_numbers(x)
        for axis in reversed(range(2, x.ndim)):
            cells = cells_of_bins(x.shape[axis], bins[axis - 2], axis, x)
            x, *others = [xp.take(x, places, axis=axis) for places, _ in cells]
            winner, *numbers = [xp.take(self.winner, places, axis=axis) for places, _ in cells]
            for other, number in zip(others, numbers, strict=True):
                better = (other > x) | xp.isnan(other)
                x, winner = xp.where(better, other, x), xp.where(better, number, winner)
            self.winner = winner
        return x

    def to_winners(self, dout: Array) -> Array:
        """Return for each place the sum of dout over the bins that it won."""
        xp, size, dx = array_namespace(dout, self.winner), self.places.shape[2:], 0.0
        zero = xp.zeros(1, dtype=dout.dtype, device=device_of(dout))
        each = [cells_of_bins(dout.shape[at], length, at, dout) for at, length in enumerate(size, 2)]
        for cell in product(*each):
            part, winner, inside = dout, self.winner, True
            for axis, (places, own) in enumerate(cell, 2):
                part, winner = (xp.take(array, places, axis=axis) for array in (part, winner))
                inside = own if inside is True else inside & own
            won = winner == self.places
            dx = dx + xp.where(won if inside is True else won & inside, part, zero)
        return dx  # type: ignore[return-value]


class GlobalAveragePooling(Layer):
    """The mean of every channel, ``y[n, c] = Σ x[n, c, i, j] / (H W)``.

    Shapes: ``x (N, C, H, W)``, or images of other axes ``(N, C, ...)``; ``y (N, C)``.
    Backward: ``dx = dout / (H W)`` at every element.
    Raises: ``ShapeError`` for images without elements.
    Source: Lin, Chen and Yan, "Network in network", 2013, section 3.2.

    >>> GlobalAveragePooling().forward(np.array([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 8.0]]]]))
    array([[2.5, 2. ]])
    """

    shapes = {"x": "N C ..."}
    holomorphic = True
    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.shape = check_images(type(self).__name__, x)
        return array_namespace(x).mean(x, axis=tuple(range(2, x.ndim)))  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        xp, size = array_namespace(dout), self.shape[2:]
        share = xp.reshape(dout / prod(size), dout.shape + (1,) * len(size))
        dx: Array = xp.asarray(xp.broadcast_to(share, self.shape), copy=True)
        return dx


class GlobalMaxPooling(AdaptiveMaxPooling):
    """The maximum of every channel, ``y[n, c] = max x[n, c, i, j]``.

    The first of equal values wins, and a NaN wins over all others.

    Shapes: ``x (N, C, H, W)``, or images of other axes ``(N, C, ...)``; ``y (N, C)``.
    Backward: ``dx`` is ``dout`` at the place that won, else 0.
    Raises: ``ShapeError`` for images without elements.

    >>> pool = GlobalMaxPooling()
    >>> pool.forward(np.array([[[[1.0, 2.0], [4.0, 3.0]]]]))
    array([[4.]])
    >>> pool.backward(np.array([[7.0]]))
    array([[[[0., 0.],
             [7., 0.]]]])
    """

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, x: Array) -> Array:
        return array_namespace(x).reshape(self.largest(x, self.bins(x)), x.shape[:2])  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        ones = (1,) * (self.places.ndim - 2)
        return self.to_winners(array_namespace(dout).reshape(dout, (*dout.shape, *ones)))


def check_images(who: str, x: Array) -> tuple[int, ...]:
    """Return the shape of images ``(N, C, ...)`` after a check that they have axes and elements.

    Raises: ``ShapeError``.
    """
    if x.ndim < 3:
        raise ShapeError(who, "x must have one or more axes after N and C", tuple(x.shape), "give images")
    if 0 in x.shape[2:]:
        raise ShapeError(who, "images must have elements", tuple(x.shape), "leave empty images out")
    return x.shape


def widest(length: int, bins: int) -> int:
    """Return the most places that a bin covers, of so many bins over a length."""
    return max(-(-(i + 1) * length // bins) - i * length // bins for i in range(bins))


def cells_of_bins(length: int, bins: int, axis: int, like: Array) -> list[tuple[Array, Any]]:
    """Return the k-th place of each bin for k up to the widest bin, and whether the bin has one; else it is its last.

    Shapes: places ``(bins,)``; whether they count along the axis of images, or True if all of them do.
    """
    xp, device = array_namespace(like), device_of(like)
    i = xp.arange(bins, device=device)
    first, last = i * length // bins, ((i + 1) * length + bins - 1) // bins - 1
    found: list[tuple[Array, Any]] = []
    for k in range(widest(length, bins)):
        inside = True if length % bins == 0 else xp.reshape(first + k <= last, (-1,) + (1,) * (like.ndim - axis - 1))
        found.append((first + k if inside is True else xp.minimum(first + k, last), inside))
    return found


def sum_of_bins(x: Array, axis: int, bins: int) -> Array:
    """Return the sum over each bin along an axis."""
    xp, parts = array_namespace(x), []
    zero = xp.zeros(1, dtype=x.dtype, device=device_of(x))
    for places, inside in cells_of_bins(x.shape[axis], bins, axis, x):
        part = xp.take(x, places, axis=axis)
        parts.append(part if inside is True else xp.where(inside, part, zero))
    return reduce(lambda one, other: one + other, parts)  # type: ignore[no-any-return]


def count_of_bins(length: int, bins: int, axis: int, like: Array) -> Any:
    """Return the number of places that each bin covers, a number where they are equally many, else along the axis."""
    if length % bins == 0:
        return length // bins
    counts = [-(-(i + 1) * length // bins) - i * length // bins for i in range(bins)]
    xp = array_namespace(like)
    values = xp.asarray(counts, dtype=like.dtype, device=device_of(like))
    along: Array = xp.reshape(values, (-1,) + (1,) * (like.ndim - axis - 1))
    return along


def place_numbers(x: Array) -> Array:
    """Return the number of each place of images, row by row, ``(1, 1, H, W)``."""
    xp, size = array_namespace(x), x.shape[2:]
    return xp.reshape(xp.arange(prod(size), device=device_of(x)), (1, 1, *size))  # type: ignore[no-any-return]
