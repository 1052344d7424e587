"""The initial weights of a workload by name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import numpy as np

from benchmarks.race.workloads import (
    ATTENTION,
    CLASSES,
    CONVNET,
    FILTERS,
    FUNCTIONS,
    GENERATE,
    HIDDEN,
    KERNEL,
    LSTM,
    MLP,
    NORMALIZED,
    RESNET,
    SIDE,
    TRANSFORMER,
    Workload,
)
from xpnet.random import Generator

Values: TypeAlias = "np.ndarray[Any, Any]"
Shapes: TypeAlias = "Iterator[tuple[str, tuple[int, ...]]]"


def weights(workload: Workload) -> Iterator[tuple[str, Values]]:
    """Yield the initial weights in float64 by name, in the order of computation; biases are zeros."""
    for name, shape in shapes(workload):
        if name.rpartition(".")[2].startswith("gamma"):
            yield name, np.ones(shape)
        elif len(shape) == 1:
            yield name, np.zeros(shape)
        else:
            std = workload.std or (2.0 / (prod(shape[1:]) if len(shape) == 4 else shape[0])) ** 0.5
            yield name, std * Generator(0).normal(shape, f"bench.{workload.name}.{name}")


def shapes(workload: Workload) -> Shapes:
    """Yield the names and shapes of the parameters; those of block 2 of a transformer are ``2.Wq, 2.bq …``."""
    of_kind = {
        MLP: _perceptron,
        CONVNET: _convnet,
        TRANSFORMER: _transformer,
        GENERATE: _transformer,
        RESNET: _resnet,
        LSTM: _lstm,
        ATTENTION: lambda workload: _attention("", workload.sizes[1]),
        NORMALIZED: _normalized,
    } | dict.fromkeys(FUNCTIONS, _matrices)
    return of_kind[workload.kind](workload)


def _perceptron(workload: Workload) -> Shapes:
    for index, (inputs, outputs) in enumerate(pairwise(workload.sizes), 1):
        yield from _affine("", index, inputs, outputs)


def _affine(path: str, index: int, inputs: int, outputs: int) -> Shapes:
    yield f"{path}W{index}", (inputs, outputs)
    yield f"{path}b{index}", (outputs,)


def _convnet(_: Workload) -> Shapes:
    yield "W1", (FILTERS, 1, KERNEL, KERNEL)
    yield "b1", (FILTERS,)
    yield from _affine("", 2, FILTERS * ((SIDE - KERNEL + 1) // 2) ** 2, HIDDEN)
    yield from _affine("", 3, HIDDEN, CLASSES)


def _transformer(workload: Workload) -> Shapes:
    vocabulary, context, width = workload.sizes[:3]
    yield "tokens", (vocabulary, width)
    yield "positions", (context, width)
    for block in range(1, workload.layers + 1):
        yield f"{block}.gamma1", (width,)
        yield f"{block}.beta1", (width,)
        yield from _attention(f"{block}.", width)
        yield f"{block}.gamma2", (width,)
        yield f"{block}.beta2", (width,)
        yield from _affine(f"{block}.", 1, width, 4 * width)
        yield from _affine(f"{block}.", 2, 4 * width, width)
    yield "gamma", (width,)
    yield "beta", (width,)
    yield "W", (width, vocabulary)


def _attention(path: str, width: int) -> Shapes:
    for letter, shape in (("W", (width, width)), ("b", (width,))):
        for part in "qkvo":
            yield f"{path}{letter}{part}", shape


def _resnet(workload: Workload) -> Shapes:
    """Yield those of each convolution and its normalization: the first one, then two and a shortcut in each stage."""
    _, *channels = workload.sizes
    yield from _convolved("first", 3, channels[0], 3)
    before = channels[0]
    for stage, after in enumerate(channels, 1):
        yield from _convolved(f"{stage}.1", before, after, 3)
        yield from _convolved(f"{stage}.2", after, after, 3)
        if before != after:
            yield from _convolved(f"{stage}.shortcut", before, after, 1)
        before = after
    yield "W", (before, CLASSES)
    yield "b", (CLASSES,)


def _convolved(path: str, before: int, after: int, size: int) -> Shapes:
    yield f"{path}.W", (after, before, size, size)
    for name in ("b", "gamma", "beta"):
        yield f"{path}.{name}", (after,)


def _lstm(workload: Workload) -> Shapes:
    vocabulary, _, width, units = workload.sizes
    yield "tokens", (vocabulary, width)
    yield "Wx", (width, 4 * units)
    yield "Wh", (units, 4 * units)
    yield "b", (4 * units,)
    yield from _affine("", 1, units, vocabulary)


def _normalized(workload: Workload) -> Shapes:
    *hidden, last = pairwise(workload.sizes)
    for index, (inputs, outputs) in enumerate(hidden, 1):
        yield from _affine("", index, inputs, outputs)
        yield f"gamma{index}", (outputs,)
        yield f"beta{index}", (outputs,)
    yield from _affine("", len(hidden) + 1, *last)


def _matrices(workload: Workload) -> Shapes:
    size, others = workload.sizes
    yield "W", (size, size)
    yield "V", (size, others)
