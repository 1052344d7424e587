"""The gradient check fails on wrong layers and losses, and names the cause."""

from __future__ import annotations

import re

import numpy as np
import pytest
from faulty_layers import (
    WRONG,
    Accumulates,
    DividedTwice,
    ForgetsTheWeights,
    IgnoresDout,
    NoDivision,
    OverwritesDout,
    OverwritesX,
    WrongAffine,
)
from named_numbers import normal

import xpnet as xn
from xpnet.errors import XpnetError
from xpnet.layers import Affine, Layer

in_float64 = pytest.mark.parametrize("dtype", ["float64"])


@in_float64
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_layer_fails_and_the_cause_is_named(fault: str, asarray) -> None:
    wrong, name, cause = WRONG[fault]
    layer = WrongAffine(asarray(normal("W", 4, 4)), asarray(normal("b", 4)), **wrong)
    report = xn.gradient_check(layer, asarray(normal("x", 4, 4)))
    assert [row.name for row in report.rows if row.status == "fail"] == [name]
    assert re.search(rf"^{name}: .*{cause}", str(report), re.MULTILINE), str(report)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("fault", [name for name in WRONG if name not in ("wrong shape", "nothing returned")])
def test_random_directions_find_the_fault_too(fault: str) -> None:
    wrong, name, _ = WRONG[fault]
    layer = WrongAffine(normal("W", 4, 4), normal("b", 4), **wrong)
    report = xn.gradient_check(layer, normal("x", 4, 4), mode="directions")
    assert [row.name for row in report.rows if row.status == "fail"] == [name]


@pytest.mark.parametrize("mode", ["every", "directions", "complex"])
def test_a_transposed_product_of_another_shape(mode: str) -> None:
    layer = WrongAffine(normal("W", 4, 3), normal("b", 3), dW=lambda s, d: d.T @ s.x)
    report = xn.gradient_check(layer, normal("x", 5, 4), mode=mode)
    assert "W: " in str(report)
    assert "its shape is (3, 4) and not (4, 3): a transposed product" in str(report)


@pytest.mark.parametrize("fault", ["sign", "missing division", "twice", "NaN", "ignored dout in W"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_the_complex_step_finds_faults(fault: str) -> None:
    wrong, name, _ = WRONG[fault]
    layer = WrongAffine(normal("W", 4, 4), normal("b", 4), **wrong)
    report = xn.gradient_check(layer, normal("x", 4, 4), mode="complex")
    assert [row.name for row in report.rows if row.status == "fail"] == [name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_parameter_that_is_not_finite_is_refused(dtype: str) -> None:
    layer = Affine(np.full((2, 2), np.nan, dtype=dtype), np.zeros(2, dtype=dtype))
    with pytest.raises(XpnetError, match="gradient_check: W must be finite, got NaN or infinity in it; remove them"):
        xn.gradient_check(layer, np.ones((1, 2), dtype=dtype))


def test_a_forgotten_gradient() -> None:
    report = xn.gradient_check(ForgetsTheWeights(normal("W", 4, 3), normal("b", 3)), normal("x", 5, 4))
    assert [row.status for row in report.rows] == ["ok", "fail", "ok"]
    assert "W: " in str(report)
    assert "backward leaves it out: it must set dW" in str(report)


def test_a_gradient_that_is_there_from_an_earlier_backward_is_forgotten_too() -> None:
    layer = ForgetsTheWeights(normal("W", 4, 3), normal("b", 3))
    layer.dW = layer.W * 0.0
    assert not xn.gradient_check(layer, normal("x", 5, 4)).ok


@pytest.mark.parametrize("mode", ["every", "directions"])
@pytest.mark.parametrize("kind", [OverwritesDout, OverwritesX])
def test_a_layer_that_writes_into_what_it_is_given(kind: type[Layer], mode: str) -> None:
    report = xn.gradient_check(kind(), normal("x", 3, 4), mode=mode)
    assert not report.ok
    name = "dout" if kind is OverwritesDout else "x"
    assert f"forward or backward wrote into {name}: compute a new array instead" in str(report)


@pytest.mark.parametrize("mode", ["every", "directions"])
def test_gradients_that_add_up(mode: str) -> None:
    report = xn.gradient_check(Accumulates(normal("W", 4, 3), normal("b", 3)), normal("x", 5, 4), mode=mode)
    assert [row.status for row in report.rows] == ["ok", "fail", "fail"]
    assert "a second backward adds to the first: assign the gradient, do not accumulate it" in str(report)


@in_float64
@pytest.mark.parametrize(
    ("loss", "cause"),
    [
        (NoDivision, "5 times too large everywhere: a missing division by the batch size"),
        (DividedTwice, "5 times too small everywhere: a division by the batch size too many"),
        (IgnoresDout, "it stays the same when dout doubles: dout is ignored"),
    ],
)
def test_a_wrong_loss(loss: type[Layer], cause: str, asarray) -> None:
    report = xn.gradient_check(loss(), asarray(normal("x", 5, 4)), asarray([0, 1, 2, 3, 3]))
    assert not report.ok
    assert cause in str(report)
