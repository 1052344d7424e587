"""Arguments that ``gradient_check`` and ``numerical_gradient`` refuse."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.errors import ArgumentError, DtypeError, ShapeError, XpnetError
from xpnet.gradcheck import numerical_gradient
from xpnet.layers import Relu
from xpnet.networks import TwoLayerNet


def test_bad_arguments_of_numerical_gradient(asarray, xp) -> None:
    def f(at):
        return xp.sum(at)

    with pytest.raises(DtypeError, match=r"^numerical_gradient: x must be a floating array, got int\d+; make one with"):
        numerical_gradient(f, asarray([1, 2]))
    with pytest.raises(DtypeError, match="x must be a floating array, got list;"):
        numerical_gradient(f, [1.0])
    with pytest.raises(ArgumentError, match="x must be finite, got NaN or infinity"):
        numerical_gradient(f, asarray([1.0, float("nan")]))
    with pytest.raises(ShapeError, match=r"f must return one number, got \(2,\); sum its result"):
        numerical_gradient(lambda at: at, asarray([1.0, 2.0]))
    for step in (0, 0.0, -1e-4, float("nan"), True, "small"):
        with pytest.raises(ArgumentError, match="step must be above 0"):
            numerical_gradient(f, asarray([1.0]), step=step)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: xn.gradient_check(Relu(), np.ones(2), mode="fast"), ArgumentError, "mode must be one of every, dir"),
        (
            lambda: xn.gradient_check(Relu(), np.ones(2), dtype="int8"),
            ArgumentError,
            "dtype must be float64, float32 or",
        ),
        (lambda: xn.gradient_check(Relu(), np.ones(2), step=0.0), ArgumentError, "step must be above 0"),
        (lambda: xn.gradient_check(Relu(), np.ones(2), step=-1.0), ArgumentError, "step must be above 0"),
        (lambda: xn.gradient_check(Relu(), np.ones(2), step="1"), ArgumentError, "step must be above 0, got '1'"),
        (lambda: xn.gradient_check(Relu(), np.ones(2), tolerance=True), ArgumentError, "tolerance must be above 0"),
        (lambda: xn.gradient_check(Relu(), np.ones(2), tolerance=-1.0), ArgumentError, "tolerance must be"),
        (
            lambda: xn.gradient_check(Relu(), np.ones(2), mode="directions", directions=0),
            ArgumentError,
            "directions must be",
        ),
        (lambda: xn.gradient_check(Relu(), np.arange(3)), DtypeError, "x must be a floating array, got int64"),
        (lambda: xn.gradient_check(Relu(), np.asarray([np.inf])), ArgumentError, "x must be finite"),
        (lambda: xn.gradient_check(Relu()), ArgumentError, "Relu must come with x, got 0"),
        (lambda: xn.gradient_check(Relu(), np.ones(2), np.ones(2)), ArgumentError, "Relu must come with x, got 2"),
        (lambda: xn.gradient_check(TwoLayerNet(2, 2, 2), np.ones((1, 2))), ArgumentError, "must come with x, t, got 1"),
        (lambda: xn.gradient_check("Relu", np.ones(2)), ArgumentError, "subject must be a network, a layer or a"),
        (
            lambda: xn.gradient_check(np.sum, np.arange(2), gradient=np.ones_like),
            DtypeError,
            "an argument must be a floating array",
        ),
        (
            lambda: xn.gradient_check(np.sum, np.ones(2), gradient=np.ones_like, mode="complex"),
            ArgumentError,
            "complex steps must go through layers",
        ),
        (
            lambda: xn.gradient_check(Relu(), np.ones(2), mode="complex"),
            ArgumentError,
            'every layer must be holomorphic for a complex step, got Relu; choose mode="every"',
        ),
        (
            lambda: xn.gradient_check(TwoLayerNet(2, 2, 2), np.ones((1, 2)), np.asarray([0]), mode="complex"),
            ArgumentError,
            "got Relu, SoftmaxWithLoss",
        ),
    ],
)
def test_bad_arguments_of_gradient_check(call, error: type[XpnetError], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
