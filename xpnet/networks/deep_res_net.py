"""The residual networks for ImageNet, with 18, 34 and 50 layers."""

from __future__ import annotations

from typing import Any, ClassVar

from xpnet.initializers import check_size
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    GlobalAveragePooling,
    Layer,
    MaxPooling,
    Relu,
    Residual,
    SoftmaxWithLoss,
)
from xpnet.networks.conv_nets import MEMORY_ROWS
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of

GROWTH = 4
"""The channels that leave a bottleneck, of each inside."""


class DeepResNet(Sequential):
    """The base of ``ResNet18``, ``ResNet34`` and ``ResNet50``: four stages of ``blocks`` of blocks."""

    blocks: ClassVar[tuple[int, int, int, int]]
    bottleneck: ClassVar[bool] = False

    def __init__(
        self, output_size: int = 1000, channels: int = 3, width: int = 64, rng: Generator | None = None
    ) -> None:
        who = type(self).__name__
        for name, size in (("output_size", output_size), ("channels", channels), ("width", width)):
            check_size(who, name, size)
        rng = generator_of(who, rng)
        layers: dict[str, Layer] = {
            "conv1": convolution(channels, width, 7, 2, rng),
            "bn1": BatchNormalization.create(width),
            "relu": Relu(),
            "maxpool": MaxPooling(3, 3, 2, 1),
        }
        before = width
        for stage, count in enumerate(self.blocks):
            inside: dict[str, Layer] = {}
            for number in range(count):
                inside[str(number)] = self._block(before, width * 2**stage, 2 if stage and not number else 1, rng)
                inside[f"relu{number}"] = Relu()
                before = width * 2**stage * (GROWTH if self.bottleneck else 1)
            layers[f"layer{stage + 1}"] = Sequential(inside)
        layers |= {"avgpool": GlobalAveragePooling(), "fc": Affine.create(before, output_size, rng=rng)}
        super().__init__(layers, loss=SoftmaxWithLoss())

    def _block(self, before: int, width: int, stride: int, rng: Generator) -> Residual:
        """Return two 3x3 convolutions around a shortcut, or one between two of 1x1."""
        sizes = [(before, width, 3, stride), (width, width, 3, 1)]
        if self.bottleneck:
            sizes = [(before, width, 1, 1), (width, width, 3, stride), (width, width * GROWTH, 1, 1)]
        body: dict[str, Layer] = {}
        for number, size in enumerate(sizes, 1):
            body |= {f"relu{number - 1}": Relu()} if body else {}
            body |= {f"conv{number}": convolution(*size, rng), f"bn{number}": BatchNormalization.create(size[1])}
        after = sizes[-1][1]
        if stride == 1 and before == after:
            return Residual(body)
        around = Sequential({"0": convolution(before, after, 1, stride, rng), "1": BatchNormalization.create(after)})
        return Residual(body, shortcut=around)

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


class ResNet18(DeepResNet):
    """The residual network of 18 layers, stages of 2 blocks ``relu(norm(conv(relu(norm(conv(x))))) + x)``.

    ``width`` is the number of channels of the first stage; each later one has twice as many, and half the height and
    width. The names are torchvision's, except for the way around a block:

        xn.load_torch("resnet18.safetensors", ResNet18(), names={"*.downsample": "*.shortcut"})

    Shapes: ``x (N, C, H, W)`` with C ``channels``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: He et al., 2016, "Deep residual learning for image recognition", table 1.

    >>> net = ResNet18(width=2)
    >>> sum(W.ndim > 1 for name, W in net.params.items() if "shortcut" not in name)  # the layers with weights
    18
    """

    blocks = (2, 2, 2, 2)


class ResNet34(DeepResNet):
    """The residual network of 34 layers, stages of 3, 4, 6 and 3 blocks as in ``ResNet18``.

    Shapes: ``x (N, C, H, W)`` with C ``channels``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: He et al., 2016, "Deep residual learning for image recognition", table 1.

    >>> net = ResNet34(width=2)
    >>> sum(W.ndim > 1 for name, W in net.params.items() if "shortcut" not in name)
    34
    """

    blocks = (3, 4, 6, 3)


class ResNet50(DeepResNet):
    """The residual network of 50 layers, stages of 3, 4, 6 and 3 bottlenecks, ``relu(f(x) + x)``.

    f is three convolutions, 1x1, 3x3 and 1x1, each with a normalization, and ReLU between them; the last has four times
    as many channels. A stage halves height and width in its first 3x3 convolution, as in torchvision, whose weights it
    loads like ``ResNet18``.

    Shapes: ``x (N, C, H, W)`` with C ``channels``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: He et al., 2016, "Deep residual learning for image recognition", table 1.

    >>> net = ResNet50(width=2)
    >>> sum(W.ndim > 1 for name, W in net.params.items() if "shortcut" not in name)
    50
    """

    blocks = (3, 4, 6, 3)
    bottleneck = True


def convolution(before: int, after: int, size: int, stride: int, rng: Generator) -> Convolution:
    """Return a convolution without bias that keeps height and width except for its stride."""
    return Convolution.create(before, after, size, stride, pad=size // 2, bias=False, rng=rng)
