"""Pooling of images of one, two and three axes: one value for each place of a window."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.kernels.windows import Sizes, Window, sum_of_cells, under_cells
from xpnet.layers import checks
from xpnet.layers.windows import Pad, PerAxis, Windowed, as_given
from xpnet.typing import Array


class WindowPooling(Windowed):
    """The base of poolings with a window: its size, stride and pad."""

    shapes = {"x": "N C H W"}

    def __init__(self, pool_h: int, pool_w: int, stride: PerAxis = 2, pad: Pad = 0, *, ceil_mode: bool = False) -> None:
        super().__init__()
        who = type(self).__name__
        check_size(who, "pool_h", pool_h)
        check_size(who, "pool_w", pool_w)
        self.slide_pool((pool_h, pool_w), stride, pad, ceil_mode)

    def slide_pool(self, size: PerAxis, stride: PerAxis | None, pad: Pad, ceil_mode: bool) -> None:
        """Set the window from the options of the layer; the stride None is the size.

        Raises: ``ArgumentError`` for wrong ones.
        """
        who = type(self).__name__
        checks.check_flags(who, ceil_mode=ceil_mode)
        self.ceil_mode = bool(ceil_mode)
        self.slide(size, size if stride is None else stride, pad)
        if any(2 * max(border) > length for border, length in zip(self.window.pad, self.window.size, strict=True)):
            must = f"pad must be at most half of the window, {self.window.size}"
            remedy = "pad less: a window must not see the border alone"
            raise ArgumentError(who, must, as_given(self.window.pad), remedy)

    def window_on(self, shape: tuple[int, ...], who: str = "") -> Window:
        window = super().window_on(shape, who)
        return window.rounded_up(shape) if self.ceil_mode else window


class MaxPooling(WindowPooling):
    """Max pooling, ``y[n, c, i, j] = max x[n, c, s i + k - p, s j + l - p]`` over the cells k, l of the window.

    The first of equal values wins, a NaN wins over all others, and the border of width p (``pad``) never wins.
    ``stride`` and ``pad`` are one number, or a pair for rows and columns; ``pad="same"`` and ``pad=((1, 0), (2, 2))``
    are as in ``Convolution``. With ``ceil_mode`` OH is rounded up: a last window may begin inside the images and end
    behind them. ``Pooling`` is the book's name for it.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)`` with ``OH = ⌊(H + 2p - pool_h) / s⌋ + 1``.
    Backward: ``dx`` is ``dout`` at the cell that won, summed where windows overlap; else 0.
    Raises: ``ShapeError`` for images smaller than the window; ``ArgumentError`` for wrong options.
    Source: Deep Learning from Scratch, section 7.4.4.

    >>> pool = MaxPooling(2, 2)
    >>> pool.forward(np.array([[[[1.0, 2.0, 0.0, 0.0], [4.0, 3.0, 5.0, 0.0]]]]))
    array([[[[4., 5.]]]])
    >>> pool.backward(np.array([[[[10.0, 20.0]]]]))
    array([[[[ 0.,  0.,  0.,  0.],
             [10.,  0., 20.,  0.]]]])
    """

    def forward(self, x: Array) -> Array:
        xp, window = array_namespace(x), self.window_on(x.shape)
        places = window.places(x.shape)
        self.shape = x.shape
        y, *others = under_cells(x, window, places, border=float("-inf"))
        # In pairs: a ``max`` over short axes is a hundred times slower, and wrong for infinities in some libraries.
        counted = xp.uint8 if len(others) < 256 else xp.int32
        first = first_inside(window, places, x)
        winner = xp.zeros_like(y, dtype=counted) + xp.astype(first, counted)
        for k, other in enumerate(others, 1):
            better = (other > y) | xp.isnan(other)
            y = xp.where(better, other, y)
            winner = xp.where(better, xp.asarray(k, dtype=counted, device=device_of(x)), winner)
        self.winner = winner
        return y

    def backward(self, dout: Array) -> Array:
        xp, window = array_namespace(dout, self.winner), self.window_on(self.shape)
        zeros, cells = xp.zeros_like(dout), range(len(window.cells))
        return sum_of_cells([xp.where(self.winner == k, dout, zeros) for k in cells], window, self.shape[2:])


def first_inside(window: Window, places: Sizes, like: Array) -> Array:
    """Return the first cell of the window that is not on the border, at each place, ``(OH, OW)``."""
    xp = array_namespace(like)
    first: Any = 0
    for at, (count, s, (before, _)) in enumerate(zip(places, window.stride, window.pad, strict=True)):
        own = xp.clip(before - s * xp.arange(count, device=device_of(like)), min=0)
        first = first + along(own * prod(window.size[at + 1 :]), at, len(places))
    return first  # type: ignore[no-any-return]


def along(values: Array, at: int, axes: int) -> Array:
    """Return values ``(n,)`` in a shape that broadcasts along one of the last axes of images."""
    return array_namespace(values).reshape(values, (-1,) + (1,) * (axes - at - 1))  # type: ignore[no-any-return]


Pooling = MaxPooling


class AveragePooling(WindowPooling):
    """Average pooling, ``y[n, c, i, j] = Σ x[n, c, s i + k - p, s j + l - p] / (pool_h pool_w)`` over the cells k, l.

    The border of width p (``pad``) counts as zeros; with ``count_include_pad=False`` it does not count, and the divisor
    is the number of cells inside the images, as in Keras. ``stride``, ``pad`` and ``ceil_mode`` are as in
    ``MaxPooling``; cells behind the border of a window that was added by ``ceil_mode`` never count.

    Shapes: ``x (N, C, H, W)``, ``y (N, C, OH, OW)`` with ``OH = ⌊(H + 2p - pool_h) / s⌋ + 1``.
    Backward: ``dx`` is ``dout / (pool_h pool_w)``, summed where windows overlap.
    Raises: ``ShapeError`` for images smaller than the window; ``ArgumentError`` for wrong options.
    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.

    >>> x = np.array([[[[1.0, 2.0], [3.0, 6.0]]]])
    >>> AveragePooling(2, 2).forward(x)
    array([[[[3.]]]])
    >>> AveragePooling(2, 2, pad=1, count_include_pad=False).forward(x)  # each window sees one place of x
    array([[[[1., 2.],
             [3., 6.]]]])
    """

    holomorphic = True
    in_float32 = True

    def __init__(
        self,
        pool_h: int,
        pool_w: int,
        stride: PerAxis = 2,
        pad: Pad = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(pool_h, pool_w, stride, pad, ceil_mode=ceil_mode)
        self.count(count_include_pad)

    def count(self, count_include_pad: bool) -> None:
        """Set whether the border counts.

        Raises: ``DtypeError`` unless it is True or False.
        """
        checks.check_flags(type(self).__name__, count_include_pad=count_include_pad)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x: Array) -> Array:
        self.shape, window = x.shape, self.window_on(x.shape)
        cells = under_cells(x, window, window.places(x.shape))
        y: Array = sum(cells[1:], cells[0]) / self.counted(x, x.shape)
        return y

    def backward(self, dout: Array) -> Array:
        window = self.window_on(self.shape)
        share = dout / self.counted(dout, self.shape)
        return sum_of_cells([share] * prod(window.size), window, self.shape[2:])

    def counted(self, like: Array, shape: tuple[int, ...]) -> Any:
        """Return how many cells count at each place, a number where they are equally many, else ``(OH, OW)``."""
        each = self.counts_along_axes(shape)
        if all(len({*counts}) == 1 for counts in each):
            return prod([counts[0] for counts in each])
        xp = array_namespace(like)
        count: Any = 1
        for at, counts in enumerate(each):
            own = xp.asarray(counts, dtype=like.dtype, device=device_of(like))
            count = count * along(own, at, len(each))
        return count

    def counts_along_axes(self, shape: tuple[int, ...]) -> list[list[int]]:
        """Return how many rows, and how many columns, of a window on images of a shape count at each place."""
        window, each = self.window_on(shape), []
        for (first, end), count, (before, _), s, F in zip(
            self.limits(shape), window.places(shape), window.pad, window.stride, window.size, strict=True
        ):
            starts = [s * i - before for i in range(count)]
            each.append([min(start + F, end) - max(start, first) for start in starts])
        return each

    def limits(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return from where to before where cells count along each axis of images of a shape."""
        pad, size = self.window.same(shape).pad if self.same else self.window.pad, shape[-self.axes :]
        if not self.count_include_pad:
            return [(0, length) for length in size]
        return [(-before, length + after) for length, (before, after) in zip(size, pad, strict=True)]


