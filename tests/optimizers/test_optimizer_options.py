"""Options of an optimizer: numbers, schedules, a subclass of one's own, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from by_the_book import gradients, host, on_every_kind

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, Optimizer, RMSprop
from xpnet.schedules import Cosine


def test_options_are_attributes_and_hold_from_the_next_update_on() -> None:
    optimizer, params = SGD(0.5), {"W": np.asarray([1.0])}
    optimizer.update(params, {"W": np.asarray([1.0])})
    optimizer.lr = 0.25
    optimizer.update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [0.25]


def test_an_optimizer_shows_its_options() -> None:
    assert repr(SGD(0.5)) == "SGD(lr=0.5, weight_decay=0)"
    assert repr(AdamW()) == "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)"
    assert repr(Momentum(Cosine(0.1, 5), groups={"b": None})) == (
        "Momentum(lr=Cosine(lr=0.1, steps=5, warmup=0, floor=0.0), momentum=0.9, weight_decay=0, groups={'b': None})"
    )


@on_every_kind
def test_numbers_of_numpy_are_numbers(kind, asarray, params) -> None:
    kind(np.float64(0.1), weight_decay=np.float32(0.1)).update(params, gradients(asarray, 0))
    assert all(array.dtype == params["b"].dtype for array in params.values())


def test_a_subclass_is_a_name_and_a_formula(asarray, params) -> None:
    class Averaged(Optimizer):
        """Descent along the running mean of the gradients."""

        slots = ("mean",)

        def __init__(self, lr=0.1, groups=None) -> None:
            super().__init__(groups, lr=lr)

        def step(self, W, dW, mean, lr):
            mean = mean + (dW - mean) / self.steps
            return W - lr * mean, mean

    optimizer, before = Averaged(), host(params)
    for k in range(2):
        optimizer.update(params, gradients(asarray, k))
    first, second = (to_numpy(gradients(asarray, k)["b"]) for k in range(2))
    expected = before["b"] - 0.1 * (first + (first + second) / 2.0)
    np.testing.assert_allclose(to_numpy(params["b"]), expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match="Averaged: lr must be above 0"):
        Averaged(-1.0)


def test_a_schedule_is_asked_with_the_number_of_updates_done() -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 1.0 / (step + 1)

    optimizer, params = SGD(schedule), {"W": np.asarray([0.0])}
    for _ in range(3):
        optimizer.update(params, {"W": np.asarray([-6.0])})
    assert asked == [0, 1, 2]
    np.testing.assert_allclose(params["W"], [11.0])
    assert optimizer.steps == 3


def test_a_rate_of_zero_from_a_schedule_moves_nothing() -> None:
    params = {"W": np.asarray([1.0])}
    SGD(lambda step: 0.0).update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [1.0]


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_schedule_that_gives_no_rate_is_named(bad: float) -> None:
    params = {"W": np.asarray([1.0])}
    with pytest.raises(ArgumentError, match=r"SGD: the learning rate must be at least 0 and finite, got .* in step 0;"):
        SGD(lambda step: bad).update(params, {"W": np.asarray([1.0])})
    assert params["W"].tolist() == [1.0]


@on_every_kind
@pytest.mark.parametrize("lr", [0, 0.0, -0.1, float("nan"), float("inf"), True, "0.1", None])
def test_a_bad_learning_rate_is_refused(kind, lr) -> None:
    with pytest.raises(ArgumentError, match=rf"^{kind.__name__}: lr must be above 0 and finite, got "):
        kind(lr)


@pytest.mark.parametrize("bad", [-0.1, 1.0, 1.5, float("nan"), None])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Momentum, "momentum"), (Nesterov, "momentum"), (RMSprop, "decay_rate"), (Adam, "beta1"), (Lion, "beta2")],
)
def test_a_share_out_of_range_is_refused(kind, name, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: {name} must be from 0 to below 1, got "):
        kind(**{name: bad})


@pytest.mark.parametrize("bad", [0.0, -1e-8, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [AdaGrad, RMSprop, Adam, AdamW])
def test_a_bad_epsilon_is_refused(kind, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: eps must be above 0 and finite, got "):
        kind(eps=bad)


@on_every_kind
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_bad_weight_decay_is_refused(kind, bad) -> None:
    with pytest.raises(ArgumentError, match=f"^{kind.__name__}: weight_decay must be at least 0 and finite, got "):
        kind(weight_decay=bad)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("lr", -1.0, "the learning rate must be at least 0 and finite, got -1.0 in step 0; look at the schedule"),
        ("lr", "0.1", "the learning rate must be at least 0 and finite, got '0.1' in step 0;"),
        ("lr", lambda step: None, "the learning rate must be at least 0 and finite, got None in step 0;"),
        ("beta1", 5.0, "beta1 must be from 0 to below 1, got 5.0;"),
        ("weight_decay", "a", "weight_decay must be at least 0 and finite, got 'a';"),
    ],
)
def test_an_option_that_is_set_out_of_range_is_refused_and_moves_nothing(name, value, text) -> None:
    optimizer, params = Adam(), {"W": np.ones(2)}
    setattr(optimizer, name, value)
    with pytest.raises(ArgumentError, match=f"^Adam: {text}"):
        optimizer.update(params, {"W": np.ones(2)})
    assert params["W"].tolist() == [1.0, 1.0]
    assert optimizer.steps == 0
