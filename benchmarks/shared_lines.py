"""Measure the cost of one core writing to what another has read: an update of weights after a product.

``python benchmarks/shared_lines.py`` prints a Markdown row for each second. In a product all cores read the weights W
of W1; the update, which one core does, then has to take each line of them from the caches of the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import xpnet as xn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=int, default=5)
options = parser.parse_args()

xn.tune()

import numpy as np  # noqa: E402  (after tune)

draw = np.random.default_rng(0)
x, W = draw.random((100, 784), dtype=np.float32), draw.random((784, 50), dtype=np.float32)
y, step = np.empty((100, 50), np.float32), np.zeros_like(W)
LINES = W.nbytes / 64


def product() -> None:
    np.matmul(x, W, out=y)


def nothing() -> None:
    pass


def update_after(act: Callable[[], None]) -> float:
    """Return the median time of an update in µs, in half a second."""
    times, end = [], perf_counter() + 0.5
    while perf_counter() < end:
        act()
        start = perf_counter()
        np.subtract(W, step, out=W)
        times.append(perf_counter() - start)
    return median(times) * 1e6


print("| second | update alone, µs | after a product, µs | more for a line, ns |\n|---:|---:|---:|---:|")
for second in range(options.seconds):
    alone, after = update_after(nothing), update_after(product)
    print(f"| {second} | {alone:.1f} | {after:.1f} | {(after - alone) / LINES * 1e3:.1f} |", flush=True)
