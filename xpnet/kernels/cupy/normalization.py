"""CUDA bodies of the normalizations: one launch forward; backward one for batches, two for rows.

Those of rows keep x itself, with μ and r of each row. Beside float16, x̂ and what goes with it are float32, as in the
references.
"""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from xpnet import kernels
from xpnet.fast.cupy import launch
from xpnet.fast.cupy.launch import TILE, WIDE, body, launch_each, launch_rows, launch_tiles

FILE = "normalization"
BLOCKS = 128  # that share the rows of a backward, each with sums of its own


def _normalized(x: Any, gamma: Any, beta: Any, rows: tuple[int, ...], groups: int, eps: float) -> Any:
    """``y``, x, and μ and ``r`` for each of the rows, which hold the channels of a group with their places."""
    y, statistics = cupy.empty_like(x), cupy.empty((*rows, 2), WIDE[x.dtype.name])
    sizes = _sizes(x, gamma, prod(rows), groups)
    arrays = (x, gamma, 0 if beta is None else beta, y, statistics)
    launch_rows(FILE, "normalize_rows", x.dtype, sizes[0], sizes[2] * sizes[3], *arrays, *sizes, float(eps))
    return y, x, statistics


def _through(dout: Any, kept: Any, statistics: Any, gamma: Any, groups: int, centred: bool, around: Any = 0) -> Any:
    """``dx``, plus what comes around, ``dγ`` and ``dβ``; None for the last where nothing was added.

    What was kept is x with μ and r, or as the references have it x̂ with r.
    """
    dx, dgamma, dbeta = cupy.empty_like(dout), cupy.empty_like(gamma), cupy.empty_like(gamma) if centred else None
    count = statistics.shape[-1]
    rows, _, channels, places = sizes = _sizes(dout, gamma, statistics.size // count, groups)
    of_rows = (kept, 0, statistics) if count == 2 else (0, kept, statistics)
    blocks = min(rows, BLOCKS, launch.MOST_BLOCKS) if groups == places == 1 and channels else None
    parts = 0 if blocks is None else cupy.empty((blocks, 2, channels), WIDE[dout.dtype.name])
    arrays = (dout, *of_rows, gamma, around, dx, parts)
    width = channels * places
    launch_rows(FILE, "normalize_rows_dx", dout.dtype, rows, width, *arrays, *sizes, int(centred), most=blocks)
    if blocks is not None:
        results = (dgamma, 0 if dbeta is None else dbeta, blocks, channels, TILE)
        launch_tiles(FILE, "sum_scales", dout.dtype, 2 * channels, max(blocks, 1), TILE, parts, *results)
    else:
        N, C, P, tile = _channels(dout, gamma, places)
        launch_tiles(
            *(FILE, "scale_and_shift", dout.dtype, C, max(N * P, 1), tile),
            *(dout, *of_rows, dgamma, dbeta, N, C, P, max(width, 1), tile),
        )
    return dx, dgamma, dbeta


def _sizes(x: Any, gamma: Any, rows: int, groups: int) -> tuple[int, int, int, int]:
    """Rows, groups, channels of a group, and places of a channel."""
    channels = gamma.size // groups
    return rows, groups, channels, (x.size // (rows * channels) if rows and channels else 1)


def _channels(x: Any, gamma: Any, places: int) -> tuple[int, int, int, int]:
    """N, C, P of x as ``(N, C, P)``, and how many channels a block takes: one, where its places fill whole reads."""
    C = gamma.size
    return (x.size // (C * places) if C and places else 0), C, places, (1 if places >= TILE else TILE)


@body(kernels.layer_norm)
def layer_norm(x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    return _normalized(x, gamma, beta, x.shape[:-1], 1, eps)


@body(kernels.layer_norm_backward, wide=(1, 2))
def layer_norm_backward(dout: Any, xhat: Any, rstd: Any, gamma: Any) -> Any:
    return _through(dout, xhat, rstd, gamma, 1, True)


@body(kernels.layer_norm_backward_onto, wide=(1, 2))
def layer_norm_backward_onto(dout: Any, xhat: Any, rstd: Any, gamma: Any, around: Any) -> Any:
    if around.shape != dout.shape:
        return kernels.layer_norm_backward_onto.reference(dout, xhat, rstd, gamma, around)
    return _through(dout, xhat, rstd, gamma, 1, True, around)


@body(kernels.rms_norm)
def rms_norm(x: Any, gamma: Any, eps: float) -> Any:
    return _normalized(x, gamma, None, x.shape[:-1], 1, eps)


@body(kernels.rms_norm_backward, wide=(1, 2))
def rms_norm_backward(dout: Any, xhat: Any, rstd: Any, gamma: Any) -> Any:
    return _through(dout, xhat, rstd, gamma, 1, False)[:2]


@body(kernels.group_norm)
def group_norm(x: Any, gamma: Any, beta: Any, groups: int, eps: float) -> Any:
    return _normalized(x, gamma, beta, (x.shape[0], groups), groups, eps)


@body(kernels.group_norm_backward, wide=(1, 2))
def group_norm_backward(dout: Any, xhat: Any, rstd: Any, gamma: Any) -> Any:
    return _through(dout, xhat, rstd, gamma, rstd.shape[1], True)


@body(kernels.batch_norm)
def batch_norm(x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    wide = WIDE[x.dtype.name]
    y, xhat, rstd = (
        cupy.empty_like(x),
        cupy.empty(x.shape, wide),
        cupy.empty((1, gamma.size) + (1,) * (x.ndim - 2), wide),
    )
    mean, var = cupy.empty(gamma.shape, wide), cupy.empty(gamma.shape, wide)
    N, C, P, tile = _channels(x, gamma, prod(x.shape[2:]))
    arrays = (x, gamma, beta, y, xhat, rstd, mean, var)
    launch_tiles(FILE, "batch_norm", x.dtype, C, max(N * P, 1), tile, *arrays, N, C, P, tile, float(eps))
    return y, xhat, rstd, mean, var


@body(kernels.batch_norm_backward, wide=(1, 2))
def batch_norm_backward(dout: Any, xhat: Any, rstd: Any, gamma: Any) -> Any:
    dx, dgamma, dbeta = cupy.empty_like(dout), cupy.empty_like(gamma), cupy.empty_like(gamma)
    N, C, P, tile = _channels(dout, gamma, prod(dout.shape[2:]))
    arrays = (dout, xhat, rstd, gamma, dx, dgamma, dbeta)
    launch_tiles(FILE, "batch_norm_backward", dout.dtype, C, max(N * P, 1), tile, *arrays, N, C, P, tile)
    return dx, dgamma, dbeta


@body(kernels.batch_norm_predict, wide=(3, 4))
def batch_norm_predict(x: Any, gamma: Any, beta: Any, mean: Any, var: Any, eps: float) -> Any:
    y = cupy.empty_like(x)
    sizes = (x.size, gamma.size, prod(x.shape[2:]))
    launch_each(FILE, "batch_norm_predict", x.dtype, x.size, x, gamma, beta, mean, var, y, *sizes, float(eps))
    return y
