"""The full check of TwoLayerNet(784, 50, 10): batched, against one pair of evaluations per parameter.

``python benchmarks/gradient_check.py`` checks all 39,760 parameters on three images in float64 and prints the seconds
of both ways, and of the random directions; then those of ``numerical_gradient`` and of a loop for 20,000 numbers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import xpnet as xn
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

ROUNDS = 3


def seconds(run: Callable[[], Any]) -> float:
    """Return the median time of some runs."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def in_place(f: Callable[[Any], Any], array: Any, h: float = 1e-4) -> Any:
    """Return the book's numerical gradient: each number moved in place, two values each."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        value = array[index]
        array[index] = value + h
        above = f(array)
        array[index] = value - h
        below = f(array)
        array[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient


def main() -> None:
    xn.set_backend("numpy", dtype="float64")
    rng = Generator(0)
    net = TwoLayerNet(784, 50, 10, rng=rng)
    x, t = rng.uniform((3, 784), "x"), rng.integers(10, (3,), "t")
    pairs = seconds(lambda: [in_place(lambda _: net.loss(x, t), array) for array in net.params.values()])
    batched = seconds(lambda: xn.gradient_check(net, x, t))
    directions = seconds(lambda: xn.gradient_check(net, x, t, mode="directions"))
    print(f"one pair of losses per parameter, second order  {pairs:7.2f} s")
    print(f"gradient_check, batched, fourth order           {batched:7.2f} s  {pairs / batched:5.1f} times faster")
    print(
        f"gradient_check, 16 directions per parameter     {directions:7.2f} s  {pairs / directions:5.1f} times faster"
    )
    numbers = rng.normal((20_000,), "numbers")
    loop = seconds(lambda: in_place(lambda x: np.sum(x * x), numbers))
    numerical = seconds(lambda: xn.numerical_gradient(lambda x: np.sum(x * x), numbers))
    print(
        f"numerical_gradient of 20,000 numbers            {numerical:7.2f} s  {numerical / loop:5.2f} of a loop's time"
    )


if __name__ == "__main__":
    main()
