"""Cases of the convolutions."""

from itertools import product

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import Convolution, TransposedConvolution


def convolution(x: Host, W: Host, b: Host, s: int = 1, p: int = 0, d: int = 1, groups: int = 1) -> Host:
    """Compute every output as the sum of its products."""
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    (N, _, H, width), (M, C, FH, FW) = x.shape, W.shape
    y = np.zeros((N, M, (H - d * (FH - 1) - 1) // s + 1, (width - d * (FW - 1) - 1) // s + 1)) + b[:, None, None]
    for n, m, i, j, c, k, l in product(*map(range, (*y.shape, C, FH, FW))):  # noqa: E741 (the letter of the formula)
        y[n, m, i, j] += W[m, c, k, l] * x[n, m // (M // groups) * C + c, s * i + d * k, s * j + d * l]
    return y


def transposed(x: Host, W: Host, b: Host, s: int = 1, p: int = 0, o: int = 0, d: int = 1, groups: int = 1) -> Host:
    """Add every input times the filter at the position of the filter."""
    (N, C, H, width), (_, M, FH, FW) = x.shape, W.shape
    y = np.zeros((N, groups * M, s * (H - 1) + d * (FH - 1) + 1 + o, s * (width - 1) + d * (FW - 1) + 1 + o))
    for n, c, i, j, m, k, l in product(*map(range, (*x.shape, M, FH, FW))):  # noqa: E741
        y[n, c // (C // groups) * M + m, s * i + d * k, s * j + d * l] += W[c, m, k, l] * x[n, c, i, j]
    return y[:, :, p : y.shape[2] - p, p : y.shape[3] - p] + b[:, None, None]


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
)
