"""The convolution of images of one, two and three axes."""

from __future__ import annotations

from math import prod
from typing import Self

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.initializers import Init, check_size, normal_weights
from xpnet.kernels.windows import Sizes, Window, sum_of_cells, under_cells
from xpnet.layers.affine import initial_bias
from xpnet.layers.windows import Pad, PerAxis, Windowed, per_axis
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Filters(Windowed):
    """The base of the convolution and its transpose: the filters ``W``, ``b``, and the window in which they slide."""

    parameters = ("W", "b")
    optional_parameters = ("b",)
    holomorphic = True

    W: Array
    b: Array

    def __init__(
        self,
        W: Array,
        b: Array | None = None,
        stride: PerAxis = 1,
        pad: Pad = 0,
        *,
        dilation: PerAxis = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(W, b)
        who = type(self).__name__
        check_size(who, "groups", groups)
        self.groups = int(groups)
        self.channels = self.groups * W.shape[1]
        self.slide(W.shape[2:], stride, pad, dilation, "each filter")
        if W.shape[0] % groups:
            first = type(self).shapes["W"][0]
            raise ArgumentError(
                who, f"groups must divide the {W.shape[0]} of {first}, W's first axis", groups, "choose a divisor"
            )
        if groups > 1:
            vars(self)["units"] = {}  # units of different groups see different channels

    def filters(self) -> Array:
        """Return the filters, one per row, ``(G, M/G, C/G FH FW)`` for G groups."""
        shape = self.groups, self.W.shape[0] // self.groups, prod(self.W.shape[1:])
        return array_namespace(self.W).reshape(self.W, shape)  # type: ignore[no-any-return]

    def bias(self) -> Array:
        """Return the bias along the channel axis of images, or 0."""
        if "b" not in self.parameters:
            return self.b
        return array_namespace(self.b).reshape(self.b, (-1,) + (1,) * self.axes)  # type: ignore[no-any-return]


def initial_filters(
    kind: type[Windowed],
    channels: int,
    filters: int,
    size: PerAxis,
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
    shape = (filters, channels // groups, *per_axis(who, "size", size, 1, kind.axes))
    rng = generator_of(who, rng)
    return normal_weights(shape, init, rng, f"{rng.next_name(who)}.W")


class Convolution(Filters):
    """Convolution of images, ``y[n, m, i, j] = Σ W[m, c, k, l] x[n, c, s i + d k - p, s j + d l - p] + b[m]``.

    The stride s, the zeros p around the images (``pad``) and the distance d between the cells of a filter
    (``dilation``) are one number, or a pair for rows and columns. ``pad=((1, 0), (2, 2))`` names rows above and below
    and columns before and behind. ``pad="same"`` gives ``OH = ⌈H / s⌉``: of ``(OH - 1) s + d (FH - 1) + 1 - H`` rows
    half are above, and where they are odd one more is below, as in Keras. With several groups, each sees its share of
    the channels and computes its share of y: ``groups=C`` filters every channel separately. Without a bias,
    ``Convolution(W)``, b is the number 0.

    Shapes: ``x (N, C, H, W)``, ``W (M, C/groups, FH, FW)``, ``b (M,)``, ``y (N, M, OH, OW)`` with
    ``OH = ⌊(H + 2p - d (FH - 1) - 1) / s⌋ + 1``.
    Backward: ``dx = col2im(Wᵀ dout)``, ``dW = dout im2col(x)ᵀ``, ``db = Σ dout`` over all but m.
    Raises: ``ShapeError`` for other channels or images smaller than a filter; ``ArgumentError`` for wrong options.
    Source: Deep Learning from Scratch, section 7.4.3.

    >>> edges = Convolution(np.array([[[[-1.0, 1.0]]]]))  # the difference of neighbours in a row
    >>> edges.forward(np.array([[[[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, 0.0, 5.0]]]]))
    array([[[[0., 5., 0.],
             [0., 0., 5.]]]])
    >>> Convolution.create(3, 8, 5, stride=2, pad="same")
    Convolution(W (8, 3, 5, 5), b (8,), stride=2, pad='same')
    """

    shapes = {"x": "N C H W", "W": "M D FH FW", "b": "M"}
    units = {"W": 0, "b": 0}

    def forward(self, x: Array) -> Array:
        self.x, window = x, self.window_on(x.shape)
        places = window.places(x.shape)
        columns = im2col(x, window, places, self.groups)
        y: Array = as_images(self.filters() @ columns, x.shape[0], places) + self.bias()
        return y

    def backward(self, dout: Array) -> Array | None:
        xp, window, places = array_namespace(dout, self.x), self.window_on(self.x.shape), dout.shape[2:]
        columns = im2col(self.x, window, places, self.groups)
        dout_rows = as_rows(dout, self.groups)
        self.dW = xp.reshape(dout_rows @ xp.matrix_transpose(columns), self.W.shape)
        self.db = xp.sum(dout, axis=(0, *range(2, dout.ndim)))
        if not self.needs_dx:
            return None
        return col2im(xp.matrix_transpose(self.filters()) @ dout_rows, self.x.shape, window, places)

    @classmethod
    def create(
        cls,
        channels: int,
        filters: int,
        size: PerAxis,
        stride: PerAxis = 1,
        pad: Pad = 0,
        *,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        init: Init = "he",
        rng: Generator | None = None,
    ) -> Self:
        """Return a convolution from C channels to M, with parameters on the current backend, ``W = σ z``, ``b = 0``.

        ``bias=False`` leaves b out. ``init`` is ``"he"``, ``"glorot"``, ``"lecun"`` or σ itself. ``rng`` gives each
        layer its own numbers.

        Raises: ``ArgumentError`` for sizes below 1, groups that do not divide or an unknown ``init``.
        """
        W = initial_filters(cls, channels, filters, size, groups, init, rng)
        return cls(W, initial_bias(cls.__name__, bias, filters), stride, pad, dilation=dilation, groups=groups)


class Convolution1D(Convolution):
    """Convolution of sequences, ``y[n, m, i] = Σ W[m, c, k] x[n, c, s i + d k - p] + b[m]``.

    Its options are those of ``Convolution``, for one axis: ``pad=((d * (F - 1), 0),)`` lets y see no later x.

    Shapes: ``x (N, C, L)``, ``W (M, C/groups, F)``, ``b (M,)``, ``y (N, M, OL)`` with
    ``OL = ⌊(L + 2p - d (F - 1) - 1) / s⌋ + 1``.
    Backward, Raises: as ``Convolution``.

    >>> last_two = Convolution1D(np.array([[[0.5, 0.5]]]), pad=((1, 0),))  # the mean of x[i-1] and x[i]
    >>> last_two.forward(np.array([[[2.0, 4.0, 8.0]]]))
    array([[[1., 3., 6.]]])
    """

    axes = 1
    shapes = {"x": "N C L", "W": "M D F", "b": "M"}


class Convolution3D(Convolution):
    """Convolution of volumes, ``y[n, m, h, i, j] = Σ W[m, c, q, k, l] x[n, c, s h + d q - p, …, …] + b[m]``.

    Its options are those of ``Convolution``, for three axes.

    Shapes: ``x (N, C, T, H, W)``, ``W (M, C/groups, FT, FH, FW)``, ``b (M,)``, ``y (N, M, OT, OH, OW)``.
    Backward, Raises: as ``Convolution``.

    >>> Convolution3D(np.ones((1, 1, 2, 2, 2))).forward(np.ones((1, 1, 2, 2, 3)))
    array([[[[[8., 8.]]]]])
    """

    axes = 3
    shapes = {"x": "N C T H W", "W": "M D FT FH FW", "b": "M"}


def im2col(x: Array, window: Window, places: Sizes, groups: int) -> Array:
    """Return the patches of images as columns, with a row for each channel and cell of the window.

    Shapes: ``x (N, C, H, W)``, result ``(G, C/G FH FW, N OH OW)`` of G groups of channels.
    """
    xp, (N, C) = array_namespace(x), x.shape[:2]
    patches = xp.stack(under_cells(channels_first(x), window, places), axis=1)
    return xp.reshape(patches, (groups, C // groups * prod(window.size), N * prod(places)))  # type: ignore[no-any-return]


def col2im(columns: Array, shape: tuple[int, ...], window: Window, places: Sizes) -> Array:
    """Return the transpose of ``im2col``: every column is added to the patch that it came from.

    Shapes: ``columns`` as of ``im2col``; result ``shape``, ``(N, C, H, W)``.
    """
    xp, (N, C, *size), cells = array_namespace(columns), shape, prod(window.size)
    patches = xp.reshape(columns, (C, cells, N, *places))
    return channels_first(sum_of_cells([patches[:, k, ...] for k in range(cells)], window, tuple(size)))


def channels_first(x: Array) -> Array:
    """Return images with their first two axes exchanged, ``(N, C, ...) -> (C, N, ...)``, or back."""
    return array_namespace(x).permute_dims(x, (1, 0, *range(2, x.ndim)))  # type: ignore[no-any-return]


def as_rows(x: Array, groups: int) -> Array:
    """Return a channel of all images in each row, ``(N, M, OH, OW) -> (G, M/G, N OH OW)`` for G groups."""
    N, M, *places = x.shape
    return array_namespace(x).reshape(channels_first(x), (groups, M // groups, N * prod(places)))  # type: ignore[no-any-return]


def as_images(rows: Array, N: int, places: Sizes) -> Array:
    """Return N images from rows that hold one channel each, ``(G, M/G, N OH OW) -> (N, M, OH, OW)``."""
    xp, (groups, channels, _) = array_namespace(rows), rows.shape
    return channels_first(xp.reshape(rows, (groups * channels, N, *places)))
