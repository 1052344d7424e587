"""Cases of padding, upsampling and pixel shuffle."""

from collections.abc import Callable

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import BilinearUpsampling, Padding, PixelShuffle, PixelUnshuffle, Upsampling

NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padded(mode: str, *widths: tuple[int, int]) -> Callable[[Host], Host]:
    return lambda x: np.pad(x, ((0, 0), (0, 0), *widths), mode=NUMPY_MODES[mode])  # type: ignore[call-overload]


def shuffled(x: Host) -> Host:
    """Move four channels at a time to the places of a square."""
    y = np.zeros((x.shape[0], x.shape[1] // 4, 2 * x.shape[2], 2 * x.shape[3]))
    for n, c, i, j in np.ndindex(*y.shape):
        y[n, c, i, j] = x[n, 4 * c + 2 * (i % 2) + j % 2, i // 2, j // 2]
    return y


def unshuffled(x: Host) -> Host:
    """Move the places of squares to four channels."""
    return np.concatenate([x[:, :, k::2, l::2] for k in (0, 1) for l in (0, 1)], axis=1)  # noqa: E741


def interpolated(x: Host) -> Host:
    """Return two places for each, a quarter of their distance before and behind it."""
    for axis in (2, 3):
        x = np.moveaxis(x, axis, -1)
        first, last = np.concatenate([x[..., :1], x[..., :-1]], -1), np.concatenate([x[..., 1:], x[..., -1:]], -1)
        pairs = np.stack([0.75 * x + 0.25 * first, 0.75 * x + 0.25 * last], -1)
        x = np.moveaxis(pairs.reshape(*x.shape[:-1], -1), -1, axis)
    return x


CASES = (
    *[
        Case(
            f"Padding, {mode}",
            Padding,
            (normal("x", 2, 1, 3, 2),),
            padded(mode, (1, 2), (1, 1)),
            options={"pad": ((1, 2), (1, 1)), **({} if mode == "zeros" else {"mode": mode})},
        )
        for mode in NUMPY_MODES
    ],
    Case(
        "Upsampling",
        Upsampling,
        (normal("x", 2, 1, 2, 3),),
        lambda x: x.repeat(3, axis=2).repeat(2, axis=3),
        options={"scale": (3, 2)},
    ),
    Case("BilinearUpsampling", BilinearUpsampling, (normal("x", 2, 1, 3, 2),), interpolated),
    Case(
        "BilinearUpsampling, corners on corners",
        BilinearUpsampling,
        (normal("x", 2, 1, 3),),
        lambda x: np.stack([np.interp(np.linspace(0, 2, 6), range(3), row) for row in x[:, 0]])[:, None],
        options={"align_corners": True},
    ),
    Case("PixelShuffle", PixelShuffle, (normal("x", 2, 4, 2, 1),), shuffled, options={"scale": 2}),
    Case("PixelUnshuffle", PixelUnshuffle, (normal("x", 2, 1, 2, 4),), unshuffled, options={"scale": 2}),
)
