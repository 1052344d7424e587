"""Images made larger or smaller, and channels made places."""

from __future__ import annotations

from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ShapeError
from xpnet.initializers import check_size
from xpnet.layers import checks
from xpnet.layers.adaptive_pooling import check_images
from xpnet.layers.base import Layer
from xpnet.layers.windows import PerAxis, is_listed, per_axis
from xpnet.typing import Array


class Resampling(Layer):
    """The base of layers that make images larger, by one scale for all axes or one for each."""

    shapes = {"x": "N C ..."}
    holomorphic = True

    def __init__(self, scale: PerAxis = 2) -> None:
        super().__init__()
        axes = len(scale) if is_listed(scale) and 1 <= len(scale) <= 3 else 2  # type: ignore[arg-type]
        scales = per_axis(type(self).__name__, "scale", scale, 1, axes)
        self.scale = scales if is_listed(scale) else scales[0]

    def scales(self, x: Array) -> tuple[int, ...]:
        """Return the scale of each axis of images x.

        Raises: ``ShapeError`` for other axes.
        """
        axes, scale = x.ndim - 2, self.scale
        if axes < 1 or (isinstance(scale, tuple) and len(scale) != axes):
            must = f"x must have {len(scale) if isinstance(scale, tuple) else 'one or more'} axes after N and C"
            remedy = "give such images, or a scale for each of their axes"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), remedy)
        return scale if isinstance(scale, tuple) else (scale,) * axes


class Upsampling(Resampling):
    """Larger images by repetition, ``y[n, c, i, j] = x[n, c, ⌊i / s⌋, ⌊j / s⌋]``.

    The scale s is one number for all axes of the images, or one for each.

    Shapes: ``x (N, C, ...)``, ``y`` as ``x``, each axis after C s times as long.
    Backward: ``dx = Σ dout`` over the places that repeat an element.
    Raises: ``ArgumentError`` for a scale that is no whole number from 1; ``ShapeError`` for other axes than it has.

    >>> Upsampling(2).forward(np.array([[[[1.0, 2.0]]]]))
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    """

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        for axis, s in enumerate(self.scales(x), 2):
            first, rest = x.shape[: axis + 1], x.shape[axis + 1 :]
            repeated = xp.broadcast_to(xp.reshape(x, (*first, 1, *rest)), (*first, s, *rest))
            x = xp.reshape(repeated, (*first[:-1], first[-1] * s, *rest))
        return x

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        for axis, s in enumerate(self.scales(dout), 2):
            shape = (*dout.shape[:axis], dout.shape[axis] // s, s, *dout.shape[axis + 1 :])
            dout = xp.sum(xp.reshape(dout, shape), axis=axis + 1)
        return dout


class BilinearUpsampling(Resampling):
    """Larger images by interpolation along each axis, ``y = A x Bᵀ`` with the weights of neighbours in A and B.

    Row i of A holds ``1 - t`` and ``t`` at the places before and behind ``(i + 1/2) / s - 1/2``, where t is the
    distance from the first; beyond the border stands its nearest element. With ``align_corners`` the place is
    ``i (H - 1) / (s H - 1)``, so that corners fall on corners. The product spreads a NaN along rows and columns.

    Shapes: ``x (N, C, ...)``, ``y`` as ``x``, each axis after C s times as long.
    Backward: ``dx = Aᵀ dout B``.
    Raises: ``ArgumentError`` for a scale that is no whole number from 1; ``ShapeError`` for other axes than it has,
    and for images without elements.

    >>> BilinearUpsampling(2).forward(np.array([[[0.0, 4.0]]]))
    array([[[0., 1., 3., 4.]]])
    >>> BilinearUpsampling(2, align_corners=True).forward(np.array([[[0.0, 3.0]]]))
    array([[[0., 1., 2., 3.]]])
    """

    in_float32 = True

    def __init__(self, scale: PerAxis = 2, *, align_corners: bool = False) -> None:
        super().__init__(scale)
        checks.check_flags(type(self).__name__, align_corners=align_corners)
        self.align_corners = bool(align_corners)

    def forward(self, x: Array) -> Array:
        self.shape = check_images(type(self).__name__, x)
        for axis, s in enumerate(self.scales(x), 2):
            x = times(x, self.weights(x.shape[axis], s, x), axis)
        return x

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        for axis, s in enumerate(self.scales(dout), 2):
            dout = times(dout, xp.matrix_transpose(self.weights(self.shape[axis], s, dout)), axis)
        return dout

    def weights(self, length: int, s: int, like: Array) -> Array:
        """Return the matrix of the interpolation along an axis, ``(s H, H)``."""
        xp, device = array_namespace(like), device_of(like)
        dtype = xp.real(like).dtype if dtype_kind(like) == "complex" else like.dtype
        i = xp.astype(xp.arange(s * length, device=device), dtype)
        place = i * ((length - 1) / max(s * length - 1, 1)) if self.align_corners else (i + 0.5) / s - 0.5
        place = xp.clip(place, min=0.0, max=float(length - 1))
        distance = xp.abs(place[:, None] - xp.astype(xp.arange(length, device=device), dtype)[None, :])
        return xp.astype(xp.clip(1.0 - distance, min=0.0), like.dtype)  # type: ignore[no-any-return]


class PixelShuffle(Layer):
    """Channels as places, ``y[n, c, s i + k, s j + l] = x[n, c s² + s k + l, i, j]``.

    Shapes: ``x (N, C s², H, W)``, ``y (N, C, s H, s W)``.
    Backward: ``dx`` is ``PixelUnshuffle`` of ``dout``.
    Raises: ``ArgumentError`` for a scale below 1; ``ShapeError`` for channels that s² does not divide.
    Source: Shi et al., "Real-time single image and video super-resolution", 2016, section 3.1.

    >>> PixelShuffle(2).forward(np.array([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]]))  # four channels of one place
    array([[[[1., 2.],
             [3., 4.]]]])
    """

    shapes = {"x": "N C H W"}
    holomorphic = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = checked_scale(type(self).__name__, scale)

    def forward(self, x: Array) -> Array:
        if x.shape[1] % self.scale**2:
            must = f"the channels of x must be a multiple of scale² = {self.scale**2}"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), "choose another scale")
        return shuffled(x, self.scale)

    def backward(self, dout: Array) -> Array:
        return unshuffled(dout, self.scale)


