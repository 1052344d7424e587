"""The workloads: small trainings of the kinds people run, each with its data and its initial weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import use_backend
from xpnet.datasets import load_mnist
from xpnet.datasets.mnist import CHECKSUMS, cache_folder
from xpnet.random import Generator

Values: TypeAlias = "np.ndarray[Any, Any]"

MLP, CONVNET, TRANSFORMER = "mlp", "convnet", "transformer"
CLASSES, PIXELS, SIDE = 10, 784, 28
FILTERS, KERNEL, HIDDEN = 30, 5, 100


@dataclass(frozen=True)
class Workload:
    """A training: a network, a batch size and an optimizer.

    ``sizes`` are the widths of an MLP from input to output; vocabulary, context and width of a transformer.
    ``std`` is that of the initial weights, None for He's. ``agree`` maps a number of steps to the relative difference
    that float32 allows in the loss after them: Adam divides by the size of each gradient, which spreads rounding.
    """

    name: str
    kind: str
    summary: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    lr: float
    batches: int = 20
    std: float | None = None
    layers: int = 0
    heads: int = 0
    agree: dict[int, float] = field(default_factory=dict)


EARLY = {1: 1e-5, 2: 1e-4}
LATE = {1: 1e-5, 20: 1e-5}

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "W1", MLP, "784-50-10, SGD, batch 100", (784, 50, 10), 100, "sgd", 0.1, batches=100, std=0.01, agree=LATE
        ),
        Workload("W2", MLP, "784-512-512-10, Adam, batch 128", (784, 512, 512, 10), 128, "adam", 1e-3, 80, agree=EARLY),
        Workload(
            "W3", MLP, "784-2048-2048-10, momentum, batch 512", (784, 2048, 2048, 10), 512, "momentum", 0.01, agree=LATE
        ),
        Workload(
            "W4", CONVNET, "the book's SimpleConvNet, Adam, batch 100", (), 100, "adam", 1e-3, 60, 0.01, agree=EARLY
        ),
        Workload(
            "W5",
            TRANSFORMER,
            "transformer, 4 layers of width 128, AdamW, batch 16 of 64 tokens",
            (96, 64, 128),
            16,
            "adamw",
            3e-4,
            std=0.02,
            layers=4,
            heads=4,
            agree=EARLY,
        ),
    )
}


def write(workload: Workload, folder: Path) -> None:
    """Write what every competitor starts from: batches and weights in float32, and the weights in float64.

    Files: ``batches.npz`` with x and t, ``weights.npz`` and ``weights64.npz`` with an array for each name.
    """
    x, t = batches(workload)
    np.savez(folder / "batches.npz", x=x, t=t)
    exact = dict(weights(workload))
    np.savez(folder / "weights64.npz", **exact)  # type: ignore[arg-type]
    np.savez(folder / "weights.npz", **{name: value.astype(np.float32) for name, value in exact.items()})  # type: ignore[arg-type]


def batches(workload: Workload) -> tuple[Values, Values]:
    """Return the batches, x and t with an axis of batches in front."""
    count, N = workload.batches, workload.batch
    if workload.kind == TRANSFORMER:
        vocabulary, context, _ = workload.sizes
        text = Generator(0).integers(vocabulary, (count, N, context + 1), "bench.text")
        text[..., 1::2] = (7 * text[..., 0:-1:2] + 3) % vocabulary  # every second token can be learnt
        return np.ascontiguousarray(text[..., :-1]), np.ascontiguousarray(text[..., 1:])
    shape = (1, SIDE, SIDE) if workload.kind == CONVNET else (workload.sizes[0],)
    if shape[-1] not in (SIDE, PIXELS):
        x = Generator(0).uniform((count, N, *shape), "bench.x").astype(np.float32)
        return x, Generator(0).integers(workload.sizes[-1], (count, N), "bench.t")
    images, labels = mnist() if has_mnist() else synthetic()
    rows = np.arange(count * N) % len(images)
    return images[rows].reshape(count, N, *shape), labels[rows].reshape(count, N)


def has_mnist() -> bool:
    """Return whether MNIST lies on this machine: a benchmark fetches nothing."""
    if os.environ.get("XPNET_DATA"):
        return True
    return all(any((cache_folder() / f"{name}{end}").is_file() for end in ("", ".gz")) for name in CHECKSUMS)


@cache
def mnist() -> tuple[Values, Values]:
    with use_backend("numpy", dtype="float32"):
        (x, t), _ = load_mnist()
    return np.asarray(x[:20_000]), np.asarray(t[:20_000])


@cache
def synthetic(count: int = 10_000) -> tuple[Values, Values]:
    """Return images of MNIST's shape: ten blurred figures, one a class, with noise on every pixel."""
    rng = Generator(0)
    labels = rng.integers(CLASSES, (count,), "bench.labels")
    figures = rng.uniform((CLASSES, PIXELS), "bench.figures") < 0.2
    noise = rng.uniform((count, PIXELS), "bench.noise")
    return (figures[labels] * (0.5 + 0.5 * noise)).astype(np.float32), labels


def weights(workload: Workload) -> Iterator[tuple[str, Values]]:
    """Yield the initial weights in float64 by name, in the order of computation; biases are zeros."""
    for name, shape in shapes(workload):
        if name.partition(".")[2].startswith("gamma") or name.startswith("gamma"):
            yield name, np.ones(shape)
        elif len(shape) == 1:
            yield name, np.zeros(shape)
        else:
            std = workload.std or (2.0 / shape[0]) ** 0.5
            yield name, std * Generator(0).normal(shape, f"bench.{workload.name}.{name}")


def shapes(workload: Workload) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the names and shapes of the parameters; those of block 2 of a transformer are ``2.Wq, 2.bq …``."""
    if workload.kind == TRANSFORMER:
        vocabulary, context, width = workload.sizes
        yield "tokens", (vocabulary, width)
        yield "positions", (context, width)
        for block in range(1, workload.layers + 1):
            yield f"{block}.gamma1", (width,)
            yield f"{block}.beta1", (width,)
            for letter in "qkvo":
                yield f"{block}.W{letter}", (width, width)
                yield f"{block}.b{letter}", (width,)
            yield f"{block}.gamma2", (width,)
            yield f"{block}.beta2", (width,)
            yield from _affine(f"{block}.", 1, width, 4 * width)
            yield from _affine(f"{block}.", 2, 4 * width, width)
        yield "gamma", (width,)
        yield "beta", (width,)
        yield "W", (width, vocabulary)
        return
    first, widths = 1, workload.sizes
    if workload.kind == CONVNET:
        yield "W1", (FILTERS, 1, KERNEL, KERNEL)
        yield "b1", (FILTERS,)
        first, widths = 2, (FILTERS * ((SIDE - KERNEL + 1) // 2) ** 2, HIDDEN, CLASSES)
    for index, (inputs, outputs) in enumerate(pairwise(widths), first):
        yield from _affine("", index, inputs, outputs)


def _affine(path: str, index: int, inputs: int, outputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{path}W{index}", (inputs, outputs)
    yield f"{path}b{index}", (outputs,)
