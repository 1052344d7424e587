"""Batches are made in threads ahead of the training, and no thread is left, however it ends."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest
from small_net import small_net
from small_streams import BATCHES, ROWS, T, X, loaders

from xpnet.datasets import Stream
from xpnet.errors import DivergenceError
from xpnet.layers import Affine, MeanSquaredError
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Trainer


class Broken(Exception):
    """What a loader of a user's may raise."""


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("functions", [False, True])
def test_what_a_loader_raises_comes_as_it_is_and_no_thread_is_left(ahead: int, functions: bool) -> None:
    def load(rows):
        if rows.start == 14:
            raise Broken("file 14 is torn")
        return X[rows], T[rows]

    def source():
        for rows in ROWS:
            yield partial(load, rows) if functions else load(rows)

    seen: list[int] = []
    trainer = Trainer(small_net(), SGD(0.5), Stream(source, ahead=ahead))
    with pytest.raises(Broken, match="file 14 is torn") as raised:
        trainer.fit(1, on_batch=seen.append)
    assert seen == [1, 2]
    assert raised.traceback[-1].name == "load"
    assert not loaders()


def test_a_training_that_ends_early_leaves_no_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def source():
        try:
            while True:
                yield X[:7], T[:7]
        finally:
            closed.set()

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    trainer = Trainer(small_net(), SGD(0.5), source)
    with pytest.raises(KeyboardInterrupt) as raised:
        trainer.fit(1, on_batch=stop)
    assert not loaders()
    trainer.batches.stream.go_to(1, 0)
    assert closed.is_set()
    del raised


def test_batches_are_made_while_one_is_trained_on() -> None:
    """The second batch is made before the first has been trained on, and four functions are in their calls at once."""
    made, together = threading.Event(), threading.Barrier(4, timeout=30)

    def source():
        yield BATCHES[0]
        made.set()
        for rows in ROWS[:4]:
            yield partial(load, rows)

    def load(rows):
        together.wait()
        return X[rows], T[rows]

    trainer = Trainer(small_net(), SGD(0.5), Stream(source, ahead=4))
    trainer.fit(1, on_batch=lambda done: done > 1 or made.wait(30) or pytest.fail("nothing was made meanwhile"))


def test_a_loss_that_is_not_finite_ends_it_and_its_threads(backend) -> None:
    def source():
        while True:
            yield 1e30 * X[:7], 1e30 * X[:7, :3]

    net = Sequential(Affine(backend.asarray(np.ones((4, 3))), backend.asarray(np.zeros(3))), loss=MeanSquaredError())
    with pytest.raises(DivergenceError), pytest.warns(UserWarning, match="networks learn best from values near 1"):
        Trainer(net, SGD(1e8), Stream(source, batches=50)).fit(9)
    assert not loaders()