class PixelUnshuffle(Layer):
    """Places as channels, ``y[n, c s² + s k + l, i, j] = x[n, c, s i + k, s j + l]``.

    Shapes: ``x (N, C, s H, s W)``, ``y (N, C s², H, W)``.
    Backward: ``dx`` is ``PixelShuffle`` of ``dout``.
    Raises: ``ArgumentError`` for a scale below 1; ``ShapeError`` for images that s does not divide.

    >>> PixelUnshuffle(2).forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))[0, :, 0, 0]  # four channels of one place
    array([1., 2., 3., 4.])
    """

    shapes = {"x": "N C H W"}
    holomorphic = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = checked_scale(type(self).__name__, scale)

    def forward(self, x: Array) -> Array:
        if any(length % self.scale for length in x.shape[2:]):
            must = f"the rows and columns of x must be multiples of the scale, {self.scale}"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), "choose another scale")
        return unshuffled(x, self.scale)

    def backward(self, dout: Array) -> Array:
        return shuffled(dout, self.scale)


def checked_scale(who: str, scale: int) -> int:
    """Return the scale after a check that it is a positive integer."""
    check_size(who, "scale", scale)
    return int(scale)


def shuffled(x: Array, s: int) -> Array:
    """Return channels as places, ``(N, C s², H, W) -> (N, C, s H, s W)``."""
    xp, (N, C, H, W) = array_namespace(x), x.shape
    parts = xp.permute_dims(xp.reshape(x, (N, C // s**2, s, s, H, W)), (0, 1, 4, 2, 5, 3))
    return xp.reshape(parts, (N, C // s**2, s * H, s * W))  # type: ignore[no-any-return]


def unshuffled(x: Array, s: int) -> Array:
    """Return places as channels, ``(N, C, s H, s W) -> (N, C s², H, W)``."""
    xp, (N, C, H, W) = array_namespace(x), x.shape
    parts = xp.permute_dims(xp.reshape(x, (N, C, H // s, s, W // s, s)), (0, 1, 3, 5, 2, 4))
    return xp.reshape(parts, (N, C * s**2, H // s, W // s))  # type: ignore[no-any-return]


def times(x: Array, A: Array, axis: int) -> Array:
    """Return the product with a matrix along an axis, ``y[…, i, …] = Σ A[i, h] x[…, h, …]``."""
    xp = array_namespace(x, A)
    y: Array = xp.moveaxis(xp.matmul(xp.moveaxis(x, axis, -1), xp.matrix_transpose(A)), -1, axis)
    return y
