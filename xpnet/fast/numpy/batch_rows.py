"""Batch normalization of rows on NumPy: sums of columns are products, of some rows at a time that stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import PART, SIZE, Host, block_of, ones, workspace


def normalize_rows(
    x: Host,
    y: Host,
    kept: Host | None,
    mean: Host,
    var: Host,
    gamma: Host,
    beta: Host,
    eps: Any,
    by_batch: bool,
    cuts: bool,
    scale: Any,
) -> None:
    """Write y, and the statistics unless they are given."""
    parts = rows_in_blocks(x)
    if by_batch:
        total, squares = np.zeros((2, len(mean)))
        for at in parts:
            total += sums_of_rows(x[at])
        mean[:] = total / len(x)
        for at in parts:
            centred = np.subtract(x[at], mean, out=y[at])
            squares += sums_of_rows(np.multiply(centred, centred, out=workspace("rows", centred.shape, x.dtype)))
        var[:] = squares / len(x)
    factor = gamma / np.sqrt(var + eps)
    for at in parts:
        made = y[at]
        if not by_batch:
            np.subtract(x[at], mean, out=made)
        made *= factor
        made += beta
        if cuts:
            np.maximum(made, block_of(0.0, x.dtype)[0], out=made)
        if kept is not None:
            made *= np.multiply(kept[at], scale, out=workspace("rows", made.shape, x.dtype))


def through_rows(
    d: Host,
    x: Host,
    y: Host | None,
    dx: Host,
    mean: Host,
    var: Host,
    gamma: Host,
    dgamma: Host,
    dbeta: Host,
    eps: Any,
    by_batch: bool,
    needs_dx: bool,
    scale: Any,
) -> None:
    """Write dγ, dβ and dx."""
    parts, (total, along) = rows_in_blocks(x), np.zeros((2, len(mean)))
    for at in parts:
        douts = d[at]
        if y is not None:
            np.multiply(y[at] > 0, scale, out=dx[at])
            dx[at] *= douts
            douts = dx[at]
        total += sums_of_rows(douts)
        centred = np.subtract(x[at], mean, out=workspace("rows", douts.shape, d.dtype))
        centred *= douts
        along += sums_of_rows(centred)
    d = d if y is None else dx
    r = 1.0 / np.sqrt(var + eps)
    dbeta[:], dgamma[:] = total, along * r
    if not needs_dx:
        return
    factor = gamma * r
    less, slope = factor * (total / len(x)).astype(r.dtype), factor * r * r * (along / len(x)).astype(r.dtype)
    for at in parts:
        made = np.multiply(d[at], factor, out=dx[at])
        if by_batch:
            centred = np.subtract(x[at], mean, out=workspace("rows", made.shape, d.dtype))
            centred *= slope
            centred += less
            made -= centred


def rows_in_blocks(rows: Host) -> list[slice]:
    """Return the slices of rows that stay in the cache, and whose sums keep their digits."""
    step = min(PART, max(1, SIZE // rows.shape[1]))
    return [slice(first, first + step) for first in range(0, len(rows), step)]


def sums_of_rows(rows: Host) -> Host:
    """Return the sums of some columns, added by BLAS."""
    found: Host = ones(len(rows), rows.dtype) @ rows
    return found
