"""Random convolutions and poolings, alone and in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from draw import Draw
from row_table import Drawn, row

from xpnet.layers import AveragePooling, Convolution, MaxPooling, Relu, TransposedConvolution

Options = dict[str, Any]


def pair(draw: Draw, low: int, high: int) -> tuple[int, int]:
    return draw.size(low, high), draw.size(low, high)


def options(draw: Draw) -> Options:
    """Now and then the plain ones, for which some bodies are made."""
    if draw.chance(0.3):
        return {"pad": pair(draw, 0, 1)}
    groups = draw.one_of(1, 1, 2)
    return {"stride": pair(draw, 1, 3), "pad": pair(draw, 0, 2), "dilation": pair(draw, 1, 2), "groups": groups}


def images(draw: Draw, channels: int, least: int = 5, extreme: bool = False) -> Any:
    """Some images of whole numbers, which tie often, and now and then a few that are not finite; or no images."""
    shape = (draw.one_of(0, 1, 2, 3), channels, draw.size(least, least + 4), draw.size(least, least + 4))
    values = np.round(draw.rng.standard_normal(shape)).astype(draw.dtype)
    if extreme and draw.chance(0.2):
        values[draw.rng.random(shape) < 0.05] = draw.one_of(np.nan, np.inf, -np.inf)
    if draw.chance(0.3):  # as the bodies of NumPy leave images
        return draw.asarray(np.ascontiguousarray(values.transpose(1, 2, 3, 0))).transpose(3, 0, 1, 2)
    return draw.laid_out(values)


@row(Convolution)
def convolution(draw: Draw) -> Drawn:
    chosen, size = options(draw), pair(draw, 1, 3)
    groups = chosen.get("groups", 1)
    C, M = groups * draw.size(1, 3), groups * draw.size(1, 3)
    return [Convolution(draw.array(M, C // groups, *size), draw.array(M), **chosen)], (images(draw, C),)


@row(TransposedConvolution)
def transposed_convolution(draw: Draw) -> Drawn:
    chosen, size = options(draw), pair(draw, 1, 3)
    groups, steps = (
        chosen.get("groups", 1),
        zip(chosen.get("stride", (1, 1)), chosen.get("dilation", (1, 1)), strict=True),
    )
    C, M = groups * draw.size(1, 3), groups * draw.size(1, 3)
    chosen["output_pad"] = tuple(draw.size(0, max(step) - 1) for step in steps)
    layer = TransposedConvolution(draw.array(C, M // groups, *size), draw.array(M), **chosen)
    return [layer], (images(draw, C),)


def window(draw: Draw) -> tuple[tuple[int, int], Options]:
    """Of a pool: side by side, overlapping, with gaps, of many cells."""
    size = (17, 17) if draw.chance(0.1) else pair(draw, 1, 3)
    if draw.chance():
        return size, {"stride": size}
    return size, {"stride": pair(draw, 1, 3), "pad": tuple(draw.size(0, length // 2) for length in size)}


@row(MaxPooling)
def max_pooling(draw: Draw) -> Drawn:
    size, chosen = window(draw)
    return [MaxPooling(*size, **chosen)], (images(draw, draw.size(1, 3), max(5, *size), extreme=True),)


@row(AveragePooling)
def average_pooling(draw: Draw) -> Drawn:
    size, chosen = window(draw)
    return [AveragePooling(*size, **chosen)], (images(draw, draw.size(1, 3), max(5, *size)),)


@row(Convolution, Relu, MaxPooling)
def convolution_relu_pooling(draw: Draw) -> Drawn:
    size, pool = pair(draw, 1, 3), draw.one_of((2, 2), (2, 2), (1, 3))
    C, M, pad = draw.size(1, 2), draw.size(1, 3), pair(draw, 0, 1)
    options = {"stride": pool} if draw.chance(0.8) else {"stride": pair(draw, 1, 3), "pad": (0, pool[1] // 2)}
    W, b = (np.round(2 * draw.rng.standard_normal(shape)).astype(draw.dtype) for shape in ((M, C, *size), (M,)))
    layers = [Convolution(draw.laid_out(W), draw.laid_out(b), pad=pad), Relu(), MaxPooling(*pool, **options)]
    return layers, (images(draw, C),)