class PoolingOfAxes(WindowPooling):
    """The base of poolings whose size is one option, and their stride unless it is given."""

    def __init__(self, size: PerAxis, stride: PerAxis | None = None, pad: Pad = 0, *, ceil_mode: bool = False) -> None:
        Windowed.__init__(self)
        self.slide_pool(size, stride, pad, ceil_mode)

    def constructor_options(self) -> dict[str, Any]:
        found = super().constructor_options()
        return {**found, "stride": None} if self.window.stride == self.window.size else found


class MaxPooling1D(PoolingOfAxes, MaxPooling):
    """Max pooling of sequences, ``y[n, c, i] = max x[n, c, s i + k - p]`` over the cells k of the window.

    The stride is the size unless it is given; the other options are those of ``MaxPooling``.

    Shapes: ``x (N, C, L)``, ``y (N, C, OL)``.
    Backward, Raises: as ``MaxPooling``.

    >>> MaxPooling1D(3, stride=1).forward(np.array([[[1.0, 5.0, 2.0, 3.0, 0.0]]]))
    array([[[5., 5., 3.]]])
    """

    axes = 1
    shapes = {"x": "N C L"}


class MaxPooling3D(PoolingOfAxes, MaxPooling):
    """Max pooling of volumes, ``y[n, c, h, i, j] = max x[n, c, s h + q - p, s i + k - p, s j + l - p]``.

    The stride is the size unless it is given; the other options are those of ``MaxPooling``.

    Shapes: ``x (N, C, T, H, W)``, ``y (N, C, OT, OH, OW)``.
    Backward, Raises: as ``MaxPooling``.

    >>> MaxPooling3D(2).forward(np.arange(8.0).reshape(1, 1, 2, 2, 2))
    array([[[[[7.]]]]])
    """

    axes = 3
    shapes = {"x": "N C T H W"}


