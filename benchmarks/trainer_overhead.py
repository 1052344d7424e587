"""Measure what a Trainer takes beside the bare loop over the same batches: 784-50-10, ReLU, SGD, batches of 100.

Run ``python benchmarks/trainer_overhead.py``; ``--rounds`` epochs of each are run in turns, and the fastest are
compared. ``--profile`` prints the Python calls of a step that only the Trainer makes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import xpnet as xn
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

ROWS, BATCH = 3_000, 100


def trainer_of() -> Trainer:
    rng = Generator(0)
    x = rng.uniform((ROWS, 784), "x").astype(np.float32)
    t = rng.integers(10, (ROWS,), "t")
    net = TwoLayerNet(784, 50, 10, rng=rng)
    return Trainer(net, SGD(0.1), (x, t), batch_size=BATCH, rng=rng, evaluate_rows=1)


def bare(trainer: Trainer, number: int) -> float:
    """The seconds of an epoch of the loop that one writes by hand, its losses kept."""
    net, optimizer, losses = trainer.network, trainer.optimizer, []
    start = time.perf_counter()
    for x, t in trainer.batches.epoch(number):
        loss, gradients = net.loss_and_gradient(x, t)
        optimizer.update(net.params, gradients)
        losses.append(loss)
    return time.perf_counter() - start


def counted(run: Callable[[], Any]) -> Counter[str]:
    """The Python calls of a run, by the function."""
    found: Counter[str] = Counter()

    def note(frame: Any, event: str, arg: Any) -> None:  # noqa: ARG001
        if event == "call":
            found[f"{frame.f_code.co_qualname} ({frame.f_globals.get('__name__')})"] += 1

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    xn.tune()
    steps = ROWS // BATCH
    trainer = trainer_of()  # one for both: the same arrays, at the same places of memory
    trainer.fit(1)
    if options.profile:
        theirs, ours = counted(lambda: bare(trainer, 2)), counted(lambda: trainer.fit(1))
        for name, count in (ours - theirs).most_common(25):
            print(f"{count / steps:8.2f} a step  {name}")
        return
    times: dict[str, list[float]] = {"trainer": [], "bare loop": []}
    for number in range(1, options.rounds + 1):
        times["trainer"].append(trainer.fit(1)[-1].seconds)
        times["bare loop"].append(bare(trainer, number))
    fastest = {name: min(found) / steps for name, found in times.items()}
    for name, seconds in fastest.items():
        print(f"{name:10} {1e6 * seconds:8.1f} us a step")
    print(f"ratio {fastest['trainer'] / fastest['bare loop']:.3f}")


if __name__ == "__main__":
    main()
