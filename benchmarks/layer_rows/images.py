"""Convolutions, poolings and the normalizations of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row


def convolution(
    name: str,
    shape: tuple[int, ...],
    filters: int,
    size: int,
    stride: int = 1,
    pad: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Row:
    def ours() -> Any:
        from xpnet.layers import Convolution

        return Convolution.create(shape[1], filters, size, stride, pad, groups=groups, dilation=dilation)

    def theirs() -> Any:
        from torch import nn

        return nn.Conv2d(shape[1], filters, size, stride, pad, dilation, groups)

    return Row(name, shape, ours, theirs)


def of_axes(name: str, shape: tuple[int, ...], kind: str, of_torch: str, filters: int, size: int) -> Row:
    def ours() -> Any:
        from xpnet import layers

        return getattr(layers, kind).create(shape[1], filters, size, pad="same")

    def theirs() -> Any:
        from torch import nn

        return getattr(nn, of_torch)(shape[1], filters, size, padding="same")

    return Row(name, shape, ours, theirs)


def separable(shape: tuple[int, ...], filters: int) -> Row:
    def ours() -> Any:
        from xpnet.layers import SeparableConvolution

        return SeparableConvolution.create(shape[1], filters, 3, pad=1)

    def theirs() -> Any:
        from torch import nn

        depthwise = nn.Conv2d(shape[1], shape[1], 3, padding=1, groups=shape[1])
        return nn.Sequential(depthwise, nn.Conv2d(shape[1], filters, 1))

    return Row(f"separable convolution 3x3, {shape[1]} → {filters}, {of(shape)}", shape, ours, theirs)


def resampled(name: str, shape: tuple[int, ...], kind: str, argument: Any, module: str, **options: Any) -> Row:
    def ours() -> Any:
        from xpnet import layers

        return getattr(layers, kind)(argument)

    def theirs() -> Any:
        from torch import nn

        return getattr(nn, module)(**options)

    return Row(f"{name}, {of(shape)}", shape, ours, theirs)


def transposed(name: str, shape: tuple[int, ...], filters: int, size: int, stride: int, pad: int) -> Row:
    def ours() -> Any:
        from xpnet.layers import TransposedConvolution

        return TransposedConvolution.create(shape[1], filters, size, stride, pad)

    def theirs() -> Any:
        from torch import nn

        return nn.ConvTranspose2d(shape[1], filters, size, stride, pad)

    return Row(name, shape, ours, theirs)


def pooling(name: str, shape: tuple[int, ...], kind: str, *options: int) -> Row:
    """``kind`` is Max or Average; the options are size, stride and pad."""
    axes = len(shape) - 2

    def ours() -> Any:
        from xpnet import layers

        if axes != 2:
            return getattr(layers, f"{kind}Pooling{axes}D")(*options)
        return getattr(layers, f"{kind}Pooling")(options[0], *options)

    def theirs() -> Any:
        from torch import nn

        return getattr(nn, f"{'Max' if kind == 'Max' else 'Avg'}Pool{axes}d")(*options)

    return Row(name, shape, ours, theirs)


def global_average() -> Row:
    def ours() -> Any:
        from xpnet.layers import GlobalAveragePooling

        return GlobalAveragePooling()

    def theirs() -> Any:
        return (lambda x: x.mean(dim=(2, 3))), []

    return Row("global average pooling, 128 x 128 x 16²", (128, 128, 16, 16), ours, theirs)


def batch_normalization(shape: tuple[int, ...]) -> Row:
    def ours() -> Any:
        from xpnet.layers import BatchNormalization

        return BatchNormalization.create(shape[1])

    def theirs() -> Any:
        from torch import nn

        return nn.BatchNorm2d(shape[1])

    return Row(f"batch normalization, {of(shape)}", shape, ours, theirs)


def group_normalization(shape: tuple[int, ...], groups: int) -> Row:
    def ours() -> Any:
        from xpnet.layers import GroupNormalization

        return GroupNormalization.create(shape[1], groups)

    def theirs() -> Any:
        from torch import nn

        return nn.GroupNorm(groups, shape[1])

    return Row(f"group normalization, {of(shape)}, {groups} groups", shape, ours, theirs)


def residual_network() -> Row:
    def ours() -> Any:
        from xpnet.networks import ResNet

        return list(ResNet((3, 32, 32)).layers.values())

    def theirs() -> Any:
        from torch import nn

        def convolved(before: int, after: int, size: int, stride: int) -> list[Any]:
            return [nn.Conv2d(before, after, size, stride, size // 2), nn.BatchNorm2d(after)]

        class Block(nn.Module):
            def __init__(self, before: int, after: int, stride: int) -> None:
                super().__init__()
                inner = [*convolved(before, after, 3, stride), nn.ReLU(), *convolved(after, after, 3, 1)]
                self.inner = nn.Sequential(*inner)
                same = before == after and stride == 1
                self.shortcut = nn.Identity() if same else nn.Sequential(*convolved(before, after, 1, stride))

            def forward(self, x: Any) -> Any:
                return nn.functional.relu(self.inner(x) + self.shortcut(x))

        blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
        ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
        return nn.Sequential(*convolved(3, 16, 3, 1), nn.ReLU(), *blocks, *ends)

    return Row("residual network, 64 x 3 x 32², stages of 16, 32, 64", (64, 3, 32, 32), ours, theirs, dx=False)


def of(shape: tuple[int, ...]) -> str:
    """Return a shape in words, ``64 x 16 x 32²``."""
    *first, height, width = shape
    return " x ".join(map(str, [*first, f"{height}²" if height == width else f"{height} x {width}"]))


def rows() -> Iterator[Row]:
    yield convolution("convolution 1x1, 64 → 128, 32 x 16²", (32, 64, 16, 16), 128, 1)
    yield convolution("convolution 3x3, 3 → 16, 64 x 32²", (64, 3, 32, 32), 16, 3, pad=1)
    yield convolution("convolution 3x3, 16 → 16, 64 x 32²", (64, 16, 32, 32), 16, 3, pad=1)
    yield convolution("convolution 3x3, 32 → 32, 64 x 16²", (64, 32, 16, 16), 32, 3, pad=1)
    yield convolution("convolution 3x3, 64 → 64, 64 x 8²", (64, 64, 8, 8), 64, 3, pad=1)
    yield convolution("convolution 3x3, stride 2, 16 → 32, 64 x 32²", (64, 16, 32, 32), 32, 3, 2, 1)
    yield convolution("convolution 3x3, 128 → 128, 8 x 16²", (8, 128, 16, 16), 128, 3, pad=1)
    yield convolution("convolution 5x5, 1 → 30, 100 x 28²", (100, 1, 28, 28), 30, 5)
    yield convolution("convolution 7x7, stride 2, 3 → 64, 8 x 64²", (8, 3, 64, 64), 64, 7, 2, 3)
    yield convolution("convolution 7x7, 16 → 32, 16 x 32²", (16, 16, 32, 32), 32, 7, pad=3)
    yield convolution("convolution 11x11, 8 → 16, 8 x 32²", (8, 8, 32, 32), 16, 11, pad=5)
    yield convolution("convolution 3x3, 8 groups, 64 → 64, 16 x 16²", (16, 64, 16, 16), 64, 3, pad=1, groups=8)
    yield convolution("convolution 3x3, dilation 2, 32 → 32, 16 x 32²", (16, 32, 32, 32), 32, 3, 1, 2, 1, 2)
    yield convolution("depthwise convolution 3x3, 128, 16 x 32²", (16, 128, 32, 32), 128, 3, pad=1, groups=128)
    yield convolution("depthwise convolution 7x7, 64, 16 x 16²", (16, 64, 16, 16), 64, 7, pad=3, groups=64)
    yield separable((16, 64, 32, 32), 128)
    yield transposed("transposed convolution 4x4, stride 2, 32 → 16, 16 x 16²", (16, 32, 16, 16), 16, 4, 2, 1)
    yield of_axes("convolution of sequences, 9, 64 → 64, 32 x 256", (32, 64, 256), "Convolution1D", "Conv1d", 64, 9)
    yield of_axes("convolution of volumes, 3³, 8 → 16, 4 x 16³", (4, 8, 16, 16, 16), "Convolution3D", "Conv3d", 16, 3)
    yield pooling("max pooling 2x2, 64 x 32 x 32²", (64, 32, 32, 32), "Max", 2, 2, 0)
    yield pooling("max pooling 3x3, stride 2, 64 x 32 x 32²", (64, 32, 32, 32), "Max", 3, 2, 1)
    yield pooling("max pooling 16x16, 64 x 64 x 32²", (64, 64, 32, 32), "Max", 16, 16, 0)
    yield pooling("max pooling 32x32, 64 x 64 x 32²", (64, 64, 32, 32), "Max", 32, 32, 0)
    yield pooling("max pooling of sequences, 64, 32 x 64 x 1024", (32, 64, 1024), "Max", 64, 64, 0)
    yield pooling("max pooling of volumes, 4³, 8 x 16 x 32³", (8, 16, 32, 32, 32), "Max", 4, 4, 0)
    yield pooling("average pooling 2x2, 64 x 32 x 32²", (64, 32, 32, 32), "Average", 2, 2, 0)
    yield pooling("average pooling 3x3, stride 2, 64 x 32 x 32²", (64, 32, 32, 32), "Average", 3, 2, 1)
    yield pooling("average pooling 16x16, 64 x 64 x 32²", (64, 64, 32, 32), "Average", 16, 16, 0)
    yield resampled(
        "adaptive average pooling to 7x7",
        (32, 64, 28, 28),
        "AdaptiveAveragePooling",
        7,
        "AdaptiveAvgPool2d",
        output_size=7,
    )
    yield resampled(
        "adaptive max pooling to 6x6", (32, 64, 28, 28), "AdaptiveMaxPooling", 6, "AdaptiveMaxPool2d", output_size=6
    )
    yield resampled("upsampling", (16, 32, 16, 16), "Upsampling", 2, "Upsample", scale_factor=2)
    yield resampled(
        "bilinear upsampling", (16, 32, 16, 16), "BilinearUpsampling", 2, "Upsample", scale_factor=2, mode="bilinear"
    )
    yield resampled("padding by zeros", (16, 32, 32, 32), "Padding", (2, 2), "ZeroPad2d", padding=2)
    yield resampled("pixel shuffle", (16, 64, 16, 16), "PixelShuffle", 2, "PixelShuffle", upscale_factor=2)
    yield global_average()
    yield batch_normalization((64, 16, 32, 32))
    yield batch_normalization((64, 64, 8, 8))
    yield group_normalization((16, 256, 16, 16), 32)
    yield group_normalization((64, 32, 32, 32), 8)
    yield residual_network()
