"""Measure the updates of optimizers beside torch, of one large parameter and of many small ones: a table in markdown.

Run ``python benchmarks/optimizers.py``; ``--only Adam`` picks rows by name, ``--threads 1`` on one core. As in
``single_layers.py`` each competitor has a process of its own, stopped while the others run, and all take turns on each
row; times are minima, on one thread those of the processor. The parameters are float32. In brackets is the time of
xpnet with numba divided by that of the column.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.single_layers import Process, timed

COMPETITORS = {"xpnet, numba": {}, "xpnet": {"XPNET_FAST": "0"}, "torch": {}, "torch, foreach": {}, "torch, fused": {}}
PARAMETERS = {"2048 x 2048": (1, 2048), "100 of 64 x 64": (100, 64)}
NAMES = {"Nesterov": "SGD", "Momentum": "SGD", "AdaGrad": "Adagrad", "RMSprop": "RMSprop", "Lion": ""}
OPTIONS = {"Momentum": {"momentum": 0.9}, "Nesterov": {"momentum": 0.9, "nesterov": True}}
OPTIMIZERS = (
    *("Adam", "AdamW", "SGD", "Momentum", "Nesterov", "RMSprop", "AdaGrad"),
    *("Adadelta", "Adamax", "NAdam", "RAdam", "Lion", "Adafactor", "Muon"),
)


def step_of_xpnet(optimizer: str, count: int, size: int) -> Callable[[], Any]:
    import numpy as np

    from xpnet import optimizers

    rng = np.random.default_rng(0)
    params, grads = (
        {f"W{k}": rng.standard_normal((size, size), dtype=np.float32) for k in range(count)} for _ in range(2)
    )
    own = getattr(optimizers, optimizer)(1e-4)
    return lambda: own.update(params, grads)


def step_of_torch(optimizer: str, count: int, size: int, way: str) -> Callable[[], Any] | None:
    """Return an update by torch's optimizer, None where it has none or not in this way."""
    import torch

    made = getattr(torch.optim, NAMES.get(optimizer, optimizer), None)
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(size, size)) for _ in range(count)]
    for param in params:
        param.grad = torch.randn(size, size)
    try:
        own = made(params, lr=1e-4, **OPTIONS.get(optimizer, {}), **({way: True} if way else {}))
        own.step()
    except (TypeError, RuntimeError):
        return None
    return own.step


def work(who: str, threads: int) -> None:
    """Answer requests on standard input: an optimizer and its parameters, and whether a row begins."""
    if who.startswith("xpnet"):
        import xpnet

        xpnet.tune()
    else:
        import torch

        torch.set_num_threads(threads)
    step = None
    for line in sys.stdin:
        optimizer, parameters, what = json.loads(line)
        if what == "begin":
            given = optimizer, *PARAMETERS[parameters]
            step = step_of_xpnet(*given) if who.startswith("xpnet") else step_of_torch(*given, who[7:])
        answer = timed(step, time.process_time if threads == 1 else time.perf_counter) if step else None
        print(json.dumps(answer), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", choices=COMPETITORS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.threads)
        return
    print(f"| µs, {asked.threads} threads | {' | '.join(COMPETITORS)} |\n|---|{'---:|' * len(COMPETITORS)}")
    processes = {who: Process(__file__, who, asked.threads, own) for who, own in COMPETITORS.items()}
    try:
        for parameters in PARAMETERS:
            for optimizer in OPTIMIZERS:
                if asked.only in f"{optimizer}, {parameters}":
                    times = measured(processes, optimizer, parameters, asked.rounds)
                    print(f"| {optimizer}, {parameters} | {' | '.join(cells(list(times.values())))} |", flush=True)
    finally:
        for process in processes.values():
            process.process.kill()


def measured(processes: dict[str, Process], optimizer: str, parameters: str, rounds: int) -> dict[str, float | None]:
    """Return the least time of each competitor, None of one that has no such optimizer."""
    times = {who: process.ask(optimizer, parameters, "begin") for who, process in processes.items()}
    for _ in range(rounds):
        for who, least in times.items():
            if least is not None:
                times[who] = min(least, processes[who].ask(optimizer, parameters, "time"))
    return times


def cells(times: list[float | None]) -> list[str]:
    first, *others = times
    return [f"{first * 1e6:.0f}", *(f"{one * 1e6:.0f} ({first / one:.2f})" if one else "" for one in others)]


if __name__ == "__main__":
    main()
