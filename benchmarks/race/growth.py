"""Growth: what batch, width and depth do to the time of a step and to its memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median

from benchmarks.race.data import write
from benchmarks.race.peers import Competitor
from benchmarks.race.process import Process, Setting
from benchmarks.race.racing import CHUNK, CHUNKS
from benchmarks.race.weights import shapes
from benchmarks.race.workloads import MLP, Workload

BATCH, WIDTH, DEPTH = 100, 256, 3
INPUTS, OUTPUTS = 256, 10
AXES = {
    "batch": [2**k for k in range(14)],
    "width": [2**k for k in range(4, 13)],
    "depth": [2, 3, 5, 10, 20, 30, 50, 70, 100],
}


@dataclass(frozen=True)
class Growth:
    """A step of an MLP at one place on one axis: seconds, and the bytes that the training took."""

    axis: str
    value: int
    parameters: int
    seconds: float
    grown: int | None


def workload(axis: str, value: int) -> Workload:
    """Return an MLP: ``depth`` affine layers, ``width`` units between them, ``batch`` rows of 256 values, momentum."""
    of = {"batch": BATCH, "width": WIDTH, "depth": DEPTH, axis: value}
    sizes = (INPUTS, *[of["width"]] * (of["depth"] - 1), OUTPUTS)
    return Workload(f"{axis} {value}", MLP, "", sizes, of["batch"], "momentum", 1e-3, batches=2)


def grow(
    competitor: Competitor,
    setting: Setting,
    rounds: int,
    on_point: Callable[[str], object] = lambda _: None,
    axes: dict[str, list[int]] = AXES,
) -> Iterator[Growth]:
    """Measure each point in a process of its own.

    Raises: ``Failed`` where the competitor cannot run.
    """
    for axis, values in axes.items():
        for value in values:
            on_point(f"{axis} {value}")
            yield point(competitor, setting, rounds, axis, value)


def point(competitor: Competitor, setting: Setting, rounds: int, axis: str, value: int) -> Growth:
    work = workload(axis, value)
    with tempfile.TemporaryDirectory(prefix="xpnet-bench-") as folder:
        write(work, Path(folder))
        with Process(competitor, work, Path(folder), setting) as process:
            process.answer()
            seconds = [s for _ in range(rounds) for s in process.ask("time", seconds=CHUNK, chunks=CHUNKS)]
            memory = process.ask("memory")
    parameters = sum(prod(shape) for _, shape in shapes(work))
    return Growth(axis, value, parameters, median(seconds), memory["grown"])
