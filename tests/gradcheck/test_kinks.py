"""Kinks, where the sides differ: any gradient between them is right, and what lies outside fails."""

from __future__ import annotations

import numpy as np
import pytest
from faulty_layers import TenthTooSmall
from named_numbers import normal

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.layers import Affine, Layer, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.networks import Sequential

in_float64 = pytest.mark.parametrize("dtype", ["float64"])


class Maximum(Layer):
    """The largest of each row; of several, the gradient goes to ``share``."""

    def __init__(self, share) -> None:
        super().__init__()
        self.share = share

    def forward(self, x):
        xp = array_namespace(x)
        self.x = x
        return xp.max(x, axis=1)

    def backward(self, dout):
        xp = array_namespace(dout)
        largest = xp.astype(self.x == xp.max(self.x, axis=1, keepdims=True), dout.dtype)
        return dout[:, None] * self.share(xp, largest)


def first_of(xp, largest):
    return largest * xp.astype(xp.cumulative_sum(largest, axis=1) == 1.0, largest.dtype)


TIES = np.asarray([[1.0, 1.0, 0.0], [2.0, 3.0, 3.0], [1.0, 2.0, 3.0]])


@in_float64
def test_relu_at_zero_is_a_kink_and_no_failure(asarray) -> None:
    report = xn.gradient_check(Relu(), asarray([0.0, 1.0, -1.0, 0.0]))
    (row,) = report.rows
    assert report.ok
    assert (row.status, row.kinks, row.checked) == ("kink", 2, 4)
    assert row.max_diff < 1e-9
    assert "2 kinks" in str(report)
    report.raise_if_failed()


@pytest.mark.parametrize("distance", [1e-3, 1e-5, -1e-4])
def test_a_kink_within_the_step_is_stepped_around(distance: float) -> None:
    (row,) = xn.gradient_check(Relu(), np.asarray([distance, 2.0])).rows
    assert row.status == "ok"


@in_float64
@pytest.mark.parametrize(
    ("share", "status"),
    [
        (first_of, "kink"),
        (lambda xp, m: m / xp.sum(m, axis=1, keepdims=True), "ok"),
        (lambda xp, m: m, "kink"),
        (lambda xp, m: 2.0 * m / xp.sum(m, axis=1, keepdims=True), "fail"),
        (lambda xp, m: first_of(xp, m) * 1.5, "fail"),
        (lambda xp, m: -m / xp.sum(m, axis=1, keepdims=True), "fail"),
    ],
)
def test_ties_of_a_maximum(share, status: str, asarray) -> None:
    (row,) = xn.gradient_check(Maximum(share), asarray(TIES)).rows
    assert row.status == status
    if status == "kink":
        assert row.kinks in (2, 4)


class SlopeAtZero(Relu):
    slope = 0.0

    def backward(self, dout):
        return dout * ((self.y > 0.0) + self.slope * (self.y == 0.0))


@pytest.mark.parametrize(("slope", "status"), [(0.0, "kink"), (0.5, "ok"), (0.75, "kink"), (1.0, "kink")])
def test_any_slope_between_the_sides_is_right_at_a_kink(slope: float, status: str) -> None:
    layer = SlopeAtZero()
    layer.slope = slope
    (row,) = xn.gradient_check(layer, np.asarray([0.0, 1.0, 2.0])).rows
    assert row.status == status


@pytest.mark.parametrize("slope", [1.5, -0.5, 100.0, float("nan")])
def test_a_slope_outside_the_sides_is_wrong_at_a_kink(slope: float) -> None:
    layer = SlopeAtZero()
    layer.slope = slope
    assert not xn.gradient_check(layer, np.asarray([0.0, 1.0, 2.0])).ok


def test_a_wrong_layer_with_kinks_still_fails() -> None:
    report = xn.gradient_check(TenthTooSmall(), np.asarray([0.0, 1.0, -1.0]))
    assert [row.status for row in report.rows] == ["fail"]


def test_a_smooth_but_wrong_gradient_is_no_kink() -> None:
    class Wrong(Sigmoid):
        def backward(self, dout):
            return super().backward(dout) * 1.0001

    assert [row.status for row in xn.gradient_check(Wrong(), normal("x", 3, 4)).rows] == ["fail"]


def test_kinks_in_a_network_s_weights() -> None:
    net = Sequential(
        Affine(np.zeros((2, 3)), np.zeros(3)), Relu(), Affine(normal("V", 3, 2), np.zeros(2)), loss=SoftmaxWithLoss()
    )
    report = xn.gradient_check(net, np.asarray([[1.0, 2.0]]), np.asarray([1]))
    assert report.ok
    assert [row.status for row in report.rows] == ["kink", "kink", "ok", "ok"]
