"""Measure single layers, forward and backward, beside torch: a table in markdown.

Run ``python benchmarks/single_layers.py``; ``--only pooling`` picks rows by name, ``--families images`` those of a
file in ``benchmarks/layer_rows``, ``--rounds 20`` measures longer, ``--threads 1`` on one core. Each competitor has a
process of its own, stopped while the others run, and all take turns on each row; times are minima, on one thread those
of the processor. A step is forward, and backward to the gradients of the parameters and the input. ``--markdown
docs/benchmarks.md`` writes the table into the page, between its marks, and leaves the rest of it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import layer_rows  # noqa: E402 (the checkout need not be installed)
from benchmarks.layer_rows.row import Row  # noqa: E402
from benchmarks.race import put_into  # noqa: E402
from benchmarks.race.machine import machine, versions  # noqa: E402

COMPETITORS = {"xpnet, numba": {}, "xpnet": {"XPNET_FAST": "0"}, "torch": {}}
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA")
CAN_STOP = hasattr(signal, "SIGSTOP")
SECONDS = 0.05  # of a turn
GOAL = 1.5


def all_rows(families: list[str]) -> Iterator[Row]:
    """Yield the rows of some families, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(layer_rows.__path__), key=lambda module: module.name):
        if module.name != "row" and (not families or module.name in families):
            yield from importlib.import_module(f"benchmarks.layer_rows.{module.name}").rows()


def inputs_of(row: Row) -> tuple[Any, ...]:
    """Return x, and what a loss takes besides."""
    import numpy as np

    rng = np.random.default_rng(0)
    if row.below is not None:
        x = rng.integers(0, row.below, row.shape)
    else:
        x = rng.standard_normal(row.shape, dtype=np.float32)
    return (x, *row.others(rng)) if row.others else (x,)


def step_of_xpnet(row: Row) -> tuple[Callable[[], Any], Any]:
    """Return a step over the plan of the layers, and y."""
    import numpy as np

    from xpnet import set_backend
    from xpnet.layers.bodies import body_for, libraries_for
    from xpnet.layers.stage import Stage
    from xpnet.networks import Sequential
    from xpnet.networks.plan import Plan

    set_backend("numpy", dtype="float32")
    made, (x, *others) = row.xpnet(), inputs_of(row)
    layers = made if isinstance(made, list) else [made]
    if others:
        stage = Stage((made,), body_for(layers, libraries_for(np.ndarray)))

        def loss() -> None:
            stage(x, *others)
            stage.backward(1.0)

        return loss, np.asarray(stage(x, *others))
    plan = Plan(Sequential(*layers), libraries_for(np.ndarray))
    if row.dx and row.below is None:
        plan.stages[0].needs_dx = True
    y = plan.training.forward(x)
    dout = np.random.default_rng(1).standard_normal(y.shape, dtype=np.float32)

    def step() -> None:
        plan.training.forward(x)
        plan.training.backward(dout)

    return step, y


def step_of_torch(row: Row) -> tuple[Callable[[], Any], Any]:
    import torch

    made, (x, *others) = row.torch(), map(torch.from_numpy, inputs_of(row))
    function, modules = made if isinstance(made, tuple) else (made, [made])
    leaves = [parameter for module in modules for parameter in module.parameters()]
    if row.dx and row.below is None:
        leaves.append(x.requires_grad_())
    y = function(x, *others)
    dout = torch.randn(y.shape) if y.shape else torch.ones(())

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        function(x, *others).backward(dout)

    return step, y


def work(who: str, threads: int) -> None:
    """Answer requests on standard input: the name of a row, and whether it begins or ends."""
    if who.startswith("xpnet"):
        importlib.import_module("xpnet").tune()
        make = step_of_xpnet
    else:
        importlib.import_module("torch").set_num_threads(threads)
        make = step_of_torch
    rows, steps = {row.name: row for row in all_rows([])}, {}
    for line in sys.stdin:
        name, what = json.loads(line)
        if what == "begin":
            steps = {}
            steps[name], y = make(rows[name])
            steps[name]()
            answer: Any = list(y.shape)
        else:
            answer = timed(steps[name], time.process_time if threads == 1 else time.perf_counter)
        print(json.dumps(answer), flush=True)


