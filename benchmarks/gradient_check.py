"""The full check of TwoLayerNet(784, 50, 10): batched, against one pair of evaluations per parameter.

``python benchmarks/gradient_check.py`` checks all 39,760 parameters on three images in float64 and prints the seconds
of both ways, and of the random directions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

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


def one_pair_per_parameter(net: TwoLayerNet, x: Any, t: Any, h: float = 1e-4) -> dict[str, Any]:
    """Return the book's numerical gradient: each parameter moved in place, two losses each."""
    gradients = {}
    for name, array in net.params.items():
        gradient = np.zeros_like(array)
        for index in np.ndindex(*array.shape):
            value = array[index]
            array[index] = value + h
            above = net.loss(x, t)
            array[index] = value - h
            below = net.loss(x, t)
            array[index] = value
            gradient[index] = (above - below) / (2 * h)
        gradients[name] = gradient
    return gradients


def main() -> None:
    xn.set_backend("numpy", dtype="float64")
    rng = Generator(0)
    net = TwoLayerNet(784, 50, 10, rng=rng)
    x, t = rng.uniform((3, 784), "x"), rng.integers(10, (3,), "t")
    pairs = seconds(lambda: one_pair_per_parameter(net, x, t))
    batched = seconds(lambda: xn.gradient_check(net, x, t))
    directions = seconds(lambda: xn.gradient_check(net, x, t, mode="directions"))
    print(f"one pair of losses per parameter, second order  {pairs:7.2f} s")
    print(f"gradient_check, batched, fourth order           {batched:7.2f} s  {pairs / batched:5.1f} times faster")
    print(
        f"gradient_check, 16 directions per parameter     {directions:7.2f} s  {pairs / directions:5.1f} times faster"
    )


if __name__ == "__main__":
    main()
