"""Where a training step's time goes: each piece repeated by itself, and the whole.

``python benchmarks/step_pieces.py W1`` prints a Markdown table for a workload of ``xpnet bench``, tuned, in float32.
In turn they take longer than alone, and the whole is more than their sum.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import xpnet as xn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("workload", nargs="?", choices=("W1", "W2", "W3", "W4", "W5"), default="W1")
parser.add_argument("--seconds", type=float, default=1.0, help="for each piece")
options = parser.parse_args()

xn.tune()

import numpy as np  # noqa: E402  (after tune)

from xpnet.benchmark.peers.xpnet import BUILD, OPTIMIZERS  # noqa: E402
from xpnet.benchmark.workloads import WORKLOADS, batches, weights  # noqa: E402


def microseconds(act: Callable[[], Any]) -> float:
    """The median time of a call, once warm."""
    times, end = [], perf_counter() + options.seconds
    act()
    while perf_counter() < end or len(times) < 5:
        start = perf_counter()
        act()
        times.append(perf_counter() - start)
    return median(times) * 1e6


workload = WORKLOADS[options.workload]
initial = {name: value.astype(np.float32) for name, value in weights(workload)}
net = BUILD[workload.kind](initial, SimpleNamespace(workload=asdict(workload)))
optimizer = OPTIMIZERS[workload.optimizer](workload.lr)
pairs = list(zip(*batches(workload), strict=True))
x, t = pairs[0]
turn = iter(range(10**9))


def whole() -> None:
    _, grads = net.loss_and_gradient(*pairs[next(turn) % len(pairs)])
    optimizer.update(net.params, grads)


rows = [("a whole step", microseconds(whole))]
with net._without_dx():
    value, douts = x, []
    for piece in net._steps():
        rows.append((f"{type(piece).__name__}, forward", microseconds(lambda piece=piece, x=value: piece(x))))
        value = piece(value)
    loss = net.last_layer
    rows.append(("loss, forward", microseconds(lambda: loss(value, t))))
    rows.append(("loss, backward", microseconds(lambda: loss.backward(1.0))))
    dout = loss.backward(1.0)
    for piece in reversed(net._visited()):
        rows.append((f"{type(piece).__name__}, backward", microseconds(lambda piece=piece, d=dout: piece.backward(d))))
        dout = piece.backward(dout)
grads = net.grads
rows.append(("update", microseconds(lambda: optimizer.update(net.params, grads))))
rows.append(("all pieces", sum(time for _, time in rows[1:])))
print(f"| {workload.name}: {workload.summary} | µs |\n|---|---:|")
for name, time in rows:
    print(f"| {name} | {time:,.0f} |")
