"""Dropout by a compiled Philox4x64-10, whose numbers are those of ``Generator``, and which threads share."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from xpnet.fast.numba.compiler import compiled, flat, in_order
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy import dropout
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import body
from xpnet.layers.dropout import Dropout
from xpnet.random import drawn_before, kept_below

WORK = 8  # multiplications that a number counts as
ROUNDS = 10
FACTORS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)  # of the key, from round to round


@body("numba", Dropout)
class DroppedInAPass(dropout.DroppedByBytes):
    """Dropout in one pass each way."""

    def kept_of(self, layer: Dropout, shape: tuple[int, ...]) -> Host:
        return drawn(layer, shape)

    def through(self, x: Host, kept: Host, scale: Any) -> Any:
        if not in_order(x):
            return super().through(x, kept, scale)
        y = np.empty_like(x)
        multiply(flat(x), flat(kept), scale, flat(y))
        return y


def drawn(layer: Dropout, shape: tuple[int, ...]) -> Host:
    """Return where the layer keeps values at its step, and count the step."""
    kept, step = np.empty(prod(shape), np.bool_), np.uint64(layer.step_of(np.empty(0)))
    key, before = layer.rng.key(layer.stream), drawn_before(kept.size)
    least = np.uint64(kept_below(1.0 - layer.dropout_ratio))
    jobs = -(-(before + kept.size) // 8) - before // 8
    shared(jobs, kept.size * WORK, partial(draw, kept, key[0], key[1], step, least, before))
    layer.step += 1
    return kept.reshape(shape)


@intrinsic  # type: ignore[untyped-decorator]
def high_half(typing: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 (the compiler reads the names)
    """Return the upper 64 bits of a product."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ARG001
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(given[0], wide), builder.zext(given[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@compiled
def draw(kept: Host, key0: Any, key1: Any, step: Any, least: Any, before: Any, first: Any, last: Any) -> None:
    """Compare the numbers of some counters, eight each, with the least that is not kept."""
    half = np.uint64(32)
    low = np.uint64(0xFFFFFFFF)
    words = np.empty(4, np.uint64)
    for job in range(first, last):
        counter = before // 8 + job
        a, b, c, d = np.uint64(counter + 1), np.uint64(0), step, np.uint64(0)
        k0, k1 = key0, key1
        for _ in range(ROUNDS):
            a, b, c, d = (
                high_half(FACTORS[1], c) ^ b ^ k0,
                FACTORS[1] * c,
                high_half(FACTORS[0], a) ^ d ^ k1,
                FACTORS[0] * a,
            )
            k0 += STEPS[0]
            k1 += STEPS[1]
        words[0], words[1], words[2], words[3] = a, b, c, d
        start = counter * 8 - before
        if start >= 0 and start + 8 <= len(kept):
            for w in range(4):
                kept[start + 2 * w] = (words[w] & low) < least
                kept[start + 2 * w + 1] = (words[w] >> half) < least
        else:
            for i in range(8):
                if 0 <= start + i < len(kept):
                    word = words[i // 2]
                    kept[start + i] = (word >> half if i % 2 else word & low) < least


@compiled
def multiply(x: Host, kept: Host, scale: Any, y: Host) -> None:
    """Multiply by 0 or a number, so that inf and NaN stay visible."""
    zero = x.dtype.type(0)
    for i in range(len(x)):
        y[i] = x[i] * (scale if kept[i] else zero)
