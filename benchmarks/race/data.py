"""What every competitor starts from: the batches of a workload and its weights, in files."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from benchmarks.race.weights import weights
from benchmarks.race.workloads import (
    ATTENTION,
    CLASSES,
    CONVNET,
    FILTER,
    FUNCTIONS,
    GENERATE,
    LIKELIHOOD,
    LSTM,
    PIXELS,
    RESNET,
    SIDE,
    TRANSFORMER,
    Workload,
)
from xpnet.backend import use_backend
from xpnet.datasets import load_mnist
from xpnet.datasets.mnist import CHECKSUMS, cache_folder
from xpnet.random import Generator

Values: TypeAlias = "np.ndarray[Any, Any]"


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
    if workload.kind in (TRANSFORMER, LSTM, GENERATE):
        vocabulary, context = workload.sizes[:2]
        text = Generator(0).integers(vocabulary, (count, N, context + 1), "bench.text")
        text[..., 1::2] = (7 * text[..., 0:-1:2] + 3) % vocabulary  # every second token can be learnt
        return np.ascontiguousarray(text[..., :-1]), np.ascontiguousarray(text[..., 1:])
    if workload.kind == RESNET:
        side = workload.sizes[0]
        return _drawn("x", count, N, 3, side, side), Generator(0).integers(CLASSES, (count, N), "bench.t")
    if workload.kind in (ATTENTION, *FUNCTIONS):
        return _of_numbers(workload)
    shape = (1, SIDE, SIDE) if workload.kind == CONVNET else (workload.sizes[0],)
    if shape[-1] not in (SIDE, PIXELS):
        return _drawn("x", count, N, *shape), Generator(0).integers(workload.sizes[-1], (count, N), "bench.t")
    images, labels = mnist() if has_mnist() else synthetic()
    rows = np.arange(count * N) % len(images)
    return images[rows].reshape(count, N, *shape), labels[rows].reshape(count, N)


def _of_numbers(workload: Workload) -> tuple[Values, Values]:
    """Return inputs and targets of attention and filters, noise and residuals of likelihoods, points and directions."""
    count, size = workload.batches, workload.sizes[0]
    places = {ATTENTION: (workload.batch, *workload.sizes), FILTER: (size, size), LIKELIHOOD: (size, 1)}
    x, t = (_drawn(name, count, *places.get(workload.kind, (size,))) for name in "xt")
    if workload.kind == LIKELIHOOD:
        x = np.broadcast_to(np.eye(size, dtype=np.float32), (count, size, size))
    return x, t


def _drawn(name: str, *shape: int) -> Values:
    return Generator(0).uniform(shape, f"bench.{name}").astype(np.float32)


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
