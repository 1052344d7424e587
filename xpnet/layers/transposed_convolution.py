"""The transposed convolution of images of one, two and three axes."""

from __future__ import annotations

from typing import Self

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import Init
from xpnet.kernels.windows import Sizes
from xpnet.layers.affine import initial_bias
from xpnet.layers.convolution import Filters, as_images, as_rows, col2im, im2col, initial_filters
from xpnet.layers.windows import Pad, PerAxis, per_axis
from xpnet.random import Generator
from xpnet.typing import Array


class TransposedConvolution(Filters):
    """The transpose of a convolution, ``y[n, m, s i + d k - p, s j + d l - p] += W[c, m, k, l] x[n, c, i, j]``, from b.

    It maps shapes in the opposite direction of a convolution with the same options, as its backward does with ``dout``;
    ``pad="same"`` gives ``OH = s H``. ``output_pad`` makes y larger at the end of each axis, because with strides
    convolutions of several sizes have the same output size.

    Shapes: ``x (N, C, H, W)``, ``W (C, M/groups, FH, FW)``, ``b (M,)``, ``y (N, M, OH, OW)`` with
    ``OH = s (H - 1) + d (FH - 1) + 1 - 2p + output_pad``.
    Backward: ``dx`` is the convolution of ``dout``, ``dW = x im2col(dout)ᵀ``, ``db = Σ dout`` over all but m.
    Raises: ``ShapeError`` for other channels or a y without elements; ``ArgumentError`` for wrong options.
    Source: Zeiler et al., "Deconvolutional networks", 2010; Dumoulin and Visin, 2016, chapter 4.

    >>> stamp = TransposedConvolution(np.array([[[[1.0, 2.0]]]]), stride=2)  # x times the filter, every two places
    >>> stamp.forward(np.array([[[[3.0, 5.0]]]]))
    array([[[[ 3.,  6.,  5., 10.]]]])
    """

    shapes = {"x": "N C H W", "W": "C D FH FW", "b": "M"}
    units = {"W": 1, "b": 0}

    def __init__(
        self,
        W: Array,
        b: Array | None = None,
        stride: PerAxis = 1,
        pad: Pad = 0,
        *,
        output_pad: PerAxis = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(W, b, stride, pad, dilation=dilation, groups=groups)
        self.channels = W.shape[0]
        self.filters_of_y = groups * W.shape[1]
        who = type(self).__name__
        if b is not None and b.shape[0] != self.filters_of_y:
            must = f"b must be ({self.filters_of_y},)"
            raise ShapeError(who, must, tuple(b.shape), "give one for each channel of y")
        self.output_pad = per_axis(who, "output_pad", output_pad, 0, self.axes)
        for extra, s, d in zip(self.output_pad, self.window.stride, self.window.dilation, strict=True):
            if extra >= max(s, d):
                must = "output_pad must be below stride or dilation"
                raise ArgumentError(who, must, f"{extra}, not below {max(s, d)}", "make it smaller")
            if extra and self.same:
                must = 'output_pad must be 0 where pad is "same"'
                raise ArgumentError(who, must, extra, "leave it out: y is as large as x times the stride")

    def size_of_y(self, x: Array) -> Sizes:
        """Return the rows and columns of the output for images x, ``(OH, OW)``.

        Raises: ``ShapeError`` where none are left.
        """
        size, window = x.shape[2:], self.window
        if self.same:
            return tuple([s * length for length, s in zip(size, window.stride, strict=True)])
        found = tuple(
            [
                s * (length - 1) + span - sum(pad) + extra
                for length, s, span, pad, extra in zip(
                    size, window.stride, window.span, window.pad, self.output_pad, strict=True
                )
            ]
        )
        if min(found) < 1:
            got = f"{found} from images of {tuple(size)}"
            raise ShapeError(type(self).__name__, "y must have at least one element", got, "pad less")
        return found

    def forward(self, x: Array) -> Array:
        self.x = x
        columns = array_namespace(x, self.W).matrix_transpose(self.filters()) @ as_rows(x, self.groups)
        shape = (x.shape[0], self.filters_of_y, *self.size_of_y(x))
        y: Array = col2im(columns, shape, self.window_on(shape), x.shape[2:]) + self.bias()
        return y

    def backward(self, dout: Array) -> Array | None:
        xp, (N, _, *places) = array_namespace(dout, self.x), self.x.shape
        columns = im2col(dout, self.window_on(dout.shape), tuple(places), self.groups)
        self.dW = xp.reshape(as_rows(self.x, self.groups) @ xp.matrix_transpose(columns), self.W.shape)
        self.db = xp.sum(dout, axis=(0, *range(2, dout.ndim)))
        return as_images(self.filters() @ columns, N, tuple(places)) if self.needs_dx else None

    @classmethod
    def create(
        cls,
        channels: int,
        filters: int,
        size: PerAxis,
        stride: PerAxis = 1,
        pad: Pad = 0,
        *,
        output_pad: PerAxis = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        init: Init = "he",
        rng: Generator | None = None,
    ) -> Self:
        """Return a transposed convolution from C channels to M, on the current backend, ``W = σ z``, ``b = 0``.

        ``bias=False`` leaves b out. ``init`` is ``"he"``, ``"glorot"``, ``"lecun"`` or σ itself. ``rng`` gives each
        layer its own numbers.

        Raises: ``ArgumentError`` for sizes below 1, groups that do not divide or an unknown ``init``.
        """
        W = initial_filters(cls, channels, filters, size, groups, init, rng)
        xp, cells = array_namespace(W), W.shape[2:]
        W = xp.reshape(W, (groups, filters // groups, channels // groups, *cells))
        W = xp.reshape(xp.moveaxis(W, 2, 1), (channels, filters // groups, *cells))
        b = initial_bias(cls.__name__, bias, filters)
        return cls(W, b, stride, pad, output_pad=output_pad, dilation=dilation, groups=groups)


class TransposedConvolution1D(TransposedConvolution):
    """The transpose of a convolution of sequences, ``y[n, m, s i + d k - p] += W[c, m, k] x[n, c, i]``, from b.

    Shapes: ``x (N, C, L)``, ``W (C, M/groups, F)``, ``b (M,)``, ``y (N, M, OL)``.
    Backward, Raises: as ``TransposedConvolution``.

    >>> TransposedConvolution1D(np.array([[[1.0, 1.0, 1.0]]]), stride=2).forward(np.array([[[1.0, 10.0]]]))
    array([[[ 1.,  1., 11., 10., 10.]]])
    """

    axes = 1
    shapes = {"x": "N C L", "W": "C D F", "b": "M"}


class TransposedConvolution3D(TransposedConvolution):
    """The transpose of a convolution of volumes, ``y[n, m, s h + d q - p, …, …] += W[c, m, q, k, l] x[n, c, h, i, j]``.

    Shapes: ``x (N, C, T, H, W)``, ``W (C, M/groups, FT, FH, FW)``, ``b (M,)``, ``y (N, M, OT, OH, OW)``.
    Backward, Raises: as ``TransposedConvolution``.

    >>> twice = TransposedConvolution3D(np.ones((1, 1, 2, 2, 2)), stride=2)
    >>> twice.forward(np.array([[[[[1.0, 10.0]]]]]))[0, 0, 0]  # the first of two pictures
    array([[ 1.,  1., 10., 10.],
           [ 1.,  1., 10., 10.]])
    """

    axes = 3
    shapes = {"x": "N C T H W", "W": "C D FT FH FW", "b": "M"}
