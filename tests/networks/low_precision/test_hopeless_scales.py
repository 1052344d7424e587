"""A training in float16 in which no loss scale makes the gradients finite ends with an error."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from spied_network import Spy, batch, make

from xpnet.backend import to_numpy
from xpnet.errors import DivergenceError
from xpnet.optimizers import SGD

TEXT = r"^compute_in: a loss scale must exist at which gradients are finite, got none down to .*; look for NaN"


def train(network, x, t, steps: int, optimizer) -> None:
    for _ in range(steps):
        optimizer.update(network.params, network.gradient(x, t))


@pytest.mark.parametrize("scale", ["dynamic", 8.0])
def test_gradients_that_are_never_finite_end_it(scale, dtype) -> None:
    network, (x, t), optimizer = make(Spy(float("nan"))).compute_in(dtype, loss_scale=scale), batch(), SGD(0.1)
    before = {name: to_numpy(array).copy() for name, array in network.params.items()}
    with pytest.raises(DivergenceError, match=TEXT):
        train(network, x, t, 64, optimizer)
    assert optimizer.steps > 30
    for name, array in network.params.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])


def test_a_scale_at_its_floor_ends_it(dtype) -> None:
    network, (x, t) = make(Spy(float("inf"))).compute_in(dtype, loss_scale="dynamic"), batch()
    network.precision.loss_scale = network.precision.loss_scale * 2.0**-40
    with pytest.raises(DivergenceError, match=TEXT):
        train(network, x, t, 64, SGD(0.1))


def test_some_steps_that_overflow_do_not(dtype) -> None:
    spy = Spy(1.0)
    network, (x, t) = make(spy).compute_in(dtype, loss_scale=8.0), batch()
    for step in range(150):
        spy.factor = 1.0 if step % 40 == 39 else float("inf")
        network.gradient(x, t)
    other = pickle.loads(pickle.dumps(copy.deepcopy(network)))
    other.gradient(x, t)
