"""Measure layers beside their arithmetic: networks of many layers of one unit, in microseconds a layer.

Run ``python benchmarks/layer_overhead.py``; ``--profile`` prints the functions in which a step spends its time.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable
from statistics import median
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the threads are counted when it loads)

from xpnet.layers import Affine, IdentityWithLoss, Layer, Relu  # noqa: E402
from xpnet.networks import Sequential  # noqa: E402
from xpnet.optimizers import SGD, Momentum  # noqa: E402

DEPTH, ROUNDS, CALLS = 100, 40, 10


def affine() -> Affine:
    return Affine(np.ones((1, 1), dtype=np.float32), np.zeros(1, dtype=np.float32))


def parts(make: Callable[[], Layer]) -> dict[str, Callable[[], Any]]:
    """Return the parts of a step of a deep network of such layers, each with all that stands above it."""
    net = Sequential(affine(), *(make() for _ in range(DEPTH)), loss=IdentityWithLoss())
    layers = list(net.layers.values())[1:]
    x, t = np.ones((1, 1), dtype=np.float32), np.ones((1, 1), dtype=np.float32)
    net.loss_and_gradient(x, t)
    forward, backward = (getattr(type(layers[0]), name) for name in ("forward", "backward"))

    def forwards(step: Callable[[Any, Any], Any]) -> Callable[[], Any]:
        def run() -> Any:
            y = x
            for layer in layers:
                y = step(layer, y)
            return y

        return run

    def backwards(step: Callable[[Any, Any], Any]) -> Callable[[], Any]:
        def run() -> Any:
            dout = x
            for layer in reversed(layers):
                dout = step(layer, dout)
            return dout

        return run

    found = {
        "forward: equations": forwards(forward.__wrapped__),
        "forward: with entry checks": forwards(forward),
        "forward: layer(x)": forwards(lambda layer, y: layer(y)),
        "backward: equations": backwards(backward.__wrapped__),
        "backward: with the check of dout": backwards(backward),
        "net.loss_and_gradient(x, t)": lambda: net.loss_and_gradient(x, t),
    }
    if layers[0].parameters:
        grads = net.grads
        found["net.grads"] = lambda: net.grads
        for optimizer in (SGD(1e-9), Momentum(1e-9)):
            found[f"{type(optimizer).__name__}.update"] = lambda o=optimizer: o.update(net.params, grads)
    return found


def microseconds(run: Callable[[], Any]) -> float:
    """Return the median time for each layer."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            run()
        times.append((time.perf_counter() - start) / CALLS / DEPTH * 1e6)
    return median(times)


def profile() -> None:
    run = parts(affine)["net.loss_and_gradient(x, t)"]
    with cProfile.Profile() as profiler:
        for _ in range(200):
            run()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="print the functions that take most of a step")
    if parser.parse_args().profile:
        profile()
        return
    tables = [{name: microseconds(run) for name, run in parts(make).items()} for make in (affine, Relu)]
    print("| µs a layer | Affine (1, 1) | Relu |")
    print("|---|---:|---:|")
    for name in tables[0]:
        print(f"| {name} | {' | '.join(f'{table[name]:.2f}' if name in table else '' for table in tables)} |")


if __name__ == "__main__":
    main()
