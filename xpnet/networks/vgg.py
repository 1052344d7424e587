"""VGG: deep stacks of 3x3 convolutions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    MaxPooling,
    Relu,
    SoftmaxWithLoss,
)
from xpnet.networks.conv_nets import MEMORY_ROWS, check_image_shape
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""The convolutions of each stage, by the number of layers with weights."""
WIDER = (1, 2, 4, 8, 8)


class VGG(Sequential):
    """Five stages of 3x3 convolutions and a 2x2 pooling, then three affine layers, ``y = affine³(stage⁵(x))``.

    ``depth`` is 11, 13, 16 or 19; the stages have ``width`` times 1, 2, 4, 8 and 8 channels, and the affine layers
    ``hidden`` units. Stages leave out their pooling where one pixel in height or width is left, so that images may be
    small, ``VGG(11, (3, 32, 32), 10, hidden=512)``. ``normalized`` puts a batch normalization after each convolution.

    The names are torchvision's: ``xn.load_torch("vgg16.safetensors", VGG(16))``.

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for another depth, and for wrong sizes.
    Source: Simonyan and Zisserman, 2015, "Very deep convolutional networks for large-scale image recognition", table 1.

    >>> net = VGG(16, (3, 32, 32), output_size=10, width=2, hidden=8)
    >>> sum(W.ndim > 1 for W in net.params.values())  # the layers with weights
    16
    """

    def __init__(
        self,
        depth: int = 16,
        input_dim: tuple[int, int, int] = (3, 224, 224),
        output_size: int = 1000,
        width: int = 64,
        hidden: int = 4096,
        normalized: bool = False,
        dropout_ratio: float = 0.5,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        if depth not in CONVOLUTIONS:
            must = f"depth must be one of {', '.join(map(str, CONVOLUTIONS))}"
            raise ArgumentError(who, must, repr(depth), "choose one")
        check_image_shape(who, input_dim)
        for name, size in (("width", width), ("hidden", hidden), ("output_size", output_size)):
            check_size(who, name, size)
        rng = generator_of(who, rng)
        before, height, across = input_dim
        features: list[Layer] = []
        for count, wider in zip(CONVOLUTIONS[depth], WIDER, strict=True):
            for _ in range(count):
                features.append(Convolution.create(before, width * wider, 3, pad=1, rng=rng))
                before = width * wider
                features += [BatchNormalization.create(before), Relu()] if normalized else [Relu()]
            if min(height, across) > 1:
                features.append(MaxPooling(2, 2))
                height, across = height // 2, across // 2
        sizes = before * height * across, hidden, hidden, output_size
        classifier: list[Layer] = []
        for inputs, outputs in pairwise(sizes):
            classifier += [Affine.create(inputs, outputs, rng=rng), Relu(), Dropout(dropout_ratio, rng)]
        parts = {"features": numbered(features), "flatten": Flatten(), "classifier": numbered(classifier[:-2])}
        super().__init__(parts, loss=SoftmaxWithLoss())

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


def numbered(layers: list[Layer]) -> Sequential:
    """Return layers one after another, named by their numbers from 0, as torch does."""
    return Sequential({str(number): layer for number, layer in enumerate(layers)})