def timed(step: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Return the least time of a step in a turn."""
    least, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end or least == float("inf"):
        start = clock()
        step()
        least = min(least, clock() - start)
    return least


class Process:
    """A competitor, which sleeps while it is not asked: its idle threads would take the cores from the others."""

    def __init__(self, script: str, who: str, threads: int, settings: dict[str, str]) -> None:
        own = os.environ | {f"{pool}_NUM_THREADS": str(threads) for pool in POOLS} | settings
        command = [sys.executable, script, "--threads", str(threads), "--work", who]
        self.process = subprocess.Popen(  # noqa: S603 (our own)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=own, bufsize=1
        )

    def ask(self, *request: str) -> Any:
        assert self.process.stdin is not None  # noqa: S101 (for the type checker)
        assert self.process.stdout is not None  # noqa: S101
        if CAN_STOP:
            self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(request) + "\n")
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args} ended")
        if CAN_STOP:
            self.process.send_signal(signal.SIGSTOP)
        return json.loads(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--families", nargs="*", default=[], help="files of rows")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="a page to write the table into")
    parser.add_argument("--work", choices=COMPETITORS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.threads)
        return
    lines, slow = [], []
    for line, ratio in table(asked):
        print(line, flush=True)
        lines.append(line)
        slow += [line.split(" | ")[0].removeprefix("| ")] if ratio > GOAL else []
    print(f"\nslower than {GOAL} of torch with numba: {'; '.join(slow) or 'none'}")
    if asked.markdown is not None:
        about, page = machine(), asked.markdown
        packages = ", ".join(" ".join(pair) for pair in versions(["xpnet", "numpy", "numba", "torch"]).items())
        where = f"{about['processor']}, {about['cores']} cores; Python {about['Python']}, {packages}; {about['date']}."
        before = page.read_text(encoding="utf-8") if page.exists() else ""
        page.write_text(put_into(before, "layers", "\n".join([where, "", *lines]) + "\n"), encoding="utf-8")
        print(f"wrote {page}")


def table(asked: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Yield the lines of the table, each with the ratio to torch of xpnet with numba."""
    unit = f"µs, {asked.threads} thread{'s' if asked.threads > 1 else ''}"
    yield f"| {unit} | {' | '.join(COMPETITORS)} | of torch, numba | of torch |", 0.0
    yield "|---|---:|---:|---:|---:|---:|", 0.0
    processes = {who: Process(__file__, who, asked.threads, own) for who, own in COMPETITORS.items()}
    try:
        for row in all_rows(asked.families):
            if asked.only in row.name:
                times = measured(row, processes, asked.rounds)
                fast, plain = (times[who] / times["torch"] for who in list(COMPETITORS)[:2])
                cells = " | ".join(f"{seconds * 1e6:.0f}" for seconds in times.values())
                yield f"| {row.name} | {cells} | {fast:.2f} | {plain:.2f} |", fast
    finally:
        for process in processes.values():
            process.process.kill()


def measured(row: Row, processes: dict[str, Process], rounds: int) -> dict[str, float]:
    """Return the least time of each competitor for a row."""
    shapes = {who: process.ask(row.name, "begin") for who, process in processes.items()}
    if any(shape != shapes["torch"] for shape in shapes.values()):
        raise SystemExit(f"{row.name}: y is of different shapes, {shapes}")
    times = dict.fromkeys(processes, float("inf"))
    for index in range(rounds):
        for who in list(processes)[:: -1 if index % 2 else 1]:
            times[who] = min(times[who], processes[who].ask(row.name, "time"))
    return times


if __name__ == "__main__":
    main()
