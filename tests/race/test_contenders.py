"""Everyone trains the same network from the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from small_workloads import PAIRS, TINY

from benchmarks.race import WORKLOADS
from benchmarks.race.data import batches
from benchmarks.race.weights import shapes, weights


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_everyone_trains_the_same_network(name: str, kind: str, train: Callable[..., Any]) -> None:
    workload = TINY[kind]
    found = {}
    for who, dtype in (("xpnet", "float64"), (name, "float32")):
        contender = train(who, workload, dtype)
        data = contender.batches * 8
        found[dtype] = [float(contender.step(x, t)) for x, t in data[:8]]
        contender.wait()
    # scikit-learn adds Adam's epsilon before the root is corrected for its start at zero
    tolerance = 2e-3 if (name, kind) == ("sklearn", "adam") else 1e-4
    np.testing.assert_allclose(found["float32"], found["float64"], rtol=tolerance)
    assert workload.kind == "generate" or found["float64"][0] != found["float64"][-1]


@pytest.mark.parametrize("name", ["xpnet", "torch", "jax", "autograd"])
def test_dropout_begins_when_it_is_told_to(name: str, train: Callable[..., Any]) -> None:
    plain, dropped = (train(name, TINY["normalized"]) for _ in range(2))
    dropped.drop(0.5)
    losses = [float(contender.step(*contender.batches[0])) for contender in (plain, dropped)]
    assert abs(losses[0] - losses[1]) > 1e-3


@pytest.mark.parametrize("kind", ["sgd", "convnet", "transformer", "lstm", "attention", "normalized"])
def test_the_floor_is_made_of_products_and_has_no_loss(kind: str, train: Callable[..., Any]) -> None:
    contender = train("products", TINY[kind])
    contender.drop(0.5)
    assert contender.step(None, None) is None
    for a, b, y in contender.products:
        np.testing.assert_allclose(y, a @ b, rtol=1e-4)


def test_the_floor_of_w1_has_the_products_of_a_step_but_for_dx_of_the_first_layer(train: Callable[..., Any]) -> None:
    found = {(a.shape, b.shape) for a, b, _ in train("products", WORKLOADS["W1"]).products}
    first = {((100, 784), (784, 50)), ((784, 100), (100, 50))}
    assert found == first | {((100, 50), (50, 10)), ((50, 100), (100, 10)), ((100, 10), (10, 50))}


@pytest.mark.parametrize("name", WORKLOADS)
def test_initial_weights_are_named_streams(name: str) -> None:
    workload = WORKLOADS[name]
    found = dict(weights(workload))
    assert {key: value.shape for key, value in found.items()} == dict(shapes(workload))
    for key, again in weights(workload):
        np.testing.assert_array_equal(found[key], again)
    largest = max(found, key=lambda key: found[key].size if found[key].ndim > 1 else 0)
    fan_in = prod(found[largest].shape[1:]) if found[largest].ndim == 4 else len(found[largest])
    assert np.std(found[largest]) == pytest.approx(workload.std or (2 / fan_in) ** 0.5, rel=0.05)


def test_sizes_of_the_workloads() -> None:
    assert sum(value.size for _, value in weights(WORKLOADS["W1"])) == 39_760
    convnet = dict(shapes(WORKLOADS["W4"]))
    assert (convnet["W1"], convnet["W2"], convnet["W3"]) == ((30, 1, 5, 5), (4320, 100), (100, 10))
    x, t = batches(WORKLOADS["W5"])
    assert x.shape == t.shape == (20, 16, 64)
    np.testing.assert_array_equal(x[..., 1:], t[..., :-1])
    np.testing.assert_array_equal(t[..., ::2], (7 * x[..., ::2] + 3) % 96)


def test_images_are_synthetic_where_mnist_is_not_at_hand_and_nothing_is_fetched() -> None:
    x, t = batches(replace(WORKLOADS["W4"], batches=1))
    assert x.shape == (1, 100, 1, 28, 28)
    assert x.dtype == np.float32
    assert 0.0 <= x.min() < x.max() <= 1.0
    assert set(t.ravel()) == set(range(10))
