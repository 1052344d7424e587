"""One competitor on one workload in a process of its own, which loads nothing of xpnet but what it is told to.

Requests come as lines of JSON on standard input, and each is answered by a line: the job first, then ``losses``,
``time``, ``memory``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol


class Contender(Protocol):
    """The methods of a class in ``peers/``."""

    batches: list[tuple[Any, Any]]

    def step(self, x: Any, t: Any) -> Any: ...
    def wait(self) -> None: ...
    def drop(self, ratio: float) -> None: ...


class Job:
    """A job, from which a competitor is made: ``workload`` as a dict, ``threads``, ``gpu``, ``backend``, ``dtype``.

    ``x`` and ``t`` hold the batches along their first axis; ``weights()`` reads the initial weights by name.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        import numpy as np

        self.workload: dict[str, Any] = request["workload"]
        self.threads: int = request["threads"]
        self.gpu: bool = request["gpu"]
        self.backend: str = request["backend"]
        self.dtype: str = request["dtype"]
        self.folder = Path(request["folder"])
        with np.load(self.folder / "batches.npz") as file:
            self.x, self.t = file["x"], file["t"]
        if self.x.dtype.kind == "f":
            self.x = self.x.astype(self.dtype, copy=False)

    def weights(self) -> dict[str, Any]:
        """Return the initial weights as NumPy arrays of this process's own."""
        import numpy as np

        with np.load(self.folder / ("weights.npz" if self.dtype == "float32" else "weights64.npz")) as file:
            return dict(file)


class Worker:
    """A contender, its position in the batches, and its memory before it was made."""

    def __init__(self, request: dict[str, Any]) -> None:
        if request["tuned"]:
            importlib.import_module("xpnet").tune()
        module = load(request["file"])
        job = Job(request)
        self.before = resident()
        self.contender: Contender = getattr(module, request["kind"])(job)
        self.feed = self._feed()
        self.calls, self.ratio = 0, job.workload["drop"]

    def _feed(self) -> Iterator[tuple[Any, Any]]:
        while True:
            yield from self.contender.batches

    def losses(self, steps: int) -> list[float | None]:
        """Return the loss of each of the next steps; None where no loss is computed."""
        found = [self.contender.step(*next(self.feed)) for _ in range(steps)]
        return [None if loss is None else float(loss) for loss in found]

    def time(self, seconds: float, chunks: int) -> list[float]:
        """Return the seconds of a step, as the mean of each of some chunks of about ``seconds``, once warm."""
        if not self.calls:
            if self.ratio:
                self.contender.drop(self.ratio)
            self._chunk(2)
            self.calls = max(1, round(seconds / self._chunk(3)))
        self._chunk(min(3, self.calls))
        return [self._chunk(self.calls) for _ in range(chunks)]

    def _chunk(self, calls: int) -> float:
        step, feed = self.contender.step, self.feed
        start: Callable[[], Callable[[], float]] = getattr(self.contender, "stopwatch", self._stopwatch)
        self.contender.wait()
        stop = start()
        for _ in range(calls):
            step(*next(feed))
        return stop() / calls

    def _stopwatch(self) -> Callable[[], float]:
        """Start to measure; the returned function waits for the end, and returns the seconds since."""
        start = time.perf_counter()

        def stop() -> float:
            self.contender.wait()
            return time.perf_counter() - start

        return stop

    def launches(self, steps: int) -> dict[str, float]:
        """Return what a step asks of the GPU."""
        counted: dict[str, float] = load(str(Path(__file__).parent / "peers" / "cuda.py")).launches(
            lambda: self.contender.step(*next(self.feed)), self.contender.wait, steps
        )
        return counted

    def memory(self) -> dict[str, int | None]:
        """Return the bytes at the peak and those that came with the training, of the GPU where it is one."""
        if hasattr(self.contender, "memory"):
            return {"peak": self.contender.memory(), "grown": self.contender.memory()}
        peak = highest()
        grown = None if peak is None or self.before is None else max(0, peak - self.before)
        return {"peak": peak, "grown": grown}


def load(file: str) -> Any:
    """Return a module from its file, under a name that hides no library."""
    spec = importlib.util.spec_from_file_location(f"competitor_{Path(file).stem}", file)
    assert spec is not None  # noqa: S101 (for the type checker)
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resident() -> int | None:
    """Return the bytes of memory that the process holds now, where the system tells."""
    return _status("VmRSS")


def highest() -> int | None:
    """Return the bytes of memory that the process held at its peak, where the system tells."""
    return _status("VmHWM")


def _status(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def keep_to(threads: int) -> None:
    """Stay on as many cores, so that no library's pool has more threads than its rivals'."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    worker: Worker | None = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        answer: Any
        try:
            if worker is None:
                keep_to(request["threads"])
                worker = Worker(request)
                answer = {}
            else:
                answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # the benchmark goes on without this one, and says why
            import traceback

            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
