"""Random convolutions and poolings, alone and in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from draw import Draw
from row_table import Drawn, row

from xpnet.layers import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    AveragePooling,
    AveragePooling1D,
    AveragePooling3D,
    Convolution,
    Convolution1D,
    Convolution3D,
    GlobalMaxPooling,
    MaxPooling,
    MaxPooling1D,
    MaxPooling3D,
    Padding,
    Relu,
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)

Options = dict[str, Any]


def pair(draw: Draw, low: int, high: int) -> tuple[int, int]:
    return draw.size(low, high), draw.size(low, high)


def each(draw: Draw, axes: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(draw.size(low, high) for _ in range(axes))


def border(draw: Draw, most: tuple[int, ...]) -> Any:
    """As wide on both sides, or not, or such that y has the size of x."""
    if draw.chance(0.2):
        return "same"
    if draw.chance(0.3):
        return tuple((draw.size(0, own), draw.size(0, own)) for own in most)
    return tuple(draw.size(0, own) for own in most)


def options(draw: Draw, axes: int = 2) -> Options:
    """Now and then the plain ones, for which some bodies are made."""
    if draw.chance(0.3):
        return {"pad": each(draw, axes, 0, 1)}
    groups = draw.one_of(1, 1, 2, 3)
    steps = {"stride": each(draw, axes, 1, 3), "dilation": each(draw, axes, 1, 2)}
    return {**steps, "pad": border(draw, (2,) * axes), "groups": groups}


def images(draw: Draw, channels: int, least: int = 5, extreme: bool = False, axes: int = 2) -> Any:
    """Some images of whole numbers, which tie often, and now and then a few that are not finite; or no images."""
    shape = (draw.one_of(0, 1, 2, 3, 17), channels, *each(draw, axes, least, least + 4))
    values = np.round(draw.rng.standard_normal(shape)).astype(draw.dtype)
    if extreme and draw.chance(0.2):
        values[draw.rng.random(shape) < 0.05] = draw.one_of(np.nan, np.inf, -np.inf)
    if draw.chance(0.3):  # as the bodies of NumPy leave images
        return draw.batch_last(values)
    return draw.laid_out(values)


def convolved(kind: Any, axes: int) -> Any:
    def drawn(draw: Draw) -> Drawn:
        chosen, size = options(draw, axes), each(draw, axes, 1, 3)
        groups = chosen.get("groups", 1)
        C, M = groups * draw.one_of(1, 2, 3), groups * draw.one_of(1, 2, 3, 7)
        b = None if draw.chance(0.2) else draw.array(M)
        return [kind(draw.array(M, C // groups, *size), b, **chosen)], (images(draw, C, axes=axes),)

    return drawn


def transposed(kind: Any, axes: int) -> Any:
    def drawn(draw: Draw) -> Drawn:
        chosen, size = options(draw, axes), each(draw, axes, 1, 3)
        ones = (1,) * axes
        groups, steps = (
            chosen.get("groups", 1),
            zip(chosen.get("stride", ones), chosen.get("dilation", ones), strict=True),
        )
        C, M = groups * draw.one_of(1, 2, 3), groups * draw.one_of(1, 2, 3, 7)
        if chosen["pad"] != "same":
            chosen["output_pad"] = tuple(draw.size(0, max(step) - 1) for step in steps)
        b = None if draw.chance(0.2) else draw.array(M)
        return [kind(draw.array(C, M // groups, *size), b, **chosen)], (images(draw, C, axes=axes),)

    return drawn


def window(draw: Draw, axes: int = 2) -> tuple[tuple[int, ...], Options]:
    """Of a pool: side by side, overlapping, with gaps, of many cells."""
    size = ((33,), (17, 17))[axes - 1] if axes < 3 and draw.chance(0.1) else each(draw, axes, 1, 3)
    if draw.chance(0.4):
        return size, {"stride": size}
    pad = border(draw, tuple(length // 2 for length in size))
    return size, {"stride": each(draw, axes, 1, 3), "pad": pad, "ceil_mode": draw.chance(0.3)}


def pooled(kind: Any, axes: int, average: bool) -> Any:
    def drawn(draw: Draw) -> Drawn:
        size, chosen = window(draw, axes)
        if average:
            chosen["count_include_pad"] = draw.chance()
        layer = kind(*(size if axes == 2 else (size,)), **chosen)
        return [layer], (images(draw, draw.size(1, 3), max(5, *size), not average, axes),)

    return drawn


CONVOLUTIONS = {1: Convolution1D, 2: Convolution, 3: Convolution3D}
TRANSPOSED = {1: TransposedConvolution1D, 2: TransposedConvolution, 3: TransposedConvolution3D}
LARGEST = {1: MaxPooling1D, 2: MaxPooling, 3: MaxPooling3D}
MEANS = {1: AveragePooling1D, 2: AveragePooling, 3: AveragePooling3D}

for axes in (1, 2, 3):
    row(CONVOLUTIONS[axes])(convolved(CONVOLUTIONS[axes], axes))
    row(TRANSPOSED[axes])(transposed(TRANSPOSED[axes], axes))
    row(LARGEST[axes])(pooled(LARGEST[axes], axes, average=False))
    row(MEANS[axes])(pooled(MEANS[axes], axes, average=True))


def adaptive(kind: Any) -> Any:
    def drawn(draw: Draw) -> Drawn:
        axes = draw.size(1, 3)
        arguments = () if kind is GlobalMaxPooling else (each(draw, axes, 1, 7),)
        extreme = kind is not AdaptiveAveragePooling
        return [kind(*arguments)], (images(draw, draw.size(1, 3), 1, extreme, axes),)

    return drawn


@row(Padding)
def padded(draw: Draw) -> Drawn:
    axes = draw.size(1, 3)
    return [Padding(draw.size(0, 2) if draw.chance() else each(draw, axes, 0, 2))], (images(draw, 2, axes=axes),)


for kind in (AdaptiveAveragePooling, AdaptiveMaxPooling, GlobalMaxPooling):
    row(kind)(adaptive(kind))


@row(Convolution, Relu, MaxPooling)
def convolution_relu_pooling(draw: Draw) -> Drawn:
    size, pool = pair(draw, 1, 3), draw.one_of((2, 2), (2, 2), (1, 3))
    C, M, pad = draw.size(1, 2), draw.size(1, 3), pair(draw, 0, 1)
    options = {"stride": pool} if draw.chance(0.8) else {"stride": pair(draw, 1, 3), "pad": (0, pool[1] // 2)}
    W, b = (np.round(2 * draw.rng.standard_normal(shape)).astype(draw.dtype) for shape in ((M, C, *size), (M,)))
    layers = [Convolution(draw.laid_out(W), draw.laid_out(b), pad=pad), Relu(), MaxPooling(*pool, **options)]
    return layers, (images(draw, C),)
