"""The race: competitors on one workload, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.race.data import write
from benchmarks.race.peers import COMPETITORS, Competitor
from benchmarks.race.process import CAN_STOP, Failed, Process, Setting
from benchmarks.race.workloads import Workload

STEPS = 20
CHUNK, CHUNKS = 0.025, 3  # seconds, and how many in a turn


@dataclass(frozen=True)
class Result:
    """The result of one competitor: seconds a step in each chunk, and losses of the first steps.

    ``difference`` maps numbers of steps to the relative difference of the loss from that in float64. ``memory`` holds
    bytes, those of the process at its peak and those that came with the training; ``launches`` kernels, copies and
    syncs of a step on a GPU. ``error`` is why it did not run.
    """

    competitor: str
    seconds: list[float] = field(default_factory=list)
    losses: list[float | None] = field(default_factory=list)
    difference: dict[int, float] = field(default_factory=dict)
    memory: dict[str, int | None] = field(default_factory=dict)
    launches: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def ran(self) -> bool:
        return bool(self.seconds)

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """The middle half of the chunks, as a share of the median."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = quantiles(self.seconds, n=4)
        return (high - low) / self.median

    def disagrees(self, workload: Workload) -> bool:
        """Return whether a loss is further from the right one than float32 explains."""
        return any(not self.difference[steps] <= most for steps, most in workload.agree.items() if self.difference)


@dataclass(frozen=True)
class Heat:
    """All competitors on one workload."""

    workload: Workload
    results: dict[str, Result]

    def ran(self) -> list[Result]:
        return [result for result in self.results.values() if result.ran]

    @property
    def base(self) -> Result | None:
        """The one that the others are compared with: xpnet at its best."""
        known = [name for name, competitor in COMPETITORS.items() if competitor.library == "xpnet"]
        own = [self.results[name] for name in known if name in self.results]
        return next((result for result in [*own, *self.ran()] if result.ran), None)

    def troubles(self) -> list[str]:
        """Return a line for each competitor that did not run, and for each whose loss is not the right one."""
        lines = []
        for result in self.results.values():
            who = f"{self.workload.name}: {COMPETITORS[result.competitor].label}"
            if not result.ran:
                lines.append(f"{who} did not run: {result.error}")
            elif result.disagrees(self.workload):
                steps, off = max(result.difference.items(), key=lambda item: item[1])
                lines.append(f"{who} is not the same training: its loss after {steps} steps is off by {off:.0e}")
        return lines


def race(
    workload: Workload,
    competitors: Sequence[Competitor],
    setting: Setting,
    rounds: int,
    on_turn: Callable[[str], object] = lambda _: None,
) -> Heat:
    """Let the competitors train the workload, and measure them in turns, in alternating order.

    Each has a process of its own, stopped while others run. Where a system cannot stop processes, each runs all of its
    rounds, and ends before the next one starts.
    """
    with tempfile.TemporaryDirectory(prefix="xpnet-bench-") as name:
        folder = Path(name)
        on_turn("data and weights")
        write(workload, folder)
        right = exact_losses(workload, folder, setting)
        runs = _in_turns if CAN_STOP else _one_by_one
        results = runs(workload, competitors, folder, setting, rounds, on_turn)
    return Heat(
        workload, {competitor.name: _judged(results[competitor.name], workload, right) for competitor in competitors}
    )


def exact_losses(workload: Workload, folder: Path, setting: Setting) -> list[float]:
    """Return the losses of the first steps in float64, by xpnet on NumPy; none where it cannot compute them."""
    try:
        with Process(COMPETITORS["xpnet"], workload, folder, Setting(setting.threads), "float64") as process:
            process.answer()
            losses: list[float] = process.ask("losses", steps=STEPS)
            return losses
    except Failed:
        return []


def _in_turns(
    workload: Workload,
    competitors: Sequence[Competitor],
    folder: Path,
    setting: Setting,
    rounds: int,
    on_turn: Callable[[str], object],
) -> dict[str, Result]:
    found = {competitor.name: Result(competitor.name) for competitor in competitors}
    with ExitStack() as stack:
        processes = {
            competitor: stack.enter_context(Process(competitor, workload, folder, setting))
            for competitor in competitors
        }
        for process in processes.values():  # all at once: nothing is timed yet
            process.send(do="losses", steps=STEPS)

        def turn(competitor: Competitor, text: str, act: Callable[[Process, Result], object]) -> None:
            on_turn(f"{text}: {competitor.label}")
            try:
                act(processes[competitor], found[competitor.name])
            except Failed as failure:
                found[competitor.name] = Result(competitor.name, error=str(failure))
                del processes[competitor]

        for competitor in list(processes):
            turn(competitor, "start", _start)
        for index in range(rounds):
            for competitor in list(processes)[:: -1 if index % 2 else 1]:
                turn(competitor, f"round {index + 1} of {rounds}", _time)
        for competitor in list(processes):
            turn(competitor, "memory", _weigh)
            if setting.gpu:
                turn(competitor, "launches", _count)
    return found


def _start(process: Process, result: Result) -> None:
    process.answer()
    result.losses.extend(process.answer())
    process.stop()


def _time(process: Process, result: Result) -> None:
    result.seconds.extend(process.ask("time", seconds=CHUNK, chunks=CHUNKS))


def _weigh(process: Process, result: Result) -> None:
    result.memory.update(process.ask("memory"))


def _count(process: Process, result: Result) -> None:
    with suppress(Failed):  # it needs CUPTI
        result.launches.update(process.ask("launches", steps=STEPS))


def _one_by_one(workload: Workload, competitors: Sequence[Competitor], *others: Any) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for competitor in competitors:
        found |= _in_turns(workload, [competitor], *others)
    return found


def _judged(result: Result, workload: Workload, right: list[float]) -> Result:
    """Return the result with its losses compared to the right ones."""
    for steps in sorted({*workload.agree, STEPS}):
        if len(right) >= steps <= len(result.losses) and (loss := result.losses[steps - 1]) is not None:
            result.difference[steps] = abs(loss - right[steps - 1]) / abs(right[steps - 1])
    return result
