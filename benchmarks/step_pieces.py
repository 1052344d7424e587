"""Measure the pieces of a training step: each within a step, and repeated by itself.

``python benchmarks/step_pieces.py W1`` prints a Markdown table for a workload of the benchmark, tuned, in float32.
By itself a piece finds its code and its arrays where the last call has left them. In a step the other pieces were there
in between; and what one core has read for a product and another writes must be taken from it, a piece of memory after
the other, which takes long where the two share no cache.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import xpnet as xn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
TIMED = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W9", "W10")
parser.add_argument("workload", nargs="?", choices=TIMED, default="W1")
parser.add_argument("--seconds", type=float, default=1.0, help="for each piece, and for the steps")
options = parser.parse_args()

xn.tune()

import numpy as np  # noqa: E402  (after tune)

from benchmarks.race.data import batches  # noqa: E402
from benchmarks.race.peers.xpnet import BUILD, OPTIMIZERS  # noqa: E402
from benchmarks.race.weights import weights  # noqa: E402
from benchmarks.race.workloads import WORKLOADS  # noqa: E402

Piece = tuple[str, Callable[[], Any]]


def repeated(act: Callable[[], Any]) -> list[Any]:
    """Return the results of an act repeated within the time, at least five times, once warm."""
    found, end = [], perf_counter() + options.seconds
    act()
    while perf_counter() < end or len(found) < 5:
        found.append(act())
    return found


def timed(act: Callable[[], Any]) -> float:
    start = perf_counter()
    act()
    return (perf_counter() - start) * 1e6


workload = WORKLOADS[options.workload]
initial = {name: value.astype(np.float32) for name, value in weights(workload)}
net = BUILD[workload.kind](initial, SimpleNamespace(workload=asdict(workload)))
optimizer = OPTIMIZERS[workload.optimizer](workload.lr)
for layer in net.layers.values():
    if isinstance(layer, xn.layers.Dropout):
        layer.dropout_ratio = workload.drop
feed = cycle(zip(*batches(workload), strict=True))


def whole() -> None:
    _, grads = net.loss_and_gradient(*next(feed))
    optimizer.update(net.params, grads)


kept: list[Any] = []


def keep(value: Any) -> None:
    """Keep what a piece has given, until the next call of one."""
    kept[:] = [value]


def pieces() -> Iterator[Piece]:
    """Yield the pieces of a step, in order; each must have run before the next is asked for."""
    value, t = next(feed)
    for name, stage in stages.items():
        yield f"{name}, forward", lambda stage=stage, x=value: keep(stage(x))
        value = kept.pop()
    yield "loss, forward", lambda: loss(value, t)
    yield "loss, backward", lambda: keep(loss.backward(1.0))
    dout = kept.pop()
    for name, stage in reversed(stages.items()):
        yield f"{name}, backward", lambda stage=stage, d=dout: keep(stage.backward(d))
        dout = kept.pop()
    grads = net.grads
    yield "update", lambda: optimizer.update(net.params, grads)


steps = median(repeated(lambda: timed(whole)))
plan = net.plan()
stages, loss = plan.training.layers, plan.loss
for stage in plan.stages:  # for a backward that is repeated
    stage.once = False
    if stage.body is not None:
        stage.body.once = False
in_turn = repeated(lambda: [(name, timed(act)) for name, act in pieces()])
alone = [median(repeated(lambda act=act: timed(act))) for _, act in pieces()]
rows = [(column[0][0], median(time for _, time in column)) for column in zip(*in_turn, strict=True)]
print(f"| {workload.name}: {workload.summary} | in a step, µs | by itself, µs |\n|---|---:|---:|")
for (name, time), own in zip(rows, alone, strict=True):
    print(f"| {name} | {time:,.0f} | {own:,.0f} |")
print(f"| all pieces | {sum(time for _, time in rows):,.0f} | {sum(alone):,.0f} |")
print(f"| a whole step | {steps:,.0f} | |")
