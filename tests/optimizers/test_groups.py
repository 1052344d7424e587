"""Groups: options for the parameters whose names match."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam, AdamW, vectors
from xpnet.random import Generator
from xpnet.schedules import Plateau


def small() -> Sequential:
    return Sequential(
        Affine.create(3, 4, rng=Generator(0)), Relu(), Affine.create(4, 2, rng=Generator(1)), loss=SoftmaxWithLoss()
    )


def moved(groups, **options) -> dict[str, float]:
    """How far each parameter of a small network goes in one step along a gradient of ones from ones."""
    net = small()
    ones = {name: np.ones_like(array) for name, array in net.params.items()}
    net.params.update({name: array.copy() for name, array in ones.items()})
    SGD(**{"lr": 0.1, **options}, groups=groups).update(net.params, ones)
    return {name: round(float(1.0 - array.flat[0]), 6) for name, array in net.params.items()}


def test_weight_decay_on_weights_alone_is_one_line() -> None:
    expected = {"Affine1.W": 0.15, "Affine1.b": 0.1, "Affine2.W": 0.15, "Affine2.b": 0.1}
    for pattern in ("*.b", vectors):
        assert moved({pattern: {"weight_decay": 0.0}}, weight_decay=0.5) == expected


def test_several_patterns_and_the_later_over_the_earlier() -> None:
    groups = {"Affine1.W *.b": {"lr": 0.2}, "Affine1.*": {"lr": 0.3, "weight_decay": 1.0}, "Affine2.b": {"lr": 0.4}}
    assert moved(groups) == {"Affine1.W": 0.6, "Affine1.b": 0.6, "Affine2.W": 0.1, "Affine2.b": 0.4}
    assert moved({"*": {"lr": 0.2}, "*.b": {"weight_decay": 1.0}})["Affine1.b"] == 0.4
    assert moved({"Affine1.W": {"lr": lambda step: 0.7}})["Affine1.W"] == 0.7


def test_a_group_of_none_is_not_trained() -> None:
    assert moved({"Affine1.*": None}) == {"Affine1.W": 0.0, "Affine1.b": 0.0, "Affine2.W": 0.1, "Affine2.b": 0.1}
    params = {"W": np.asarray([1.0]), "b": np.asarray([1.0])}
    optimizer = Adam(groups={"b": None})
    optimizer.update(params, {"W": np.asarray([1.0])})
    assert set(optimizer.state) == {"steps", "W.m", "W.v"}


@pytest.mark.parametrize("pattern", ["*.bias", "*.b *.gamma", "", lambda name, W: False])
def test_a_pattern_that_matches_nothing_is_an_error(pattern) -> None:
    with pytest.raises(
        ArgumentError, match=r"SGD: a group must match one of Affine1.W, Affine1.b, Affine2.W, Affine2.b, got "
    ):
        moved({pattern: {"lr": 0.2}})


def test_bad_options_of_a_group_are_refused_at_once() -> None:
    with pytest.raises(ArgumentError, match=r"AdamW, group '\*.b': options must be of lr, beta1, .*, got 'wd'"):
        AdamW(groups={"*.b": {"wd": 0.0}})
    with pytest.raises(ArgumentError, match=r"AdamW, group '\*.b': weight_decay must be at least 0"):
        AdamW(groups={"*.b": {"weight_decay": -1.0}})
    with pytest.raises(ArgumentError, match="SGD: the lr of a group must be a number or a function of the step alone"):
        SGD(groups={"*.b": {"lr": Plateau(0.1)}})


@pytest.mark.parametrize("groups", [["W"], "W", {3: {}}, {"W": 0.1}])
def test_groups_that_are_none_are_refused(groups) -> None:
    with pytest.raises(ArgumentError, match=r"^SGD: groups must map patterns to options, got .*; such as {"):
        SGD(groups=groups)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("dense 1.W", ["dense 1.W"]),
        ("dense 1.*", ["dense 1.W", "dense 1.b"]),
        ("a[0].W", ["a[0].W"]),
        ("a[0].*", ["a[0].W", "a[0].b"]),
        ("a[0].b a0.b", ["a[0].b", "a0.b"]),
        ("a[0-9].W", ["a0.W"]),
        ("*.b", ["dense 1.b", "a[0].b", "a0.b"]),
        ("a0.W *.b", ["dense 1.b", "a[0].b", "a0.W", "a0.b"]),
    ],
)
def test_names_with_a_space_or_brackets_can_be_named(pattern: str, matched: list[str]) -> None:
    names = [f"{layer}.{array}" for layer in ("dense 1", "a[0]", "a0") for array in "Wb"]
    params = {name: np.zeros(1) for name in names}
    SGD(1.0, groups={pattern: {"lr": 2.0}}).update(params, {name: np.ones(1) for name in names})
    assert [name for name in names if params[name] == -2.0] == matched
