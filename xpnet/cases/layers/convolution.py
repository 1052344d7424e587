"""Cases of the convolutions."""

from itertools import product
from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import (
    Convolution,
    Convolution1D,
    Convolution3D,
    SeparableConvolution,
    TransposedConvolution,
    TransposedConvolution1D,
    TransposedConvolution3D,
)

Borders = list[tuple[int, int]]


def each(axes: int, option: Any) -> list[Any]:
    return list(option) if isinstance(option, tuple | list) else [option] * axes


def convolution(
    x: Host, W: Host, b: Host | None = None, s: Any = 1, p: int | Borders = 0, d: int = 1, groups: int = 1
) -> Host:
    """Compute every output as the sum of its products, for images of any axes."""
    axes = x.ndim - 2
    pads = [(own, own) if isinstance(own, int) else own for own in each(axes, p)]
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    M, C, *cells = W.shape
    strides = each(axes, s)
    size = [(n - d * (F - 1) - 1) // own + 1 for n, F, own in zip(x.shape[2:], cells, strides, strict=True)]
    y = np.zeros((len(x), M, *size)) + (0.0 if b is None else b.reshape(-1, *[1] * axes))
    for n, m, c in product(range(len(x)), range(M), range(C)):
        for place, cell in product(np.ndindex(*size), np.ndindex(*cells)):
            at = tuple(own * i + d * k for own, i, k in zip(strides, place, cell, strict=True))
            y[(n, m, *place)] += W[(m, c, *cell)] * x[(n, m // (M // groups) * C + c, *at)]
    return y


def transposed(
    x: Host, W: Host, b: Host | None = None, s: int = 1, p: int = 0, o: int = 0, d: int = 1, groups: int = 1
) -> Host:
    """Add every input times the filter at the position of the filter, for images of any axes."""
    (N, C, *size), (_, M, *cells) = x.shape, W.shape
    y = np.zeros((N, groups * M, *[s * (n - 1) + d * (F - 1) + 1 + o for n, F in zip(size, cells, strict=True)]))
    for n, c, m in product(range(N), range(C), range(M)):
        for place, cell in product(np.ndindex(*size), np.ndindex(*cells)):
            at = tuple(s * i + d * k for i, k in zip(place, cell, strict=True))
            y[(n, c // (C // groups) * M + m, *at)] += W[(c, m, *cell)] * x[(n, c, *place)]
    inside = y[(slice(None), slice(None), *[slice(p, n - p) for n in y.shape[2:]])]
    return inside + (0.0 if b is None else b.reshape(-1, *[1] * len(size)))


CASES = (
    Case(
        "Convolution",
        Convolution,
        (normal("x", 2, 2, 4, 3),),
        convolution,
        (normal("W", 3, 2, 3, 2), normal("b", 3)),
    ),
    Case(
        "Convolution, in groups",
        Convolution,
        (normal("x", 2, 4, 4, 3),),
        lambda x, W, b: convolution(x, W, b, s=2, p=1, d=2, groups=2),
        (normal("W", 2, 2, 2, 2), normal("b", 2)),
        {"stride": 2, "pad": 1, "dilation": 2, "groups": 2},
    ),
    Case(
        "Convolution, of the same size and without a bias",
        Convolution,
        (normal("x", 2, 1, 4, 3),),
        lambda x, W: convolution(x, W, s=(1, 2), p=[(0, 1), (1, 1)]),
        (normal("W", 2, 1, 2, 3),),
        {"stride": (1, 2), "pad": "same"},
    ),
    Case(
        "Convolution1D",
        Convolution1D,
        (normal("x", 2, 2, 4),),
        lambda x, W, b: convolution(x, W, b, p=[(2, 0)], d=2),
        (normal("W", 3, 2, 2), normal("b", 3)),
        {"pad": ((2, 0),), "dilation": 2},
    ),
    Case(
        "Convolution3D",
        Convolution3D,
        (normal("x", 2, 1, 2, 3, 2),),
        lambda x, W, b: convolution(x, W, b, s=2, p=1),
        (normal("W", 2, 1, 2, 1, 2), normal("b", 2)),
        {"stride": 2, "pad": 1},
    ),
    Case(
        "SeparableConvolution",
        SeparableConvolution,
        (normal("x", 2, 2, 3, 3),),
        lambda x, V, W, b: convolution(convolution(x, V, groups=2), W, b),
        (normal("V", 2, 1, 2, 2), normal("W", 3, 2, 1, 1), normal("b", 3)),
        make=lambda V, W, b: SeparableConvolution(Convolution(V, groups=2), Convolution(W, b)),
    ),
    Case(
        "TransposedConvolution",
        TransposedConvolution,
        (normal("x", 2, 2, 2, 3),),
        transposed,
        (normal("W", 2, 3, 2, 2), normal("b", 3)),
    ),
    Case(
        "TransposedConvolution, in groups",
        TransposedConvolution,
        (normal("x", 2, 4, 2, 3),),
        lambda x, W, b: transposed(x, W, b, s=2, p=1, o=1, d=1, groups=2),
        (normal("W", 4, 1, 3, 2), normal("b", 2)),
        {"stride": 2, "pad": 1, "output_pad": 1, "groups": 2},
    ),
    Case(
        "TransposedConvolution, of the same size and without a bias",
        TransposedConvolution,
        (normal("x", 2, 1, 2, 2),),
        lambda x, W: transposed(x, W, s=2)[..., :4, :4],
        (normal("W", 1, 2, 3, 3),),
        {"stride": 2, "pad": "same"},
    ),
    Case(
        "TransposedConvolution1D",
        TransposedConvolution1D,
        (normal("x", 2, 2, 3),),
        lambda x, W, b: transposed(x, W, b, s=2),
        (normal("W", 2, 2, 2), normal("b", 2)),
        {"stride": 2},
    ),
    Case(
        "TransposedConvolution3D",
        TransposedConvolution3D,
        (normal("x", 2, 1, 2, 1, 2),),
        lambda x, W, b: transposed(x, W, b, p=1, d=2),
        (normal("W", 1, 2, 2, 2, 2), normal("b", 2)),
        {"pad": 1, "dilation": 2},
    ),
)
