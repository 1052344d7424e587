"""Requests that arrive together, computed as one batch by a single thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.serving.limits import Limits, Refused
from xpnet.serving.metrics import Metrics


@dataclass
class Waiting:
    """A request that waits: its rows for the network, and the future of its scores; or a function to be run alone."""

    rows: Any
    future: asyncio.Future[Any]

    @property
    def count(self) -> int:
        """The number of rows."""
        return 1 if callable(self.rows) else len(self.rows)

    @property
    def kind(self) -> Any:
        """The key that requests must share to be computed together."""
        return None if callable(self.rows) else (self.rows.shape[1:], self.rows.dtype)


class Batcher:
    """A queue of requests before a network; those that wait are computed together, in the order of arrival.

    ``scores`` computes the scores of rows ``(N, ...)``. While a batch is computed, the next one gathers. A request that
    nobody waits for any more is left out.
    """

    def __init__(self, scores: Callable[[Any], Any], limits: Limits, metrics: Metrics) -> None:
        self.scores, self.limits, self.metrics = scores, limits, metrics
        self.queue: deque[Waiting] = deque()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="xpnet")
        self.arrived = asyncio.Event()
        self.running = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """The number of requests that wait for their answer."""
        return len(self.queue) + self.running

    def start(self) -> None:
        """Begin to answer."""
        self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Answer all that wait, and end."""
        while self.waiting:
            await asyncio.sleep(0.01)
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        self.worker.shutdown()

    async def ask(self, rows: Any) -> Any:
        """Return the scores of rows, or the result of a function that the thread of the network runs.

        Raises: ``Refused`` if too many requests wait, or the answer takes too long.
        """
        if self.waiting >= self.limits.waiting:
            raise Refused(503, f"no more than {self.limits.waiting} requests may wait; try again in a second")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.queue.append(Waiting(rows, future))
        self.arrived.set()
        try:
            return await asyncio.wait_for(future, self.limits.seconds)
        except TimeoutError:
            text = f"the answer took longer than {self.limits.seconds:g} seconds; try again, or with fewer rows"
            raise Refused(503, text) from None

    async def _run(self) -> None:
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            while batch := self._next():
                self.running = len(batch)
                await self._compute(batch)
                self.running = 0

    def _next(self) -> list[Waiting]:
        """Return the requests to be computed now: rows of one shape, as many as fit, or functions."""
        batch: list[Waiting] = []
        total = 0
        while self.queue:
            first = self.queue[0]
            if first.future.done():
                self.queue.popleft()
                continue
            if batch and (first.kind != batch[0].kind or total + first.count > self.limits.batch):
                break
            batch.append(self.queue.popleft())
            total += first.count
        return batch

    async def _compute(self, batch: list[Waiting]) -> None:
        run = self._functions if callable(batch[0].rows) else self._rows
        results = await asyncio.get_running_loop().run_in_executor(self.worker, run, batch)
        for each, result in zip(batch, results, strict=True):
            if each.future.done():
                continue
            if isinstance(result, Exception):
                each.future.set_exception(result)
            else:
                each.future.set_result(result)

    def _rows(self, batch: list[Waiting]) -> list[Any]:
        x = batch[0].rows if len(batch) == 1 else np.concatenate([each.rows for each in batch])
        self.metrics.batches.add(len(x))
        try:
            return np.split(self.scores(x), np.cumsum([each.count for each in batch])[:-1])
        except Exception as error:
            return [error] * len(batch)

    def _functions(self, batch: list[Waiting]) -> list[Any]:
        return [result_of(each.rows) for each in batch]


def result_of(function: Callable[[], Any]) -> Any:
    """Return the result of a function, or the error that it raised."""
    try:
        return function()
    except Exception as error:
        return error
