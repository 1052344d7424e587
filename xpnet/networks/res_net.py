"""A small residual network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    GlobalAveragePooling,
    Layer,
    Relu,
    Residual,
    SoftmaxWithLoss,
)
from xpnet.networks.conv_nets import MEMORY_ROWS, check_image_shape
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of


class ResNet(Sequential):
    """A residual network for small images: stages of blocks ``relu(norm(conv(relu(norm(conv(x))))) + x)``.

    ``channels`` has a number for each stage, which has ``blocks`` blocks; each stage but the first halves height and
    width, and its first block has a 1x1 convolution as shortcut. Global average pooling and an affine layer end it.

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for wrong sizes.
    Source: He et al., 2016, "Deep residual learning for image recognition", section 4.2.

    >>> net = ResNet((1, 8, 8), channels=(4, 8), blocks=1)
    >>> net.layers["Residual2"].layers["shortcut"]  # where the channels become 8, and height and width the half
    Chain(Convolution(W (8, 4, 1, 1), b (8,), stride=2), BatchNormalization(gamma (8,), beta (8,)))
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        channels: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        output_size: int = 10,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        check_image_shape(who, input_dim)
        if not isinstance(channels, Sequence) or not channels:
            got = repr(channels)
            raise ArgumentError(who, "channels must have a number for each stage", got, "try (16, 32, 64)")
        check_size(who, "blocks", blocks)
        rng = generator_of(who, rng)
        before = channels[0]
        layers = [*convolved(input_dim[0], before, 3, 1, rng), Relu()]
        for stage, after in enumerate(channels):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                layers += [residual(before, after, stride, rng), Relu()]
                before = after
        super().__init__(
            *layers, GlobalAveragePooling(), Affine.create(before, output_size, rng=rng), loss=SoftmaxWithLoss()
        )

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


def residual(before: int, after: int, stride: int, rng: Generator) -> Residual:
    """Return two convolutions beside a shortcut, which is a 1x1 convolution if the shape changes."""
    body = [*convolved(before, after, 3, stride, rng), Relu(), *convolved(after, after, 3, 1, rng)]
    changes = stride != 1 or before != after
    return Residual(*body, shortcut=convolved(before, after, 1, stride, rng) if changes else None)


def convolved(before: int, after: int, size: int, stride: int, rng: Generator) -> list[Layer]:
    """Return a normalized convolution that keeps height and width except for its stride."""
    conv = Convolution.create(before, after, size, stride, pad=size // 2, rng=rng)
    return [conv, BatchNormalization.create(after)]
