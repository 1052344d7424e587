"""Augmentation of images: random flips, shifts, rotations and mixtures, by named streams, the same on every backend.

Each function makes one that takes a batch ``x (N, C, H, W), t`` and a source of uniform numbers, ``draw(name, shape)``,
and returns the batch to train on; ``Trainer(…, augment=[flip(), crop(4)])`` calls them in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_kind
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size
from xpnet.layers.checks import is_number
from xpnet.random import Floats
from xpnet.typing import Array

__all__ = ["crop", "cutmix", "flip", "mixup", "rotate"]

Draw: TypeAlias = Callable[[str, tuple[int, ...]], Floats]
Augmentation: TypeAlias = Callable[[Array, Array, Draw], tuple[Array, Array]]


def flip() -> Augmentation:
    """Return an augmentation that mirrors each image with probability ½, ``x[n, c, h, W - 1 - w]``.

    >>> x, t = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([7])
    >>> flip()(x, t, lambda name, shape: np.zeros(shape))[0]  # zeros in place of random numbers: it flips
    array([[[[3., 2., 1.]]]])
    """

    def flipped(x: Array, t: Array, draw: Draw) -> tuple[Array, Array]:
        count, *_ = images("flip", x)
        xp = array_namespace(x)
        chosen = backend_of(x).asarray(draw("flip", (count,)) < 0.5)
        return xp.where(xp.reshape(chosen, (-1, 1, 1, 1)), xp.flip(x, axis=3), x), t

    return flipped


def crop(pad: int = 4) -> Augmentation:
    """Return an augmentation that shifts each image by up to ``pad`` pixels in each direction, filled with 0.

    Raises: ``ArgumentError`` for a pad below 1.

    >>> x, t = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([7])
    >>> crop(pad=1)(x, t, lambda name, shape: np.full(shape, [0.5, 0.0]))[0]  # to the right by one
    array([[[[0., 1., 2.]]]])
    """
    check_size("crop", "pad", pad)

    def cropped(x: Array, t: Array, draw: Draw) -> tuple[Array, Array]:
        count, _, height, width = images("crop", x)
        moves = np.floor((2 * pad + 1) * draw("crop", (count, 2))) - pad
        rows = np.arange(height)[None, :, None] + moves[:, 0, None, None]
        columns = np.arange(width)[None, None, :] + moves[:, 1, None, None]
        rows, columns = np.broadcast_arrays(rows, columns)
        return gathered(x, rows.astype(np.int64), columns.astype(np.int64)), t

    return cropped


def rotate(degrees: float = 15.0) -> Augmentation:
    """Return an augmentation that rotates each image about its centre by at most ``degrees``, bilinear, filled with 0.

    Raises: ``ArgumentError`` unless ``0 < degrees <= 180``.

    >>> x, t = np.array([[[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]]), np.array([7])
    >>> rotate(90.0)(x, t, lambda name, shape: np.ones(shape))[0].round(1)
    array([[[[0., 1., 0.],
             [0., 1., 0.],
             [0., 0., 0.]]]])
    """
    if not is_number(degrees) or not 0.0 < degrees <= 180.0:
        raise ArgumentError("rotate", "degrees must be above 0 and at most 180", repr(degrees), "try 15")

    def rotated(x: Array, t: Array, draw: Draw) -> tuple[Array, Array]:
        count, _, height, width = images("rotate", x)
        angles = np.deg2rad(degrees) * (2.0 * draw("rotate", (count,)) - 1.0)
        cos, sin = (f(angles)[:, None, None] for f in (np.cos, np.sin))
        h = (np.arange(height) - (height - 1) / 2)[None, :, None]
        w = (np.arange(width) - (width - 1) / 2)[None, None, :]
        rows, columns = cos * h - sin * w + (height - 1) / 2, sin * h + cos * w + (width - 1) / 2
        top, left = np.floor(rows), np.floor(columns)
        xp, backend, total = array_namespace(x), backend_of(x), None
        for down in (0, 1):
            for right in (0, 1):
                share = np.abs(1 - down - (rows - top)) * np.abs(1 - right - (columns - left))
                part = gathered(x, (top + down).astype(np.int64), (left + right).astype(np.int64))
                weighted = part * xp.reshape(backend.asarray(share), (count, 1, height, width))
                total = weighted if total is None else total + weighted
        assert total is not None  # noqa: S101 (for the type checker)
        return total, t

    return rotated


def mixup(classes: int) -> Augmentation:
    """Return an augmentation that mixes images and labels in pairs, ``λ x + (1 - λ) x'``, with λ uniform from ½ to 1.

    Source: Zhang et al., 2018, "mixup: beyond empirical risk minimization", with α = 1.
    Raises: ``ArgumentError`` for fewer than one class.

    >>> x, t = np.array([[1.0], [3.0]]), np.array([0, 1])
    >>> mixup(classes=2)(x, t, lambda name, shape: Generator(2).uniform(shape, name))
    (array([[1.7655],
           [2.2345]]), array([[0.6173, 0.3827],
           [0.3827, 0.6173]]))
    """
    check_size("mixup", "classes", classes)

    def mixed(x: Array, t: Array, draw: Draw) -> tuple[Array, Array]:
        share = float(0.5 + 0.5 * draw("mixup share", (1,))[0])
        others = partners(x, draw("mixup order", (x.shape[0],)))
        xp, s = array_namespace(x), shares(x, t, classes)
        return share * x + (1.0 - share) * xp.take(x, others, axis=0), share * s + (1.0 - share) * xp.take(
            s, others, axis=0
        )

    return mixed


def cutmix(classes: int) -> Augmentation:
    """Return an augmentation that copies a box from another image, and mixes labels by its share of pixels, at most ½.

    Source: Yun et al., 2019, "CutMix: regularization strategy to train strong classifiers".
    Raises: ``ArgumentError`` for fewer than one class.

    >>> x, t = np.array([[[[1.0, 1.0, 1.0, 1.0]]], [[[5.0, 5.0, 5.0, 5.0]]]]), np.array([0, 1])
    >>> mixed, shares = cutmix(classes=2)(x, t, lambda name, shape: Generator(3).uniform(shape, name))
    >>> mixed[0], shares[0]  # the share of a class is that of its pixels
    (array([[[1., 5., 5., 1.]]]), array([0.5, 0.5]))
    """
    check_size("cutmix", "classes", classes)

    def cut(x: Array, t: Array, draw: Draw) -> tuple[Array, Array]:
        _, _, height, width = images("cutmix", x)
        u = draw("cutmix box", (3,))
        side = np.sqrt(0.5 * u[0])
        high, wide = (round(float(side) * length) for length in (height, width))
        top, left = int(u[1] * (height - high + 1)), int(u[2] * (width - wide + 1))
        inside = np.zeros((1, 1, height, width), dtype=bool)
        inside[:, :, top : top + high, left : left + wide] = True
        share = 1.0 - high * wide / (height * width)
        others = partners(x, draw("cutmix order", (x.shape[0],)))
        xp, s = array_namespace(x), shares(x, t, classes)
        mixed = xp.where(backend_of(x).asarray(inside), xp.take(x, others, axis=0), x)
        return mixed, share * s + (1.0 - share) * xp.take(s, others, axis=0)

    return cut


def images(who: str, x: Array) -> tuple[int, int, int, int]:
    """Return the sizes of a batch of images.

    Raises: ``ShapeError``.
    """
    if x.ndim != 4:
        must, remedy = "x must be images (N, C, H, W)", "leave it out of augment for other data"
        raise ShapeError(who, must, tuple(x.shape), remedy)
    count, channels, height, width = x.shape
    return count, channels, height, width


def gathered(x: Array, rows: Any, columns: Any) -> Array:
    """Return the pixels at rows and columns on the host, ``(N, H, W)`` for each image, and 0 outside of it."""
    count, channels, height, width = images("augment", x)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = np.where(inside, rows * width + columns, 0).reshape(count, 1, height * width)
    xp, backend = array_namespace(x), backend_of(x)
    everywhere = xp.broadcast_to(backend.asarray(places), (count, channels, height * width))
    flat = xp.take_along_axis(xp.reshape(x, (count, channels, height * width)), everywhere, axis=2)
    kept = xp.reshape(backend.asarray(inside), (count, 1, height, width))
    pixels = xp.reshape(flat, (count, channels, height, width))
    return xp.where(kept, pixels, xp.zeros_like(pixels))  # type: ignore[no-any-return]


def partners(x: Array, u: Floats) -> Array:
    """Return a permutation of the rows as indices, in the order of uniform numbers."""
    return backend_of(x).asarray(np.argsort(u, kind="stable"))


def shares(x: Array, t: Array, classes: int) -> Array:
    """Return class indices as one-hot shares in the dtype of x, and shares unchanged."""
    if dtype_kind(t) == "real":
        return t
    xp = array_namespace(x, t)
    places = backend_of(x).asarray(np.arange(classes))
    return xp.astype(xp.reshape(xp.astype(t, places.dtype), (-1, 1)) == places, x.dtype)  # type: ignore[no-any-return]
