"""U-Net: a class for every pixel."""

from __future__ import annotations

from typing import Any

from xpnet.initializers import check_size
from xpnet.layers import (
    BatchNormalization,
    Concat,
    Convolution,
    Identity,
    Layer,
    MaxPooling,
    Relu,
    SoftmaxWithLoss,
    Transpose,
    TransposedConvolution,
)
from xpnet.networks.conv_nets import MEMORY_ROWS
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of


class UNet(Sequential):
    """A class for every pixel, ``levelₖ(x) = conv²(concat(h, up(levelₖ₊₁(pool(h)))))`` with ``h = conv²(x)``.

    Each of ``depth`` levels halves height and width by max pooling, doubles the channels, which begin with ``width``,
    and goes back by a transposed convolution. The scores of the classes are last, as ``SoftmaxWithLoss`` takes them.

    Shapes: ``x (N, C, H, W)`` with C ``channels``, H and W multiples of 2 to the ``depth``; ``y (N, H, W, K)`` with K
    ``output_size``; ``t (N, H, W)`` classes.
    Raises: ``ArgumentError`` for sizes below 1; ``ShapeError`` for images that cannot be halved so often.
    Source: Ronneberger, Fischer and Brox, 2015, figure 1, with padding and batch normalization.

    >>> net = UNet(channels=1, output_size=2, width=2, depth=2)
    >>> x, t = np.zeros((1, 1, 4, 8), dtype="float32"), np.zeros((1, 4, 8), dtype="int64")
    >>> net.predict(x).argmax(axis=3).shape  # a class for every pixel
    (1, 4, 8)
    """

    def __init__(
        self, channels: int = 1, output_size: int = 2, width: int = 16, depth: int = 3, rng: Generator | None = None
    ) -> None:
        who = type(self).__name__
        for name, size in (("channels", channels), ("output_size", output_size), ("width", width), ("depth", depth)):
            check_size(who, name, size)
        rng = generator_of(who, rng)
        scores = Convolution.create(width, output_size, 1, rng=rng)
        super().__init__(*level(channels, width, depth, rng), scores, Transpose(0, 2, 3, 1), loss=SoftmaxWithLoss())

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


def level(before: int, width: int, depth: int, rng: Generator) -> list[Layer]:
    """Return two convolutions, the coarser levels beside what they begin with, and two convolutions of both."""
    if depth == 0:
        return twice(before, width, rng)
    down = twice(before, width, rng)
    coarser = level(width, 2 * width, depth - 1, rng)
    up = TransposedConvolution.create(2 * width, width, 2, stride=2, rng=rng)
    return [*down, Concat([Identity()], [MaxPooling(2, 2), *coarser, up]), *twice(2 * width, width, rng)]


def twice(before: int, after: int, rng: Generator) -> list[Layer]:
    """Return two normalized 3x3 convolutions with ReLU."""
    found: list[Layer] = []
    for inputs in (before, after):
        conv = Convolution.create(inputs, after, 3, pad=1, bias=False, rng=rng)
        found += [conv, BatchNormalization.create(after), Relu()]
    return found
