"""CUDA bodies of the normalizations: one launch forward; backward one launch for batches, two for rows.

Those of rows keep x itself, with μ and r of each row. For float16, x̂ and the numbers beside it are float32.
"""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from xpnet.fast.cupy import launch
from xpnet.fast.cupy.launch import (
    TILE,
    WIDE,
    CudaBody,
    launch_each,
    launch_rows,
    launch_tiles,
    of_one,
    ordered,
    upstream,
)
from xpnet.layers.bodies import body
from xpnet.layers.normalization import BatchNormalization, GroupNormalization, LayerNormalization
from xpnet.layers.rms_normalization import RMSNormalization

FILE = "normalization"
BLOCKS = 128  # blocks among which a backward divides the rows, each with its own sums


@body("cupy", LayerNormalization)
class RowsInOneLaunch(CudaBody):
    """Layer normalization with a block for a row: one launch for statistics and y, another for dx and partial sums."""

    centred = True

    def forward(self, x: Any) -> Any:
        gamma, beta = self.layer.gamma, self.layer.beta if self.centred else None
        if not of_one(x, gamma) or not self.fits(x.shape, gamma.shape) or not goes_with(beta, gamma):
            return NotImplemented
        x, gamma, beta = ordered(x, gamma, 0 if beta is None else beta)
        y, statistics = cupy.empty_like(x), cupy.empty((*self.rows(x), 2), WIDE[x.dtype.name])
        sizes = rows, _, channels, places = self.sizes(x, statistics)
        arrays = (x, gamma, beta, y, statistics)
        launch_rows(FILE, "normalize_rows", x.dtype, rows, channels * places, *arrays, *sizes, float(self.layer.eps))
        self.cache = x, gamma, statistics
        return y

    def fits(self, shape: tuple[int, ...], own: tuple[int, ...]) -> bool:
        """Return whether γ has a value for each channel of x."""
        return shape[-1:] == own

    def rows(self, x: Any) -> tuple[int, ...]:
        """Return the shape of the statistics."""
        return x.shape[:-1]  # type: ignore[no-any-return]

    def groups(self) -> int:
        return 1

    def sizes(self, x: Any, statistics: Any) -> tuple[int, int, int, int]:
        """Return the numbers of rows, groups, channels in a group, and places in a channel."""
        rows, groups = statistics.size // 2, self.groups()
        channels = self.layer.gamma.size // groups
        return rows, groups, channels, (x.size // (rows * channels) if rows and channels else 1)

    def backward(self, dout: Any) -> Any:
        x, gamma, statistics = self.cache
        layer, dout = self.layer, upstream(dout, x)
        dx, dgamma = cupy.empty_like(dout), cupy.empty_like(gamma)
        dbeta = cupy.empty_like(gamma) if self.centred else 0
        sizes = rows, _, channels, places = self.sizes(x, statistics)
        alone = self.groups() == places == 1 and channels
        blocks = min(rows, BLOCKS, launch.MOST_BLOCKS) if alone else None
        parts = cupy.empty((blocks, 2, channels), WIDE[x.dtype.name]) if alone else 0
        around = self.taken_around(dx.shape, dx.dtype)
        arrays, width = (dout, x, statistics, gamma, 0 if around is None else around, dx, parts), channels * places
        launch_rows(FILE, "normalize_rows_dx", x.dtype, rows, width, *arrays, *sizes, int(self.centred), most=blocks)
        if not self.trains:
            return dx if self.needs_dx else None
        if blocks is not None:
            results = (dgamma, dbeta, blocks, channels, TILE)
            launch_tiles(FILE, "sum_scales", x.dtype, 2 * channels, max(blocks, 1), TILE, parts, *results)
        else:
            N, C, P, tile = of_channels(x, gamma, places)
            of_scales = (dout, x, statistics, dgamma, dbeta)
            launch_tiles(
                FILE, "scale_and_shift", x.dtype, C, max(N * P, 1), tile, *of_scales, N, C, P, max(width, 1), tile
            )
        layer.dgamma = dgamma
        if self.centred:
            layer.dbeta = dbeta
        return dx if self.needs_dx else None


@body("cupy", RMSNormalization)
class MeanSquaresInOneLaunch(RowsInOneLaunch):
    """RMS normalization with a block for a row, as layer normalization without its mean and β."""

    centred = False


@body("cupy", GroupNormalization)
class GroupsInOneLaunch(RowsInOneLaunch):
    """Group normalization with a block for a group of a sample, as layer normalization has for a row."""

    def fits(self, shape: tuple[int, ...], own: tuple[int, ...]) -> bool:
        return len(shape) > 1 and shape[1:2] == own

    def rows(self, x: Any) -> tuple[int, ...]:
        return x.shape[0], self.layer.groups

    def groups(self) -> int:
        return self.layer.groups  # type: ignore[no-any-return]


@body("cupy", BatchNormalization)
class ChannelsInOneLaunch(CudaBody):
    """Batch normalization with a block for some adjacent channels, as memory delivers them, in one launch each way."""

    def forward(self, x: Any) -> Any:
        layer, (gamma, beta) = self.layer, ordered(self.layer.gamma, self.layer.beta)
        if not of_one(x, gamma) or x.ndim < 2 or x.shape[1:2] != gamma.shape or not goes_with(beta, gamma):
            return NotImplemented
        if not self.training:
            return self.predicted(ordered(x)[0], gamma, beta)
        if not layer.training:
            return NotImplemented  # the layer is frozen
        layer.check_values(x)
        (x,), wide = ordered(x), WIDE[x.dtype.name]
        y, xhat, (r, mean, var) = cupy.empty_like(x), cupy.empty(x.shape, wide), cupy.empty((3, gamma.size), wide)
        N, C, P, tile = of_channels(x, gamma, prod(x.shape[2:]))
        arrays = (x, gamma, beta, y, xhat, r, mean, var)
        launch_tiles(FILE, "batch_norm", x.dtype, C, max(N * P, 1), tile, *arrays, N, C, P, tile, float(layer.eps))
        layer.follow(mean, var)
        self.cache = xhat, r, gamma
        return y

    def predicted(self, x: Any, gamma: Any, beta: Any) -> Any:
        """Return the output for the running statistics."""
        layer = self.layer
        mean, var = ordered(layer.running_mean, layer.running_var)
        if not mean.dtype == var.dtype == WIDE[x.dtype.name] or not mean.shape == var.shape == gamma.shape:
            return NotImplemented
        y, sizes = cupy.empty_like(x), (x.size, gamma.size, prod(x.shape[2:]))
        arrays = (x, gamma, beta, mean, var, y)
        launch_each(FILE, "batch_norm_predict", x.dtype, x.size, *arrays, *sizes, float(layer.eps))
        return y

    def backward(self, dout: Any) -> Any:
        xhat, r, gamma = self.cache
        layer, dout = self.layer, upstream(dout, gamma)
        dx, layer.dgamma, layer.dbeta = cupy.empty_like(dout), cupy.empty_like(gamma), cupy.empty_like(gamma)
        N, C, P, tile = of_channels(dout, gamma, prod(dout.shape[2:]))
        arrays = (dout, xhat, r, gamma, dx, layer.dgamma, layer.dbeta)
        launch_tiles(FILE, "batch_norm_backward", dout.dtype, C, max(N * P, 1), tile, *arrays, N, C, P, tile)
        return dx if self.needs_dx else None


def goes_with(beta: Any, gamma: Any) -> bool:
    """Return whether β is None or has the dtype and shape of γ."""
    return beta is None or (beta.dtype == gamma.dtype and beta.shape == gamma.shape)


def of_channels(x: Any, gamma: Any, places: int) -> tuple[int, int, int, int]:
    """Return N, C, P of x as ``(N, C, P)``, and the channels per block: one if its places fill whole reads."""
    C = gamma.size
    return (x.size // (C * places) if C and places else 0), C, places, (1 if places >= TILE else TILE)
