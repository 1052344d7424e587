"""Requests that arrive together are computed together, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from xpnet.serving.batching import Batcher
from xpnet.serving.limits import Limits, Refused
from xpnet.serving.metrics import Metrics


class Slow:
    """A network that doubles rows, once it may, and notes how many came at once."""

    def __init__(self) -> None:
        self.may, self.seen = threading.Event(), []

    def __call__(self, x):
        assert self.may.wait(30)
        self.seen.append(len(x))
        if (x < 0.0).any():
            raise ValueError("negative")
        return 2.0 * x


def together(limits: Limits, *requests, before=None):
    """The results of requests that wait together, and the sizes of the batches."""
    network = Slow()

    async def run():
        batcher = Batcher(network, limits, Metrics())
        batcher.start()
        tasks = [asyncio.create_task(batcher.ask(requests[0]))]
        await asyncio.sleep(0.02)  # while the first one is computed the others gather
        tasks += [asyncio.create_task(batcher.ask(rows)) for rows in requests[1:]]
        await asyncio.sleep(0.02)
        if before is not None:
            before(tasks)
        network.may.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.stop()
        return results

    return asyncio.run(run()), network.seen


def test_what_waits_is_one_batch_and_each_gets_its_own() -> None:
    rows = [np.full((n, 3), float(n)) for n in (1, 2, 3, 4, 5)]
    results, seen = together(Limits(batch=9), *rows)
    assert seen == [1, 9, 5]  # the first was alone, and the last did not fit
    for result, x in zip(results, rows, strict=True):
        np.testing.assert_array_equal(result, 2.0 * x)


def test_rows_of_another_shape_and_functions_are_apart() -> None:
    results, seen = together(
        Limits(), np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 3)), lambda: "done", np.ones((1, 3))
    )
    assert [getattr(result, "shape", result) for result in results] == [(1, 2), (1, 2), (1, 3), "done", (1, 3)]
    assert seen == [1, 1, 1, 1]


def test_more_rows_than_a_batch_are_computed_alone() -> None:
    results, seen = together(Limits(batch=4), np.ones((7, 2)), np.ones((6, 2)))
    assert (seen, [len(result) for result in results]) == ([7, 6], [7, 6])


def test_an_error_ends_its_batch_alone() -> None:
    results, _ = together(Limits(), np.ones((1, 2)), -np.ones((1, 2)), lambda: 1 / 0, np.ones((1, 2)))
    assert [type(result).__name__ for result in results] == ["ndarray", "ValueError", "ZeroDivisionError", "ndarray"]


def test_too_many_and_too_slow_are_refused() -> None:
    results, _ = together(Limits(waiting=2), *[np.ones((1, 2))] * 4)
    assert [getattr(result, "status", 200) for result in results] == [200, 200, 503, 503]
    assert str(results[2]) == "no more than 2 requests may wait; try again in a second"
    results, seen = together(Limits(seconds=0.01), np.ones((1, 2)), np.ones((1, 2)))
    assert all(isinstance(result, Refused) and result.status == 503 for result in results)
    assert seen == [1]  # nobody waited for the second


def test_a_request_that_nobody_waits_for_is_left_out() -> None:
    results, seen = together(Limits(), *[np.ones((1, 2))] * 3, before=lambda tasks: tasks[1].cancel())
    assert isinstance(results[1], asyncio.CancelledError)
    assert seen == [1, 1]


@pytest.mark.parametrize("value", [0.0005, 0.001, 0.3, 100.0])
def test_histograms_count_up_to_each_bound(value: float) -> None:
    metrics = Metrics()
    metrics.seconds.add(value)
    counts = [int(line.split()[-1]) for line in metrics.seconds.lines() if "_bucket" in line]
    assert counts == [int(value <= bound) for bound in (*metrics.seconds.bounds, np.inf)]