class AveragePoolingOfAxes(PoolingOfAxes, AveragePooling):
    """The base of average poolings whose size is one option."""

    def __init__(
        self,
        size: PerAxis,
        stride: PerAxis | None = None,
        pad: Pad = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        PoolingOfAxes.__init__(self, size, stride, pad, ceil_mode=ceil_mode)
        self.count(count_include_pad)


class AveragePooling1D(AveragePoolingOfAxes):
    """Average pooling of sequences, ``y[n, c, i] = Σ x[n, c, s i + k - p] / size`` over the cells k of the window.

    The stride is the size unless it is given; the other options are those of ``AveragePooling``.

    Shapes: ``x (N, C, L)``, ``y (N, C, OL)``.
    Backward, Raises: as ``AveragePooling``.

    >>> AveragePooling1D(2).forward(np.array([[[1.0, 3.0, 10.0, 20.0]]]))
    array([[[ 2., 15.]]])
    """

    axes = 1
    shapes = {"x": "N C L"}


class AveragePooling3D(AveragePoolingOfAxes):
    """Average pooling of volumes, ``y[n, c, h, i, j] = Σ x[n, c, s h + q - p, s i + k - p, s j + l - p] / cells``.

    The stride is the size unless it is given; the other options are those of ``AveragePooling``.

    Shapes: ``x (N, C, T, H, W)``, ``y (N, C, OT, OH, OW)``.
    Backward, Raises: as ``AveragePooling``.

    >>> AveragePooling3D(2).forward(np.arange(8.0).reshape(1, 1, 2, 2, 2))
    array([[[[[3.5]]]]])
    """

    axes = 3
    shapes = {"x": "N C T H W"}
