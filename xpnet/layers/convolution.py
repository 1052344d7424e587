"""The convolution of images, and its transpose."""

from __future__ import annotations

from typing import Self

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import Init, check_size, normal_weights, zeros
from xpnet.kernels.windows import Pair, Window, sum_of_cells, under_cells
from xpnet.layers.base import Layer
from xpnet.layers.windows import IntOrPair, Windowed, pair, window_of
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Filters(Windowed):
    """The base of the convolution and its transpose: the filters ``W``, ``b``, and the window in which they slide."""

    parameters = ("W", "b")
    holomorphic = True

    W: Array
    b: Array

    def __init__(
        self,
        W: Array,
        b: Array,
        stride: IntOrPair = 1,
        pad: IntOrPair = 0,
        *,
        dilation: IntOrPair = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(W, b)
        who = type(self).__name__
        check_size(who, "groups", groups)
        self.groups = int(groups)
        self.channels = self.groups * W.shape[1]
        self.window = window_of(who, W.shape[-2:], stride, pad, dilation, "each filter")
        if W.shape[0] % groups:
            first = type(self).shapes["W"][0]
            raise ArgumentError(
                who, f"groups must divide the {W.shape[0]} of {first}, W's first axis", groups, "choose a divisor"
            )
        if groups > 1:
            vars(self)["units"] = {}  # units of different groups see different channels

    def filters(self) -> Array:
        """Return the filters, one per row, ``(G, M/G, C/G FH FW)`` for G groups."""
        rows, C, FH, FW = self.W.shape
        return array_namespace(self.W).reshape(self.W, (self.groups, rows // self.groups, C * FH * FW))  # type: ignore[no-any-return]

    def bias(self) -> Array:
        """Return the bias along the channel axis of images."""
        return array_namespace(self.b).reshape(self.b, (self.b.shape[0], 1, 1))  # type: ignore[no-any-return]


def initial_filters(
    kind: type[Layer],
    channels: int,
    filters: int,
    size: IntOrPair,
    groups: int,
    init: Init,
    rng: Generator | None,
) -> Array:
    """Return initial filters of a convolution, ``W = σ z`` with σ from the ``C/groups FH FW`` values in each sum.

    Shapes: ``W (M, C/groups, FH, FW)``.
    """
    who = kind.__name__
    for name, number in (("groups", groups), ("channels", channels), ("filters", filters)):
        check_size(who, name, number)
        if number % groups:
            raise ArgumentError(who, f"groups must divide the {number} {name}", groups, "choose a divisor")
    shape = (filters, channels // groups, *pair(who, "size", size, 1))
    rng = generator_of(who, rng)
    return normal_weights(shape, init, rng, f"{rng.next_name(who)}.W")


class Convolution(Filters):
    """Convolution of images, ``y[n, m, i, j] = Σ W[m, c, k, l] x[n, c, s i + d k - p, s j + d l - p] + b[m]``.

    The stride s, the zeros p around the images (``pad``) and the distance d between the cells of a filter
    (``dilation``) are one number, or a pair for rows and columns. With several groups, each sees its share of the
    channels and computes its share of y: ``groups=C`` filters every channel separately.

    Shapes: ``x (N, C, H, W)``, ``W (M, C/groups, FH, FW)``, ``b (M,)``, ``y (N, M, OH, OW)`` with
    ``OH = ⌊(H + 2p - d (FH - 1) - 1) / s⌋ + 1``.
    Backward: ``dx = col2im(Wᵀ dout)``, ``dW = dout im2col(x)ᵀ``, ``db = Σ dout`` over all but m.
    Raises: ``ShapeError`` for other channels or images smaller than a filter; ``ArgumentError`` for wrong options.
    Source: Deep Learning from Scratch, section 7.4.3.
    """

    shapes = {"x": "N C H W", "W": "M D FH FW", "b": "M"}
    units = {"W": 0, "b": 0}

    def forward(self, x: Array) -> Array:
        self.x, places = x, self.places_in(x.shape)
        columns = im2col(x, self.window, places, self.groups)
        y: Array = as_images(self.filters() @ columns, x.shape[0], places) + self.bias()
        return y

    def backward(self, dout: Array) -> Array | None:
        xp, places = array_namespace(dout, self.x), dout.shape[-2:]
        columns = im2col(self.x, self.window, places, self.groups)
        dout_rows = as_rows(dout, self.groups)
        self.dW = xp.reshape(dout_rows @ xp.matrix_transpose(columns), self.W.shape)
        self.db = xp.sum(dout, axis=(0, 2, 3))
        if not self.needs_dx:
            return None
        return col2im(xp.matrix_transpose(self.filters()) @ dout_rows, self.x.shape, self.window, places)

    @classmethod
    def create(
        cls,
        channels: int,
        filters: int,
        size: IntOrPair,
        stride: IntOrPair = 1,
        pad: IntOrPair = 0,
        *,
        dilation: IntOrPair = 1,
        groups: int = 1,
        init: Init = "he",
        rng: Generator | None = None,
    ) -> Self:
        """Return a Convolution from C channels to M, with parameters on the current backend, ``W = σ z``, ``b = 0``.

        ``init`` is ``"he"``, ``"glorot"``, ``"lecun"`` or σ itself. ``rng`` gives each layer its own numbers.

        Raises: ``ArgumentError`` for sizes below 1, groups that do not divide or an unknown ``init``.
        """
        W = initial_filters(cls, channels, filters, size, groups, init, rng)
        return cls(W, zeros((filters,)), stride, pad, dilation=dilation, groups=groups)


class TransposedConvolution(Filters):
    """The transpose of a convolution, ``y[n, m, s i + d k - p, s j + d l - p] += W[c, m, k, l] x[n, c, i, j]``, from b.

    It maps shapes in the opposite direction of a convolution with the same options, as its backward does with ``dout``.
    ``output_pad`` makes y larger at the end of each axis, because with strides convolutions of several sizes have the
    same output size.

    Shapes: ``x (N, C, H, W)``, ``W (C, M/groups, FH, FW)``, ``b (M,)``, ``y (N, M, OH, OW)`` with
    ``OH = s (H - 1) + d (FH - 1) + 1 - 2p + output_pad``.
    Backward: ``dx`` is the convolution of ``dout``, ``dW = x im2col(dout)ᵀ``, ``db = Σ dout`` over all but m.
    Raises: ``ShapeError`` for other channels or a y without elements; ``ArgumentError`` for wrong options.
    Source: Zeiler et al., "Deconvolutional networks", 2010; Dumoulin and Visin, 2016, chapter 4.
    """

    shapes = {"x": "N C H W", "W": "C D FH FW", "b": "M"}
    units = {"W": 1, "b": 0}

    def __init__(
        self,
        W: Array,
        b: Array,
        stride: IntOrPair = 1,
        pad: IntOrPair = 0,
        *,
        output_pad: IntOrPair = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(W, b, stride, pad, dilation=dilation, groups=groups)
        self.channels = W.shape[0]
        who = type(self).__name__
        if b.shape[0] != groups * W.shape[1]:
            raise ShapeError(
                who, f"b must be ({groups * W.shape[1]},)", tuple(b.shape), "give one for each channel of y"
            )
        self.output_pad = pair(who, "output_pad", output_pad, 0)
        for extra, s, d in zip(self.output_pad, self.window.stride, self.window.dilation, strict=True):
            if extra >= max(s, d):
                must = "output_pad must be below stride or dilation"
                raise ArgumentError(who, must, f"{extra}, not below {max(s, d)}", "make it smaller")

    def size_of_y(self, x: Array) -> Pair:
        """Return the rows and columns of the output for images x, ``(OH, OW)``.

        Raises: ``ShapeError`` where none are left.
        """
        OH, OW = (
            s * (length - 1) + span - 2 * p + extra
            for length, s, span, p, extra in zip(
                x.shape[-2:], self.window.stride, self.window.span, self.window.pad, self.output_pad, strict=True
            )
        )
        if min(OH, OW) < 1:
            got = f"{(OH, OW)} from images of {tuple(x.shape[-2:])}"
            raise ShapeError(type(self).__name__, "y must have at least one element", got, "pad less")
        return OH, OW

    def forward(self, x: Array) -> Array:
        self.x = x
        columns = array_namespace(x, self.W).matrix_transpose(self.filters()) @ as_rows(x, self.groups)
        shape = (x.shape[0], self.b.shape[0], *self.size_of_y(x))
        y: Array = col2im(columns, shape, self.window, x.shape[-2:]) + self.bias()
        return y

    def backward(self, dout: Array) -> Array | None:
        xp, N, places = array_namespace(dout, self.x), self.x.shape[0], self.x.shape[-2:]
        columns = im2col(dout, self.window, places, self.groups)
        self.dW = xp.reshape(as_rows(self.x, self.groups) @ xp.matrix_transpose(columns), self.W.shape)
        self.db = xp.sum(dout, axis=(0, 2, 3))
        return as_images(self.filters() @ columns, N, places) if self.needs_dx else None

    @classmethod
    def create(
        cls,
        channels: int,
        filters: int,
        size: IntOrPair,
        stride: IntOrPair = 1,
        pad: IntOrPair = 0,
        *,
        output_pad: IntOrPair = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        init: Init = "he",
        rng: Generator | None = None,
    ) -> Self:
        """Return a TransposedConvolution from C channels to M, on the current backend, ``W = σ z``, ``b = 0``.

        ``init`` is ``"he"``, ``"glorot"``, ``"lecun"`` or σ itself. ``rng`` gives each layer its own numbers.

        Raises: ``ArgumentError`` for sizes below 1, groups that do not divide or an unknown ``init``.
        """
        W = initial_filters(cls, channels, filters, size, groups, init, rng)
        xp, (FH, FW) = array_namespace(W), W.shape[-2:]
        W = xp.reshape(W, (groups, filters // groups, channels // groups, FH, FW))
        W = xp.reshape(xp.moveaxis(W, 2, 1), (channels, filters // groups, FH, FW))
        return cls(W, zeros((filters,)), stride, pad, output_pad=output_pad, dilation=dilation, groups=groups)


def im2col(x: Array, window: Window, places: Pair, groups: int) -> Array:
    """Return the patches of images as columns, with a row for each channel and cell of the window.

    Shapes: ``x (N, C, H, W)``, result ``(G, C/G FH FW, N OH OW)`` of G groups of channels.
    """
    xp, (N, C), (FH, FW), (OH, OW) = array_namespace(x), x.shape[:2], window.size, places
    patches = xp.stack(under_cells(xp.permute_dims(x, (1, 0, 2, 3)), window, places), axis=1)
    return xp.reshape(patches, (groups, C // groups * FH * FW, N * OH * OW))  # type: ignore[no-any-return]


def col2im(columns: Array, shape: tuple[int, ...], window: Window, places: Pair) -> Array:
    """Return the transpose of ``im2col``: every column is added to the patch that it came from.

    Shapes: ``columns`` as of ``im2col``; result ``shape``, ``(N, C, H, W)``.
    """
    xp, (N, C, H, W), (FH, FW) = array_namespace(columns), shape, window.size
    patches = xp.reshape(columns, (C, FH * FW, N, *places))
    x = sum_of_cells([patches[:, k, ...] for k in range(FH * FW)], window, (H, W))
    return xp.permute_dims(x, (1, 0, 2, 3))  # type: ignore[no-any-return]


def as_rows(x: Array, groups: int) -> Array:
    """Return a channel of all images in each row, ``(N, M, OH, OW) -> (G, M/G, N OH OW)`` for G groups."""
    xp, (N, M, OH, OW) = array_namespace(x), x.shape
    return xp.reshape(xp.permute_dims(x, (1, 0, 2, 3)), (groups, M // groups, N * OH * OW))  # type: ignore[no-any-return]


def as_images(rows: Array, N: int, places: Pair) -> Array:
    """Return N images from rows that hold one channel each, ``(G, M/G, N OH OW) -> (N, M, OH, OW)``."""
    xp, (groups, channels, _) = array_namespace(rows), rows.shape
    return xp.permute_dims(xp.reshape(rows, (groups * channels, N, *places)), (1, 0, 2, 3))  # type: ignore[no-any-return]
