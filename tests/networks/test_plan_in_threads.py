"""Threads that predict by one plan, or beside a training, do not meet."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from planned_networks import DRAW, T, X, make

from xpnet.layers import Affine, LayerNormalization, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential

pytestmark = pytest.mark.usefixtures("in_float64")


def test_predictions_in_threads_do_not_meet():
    net = make()
    expected = {rows: net.predict(X[:rows]) for rows in range(1, 9)}
    net, wrong = make(), []

    def work(first: int) -> None:
        for step in range(100):
            rows = (first + step) % 8 + 1
            try:
                if not np.array_equal(net.predict(X[:rows]), expected[rows]):
                    wrong.append(rows)
            except Exception as error:
                wrong.append(error)

    switching(work, range(6))
    assert not wrong


def test_predictions_in_a_thread_do_not_disturb_a_training():
    layers = Affine.create(6, 5), Relu(), LayerNormalization.create(5), Affine.create(5, 3)
    net, wrong, done = Sequential(*layers, loss=SoftmaxWithLoss()), [], []
    _, expected = net.loss_and_gradient(X, T)

    def work(training: bool) -> None:
        step = 0
        while len(done) < 1:
            step += 1
            if not training:
                net.predict(DRAW.random((1 + step % 40, 6)))
                continue
            net.loss_and_gradient(X[:5], T[:5])
            _, found = net.loss_and_gradient(X, T)
            wrong.extend(name for name in expected if not np.array_equal(found[name], expected[name]))
            if step == 300:
                done.append(1)

    switching(work, [True, False])
    assert not wrong


def switching(work, arguments) -> None:
    """Run a function in threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(argument,)) for argument in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
