"""The gradient check itself: right on right layers, and it fails on wrong ones and says why."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.datasets import load_mnist
from xpnet.errors import ArgumentError, DtypeError, GradientError, ShapeError, XpnetError
from xpnet.gradcheck import numerical_gradient
from xpnet.gradcheck.batched import side_by_side
from xpnet.gradcheck.numerical import one_by_one
from xpnet.gradcheck.report import COLUMNS
from xpnet.layers import AddLayer, Affine, Flatten, IdentityWithLoss, Layer, MulLayer, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator, default_generator

in_float64 = pytest.mark.parametrize("dtype", ["float64"])


def normal(name: str, *shape: int) -> np.ndarray:
    return Generator(0).normal(shape, f"test.{name}")


# numerical_gradient


@given(coefficients=st.lists(st.integers(-3, 3), min_size=2, max_size=5).filter(lambda found: any(found[1:])))
def test_gradient_of_a_polynomial(coefficients, asarray, xp, dtype) -> None:
    x = np.asarray([-1.5, 0.25, 2.0])

    def f(at):
        value = at * 0.0
        for c in reversed(coefficients):
            value = value * at + float(c)
        return xp.sum(value)

    g = numerical_gradient(f, asarray(x))
    expected = np.polynomial.Polynomial(coefficients).deriv()(x)
    np.testing.assert_allclose(to_numpy(g), expected, atol={"float32": 3e-3, "float64": 1e-10}[dtype])


def test_gradient_has_the_library_device_dtype_and_shape_of_x(asarray, xp, backend) -> None:
    for values in (np.ones((2, 3)), np.float64(2.0), np.ones((0, 2))):
        x = asarray(values)
        g = numerical_gradient(lambda at: xp.sum(at * at), x)
        assert (g.shape, g.dtype, g.device) == (x.shape, backend.dtype, x.device)
        np.testing.assert_allclose(to_numpy(g), 2.0 * values, atol=1e-2)


def test_x_is_never_written_to(asarray, xp) -> None:
    values = np.asarray([0.1, -0.2, 1e8])
    x = asarray(values)
    before = to_numpy(x).copy()
    seen = []

    def f(at):
        seen.append(at)
        np.testing.assert_array_equal(to_numpy(x), before)
        return xp.sum(at)

    numerical_gradient(f, x)
    assert all(at is not x for at in seen)
    np.testing.assert_array_equal(to_numpy(x), before)


def test_x_survives_a_function_that_writes_into_its_argument() -> None:
    x = np.asarray([1.0, 2.0])

    def f(at):
        value = float(at @ at)
        at[...] = 99.0
        return value

    np.testing.assert_allclose(numerical_gradient(f, x), [2.0, 4.0], rtol=1e-10)
    assert x.tolist() == [1.0, 2.0]


def test_large_and_tiny_x_get_steps_of_their_size(asarray, xp, dtype) -> None:
    x = np.asarray([1e6, 1e-6, -1e3])
    g = to_numpy(numerical_gradient(lambda at: xp.sum(at * at * 1e-6), asarray(x)))
    np.testing.assert_allclose(g, 2e-6 * x, rtol={"float32": 2e-2, "float64": 1e-6}[dtype], atol=1e-5)


@pytest.mark.parametrize("result", [float, lambda v: v, lambda v: np.asarray([float(v)]), lambda v: np.asarray(v)])
def test_f_may_return_a_number_or_an_array_of_one(result) -> None:
    g = numerical_gradient(lambda at: result(np.sum(at * at)), np.asarray([3.0]))
    np.testing.assert_allclose(g, [6.0], rtol=1e-10)


def test_arrays_that_do_not_lie_in_order() -> None:
    for x in (np.arange(6.0).reshape(2, 3).T, np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(12.0)[::-2]):
        np.testing.assert_allclose(numerical_gradient(lambda at: np.sum(at**2), x), 2.0 * x, atol=1e-9)


@pytest.mark.parametrize("mode", ["every", "directions", "complex"])
def test_layers_and_networks_whose_arrays_are_transposed(mode: str) -> None:
    x, layer = normal("x", 4, 5).T, Affine(normal("W", 3, 4).T, normal("b", 6)[::2])
    xn.gradient_check(layer, x, mode=mode).raise_if_failed()
    net = Sequential(layer, loss=IdentityWithLoss())
    xn.gradient_check(net, x, normal("t", 3, 5).T, mode=mode).raise_if_failed()


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
    for step in (0, 0.0, -1e-4, float("nan")):
        with pytest.raises(ArgumentError, match="step must be above 0"):
            numerical_gradient(f, asarray([1.0]), step=step)


def test_a_function_that_ignores_its_argument_is_warned_of(asarray) -> None:
    with pytest.warns(UserWarning, match="f gave the same value for every x.*bind the argument"):
        numerical_gradient(lambda at: 3.0, asarray([1.0, 2.0]))


def test_a_minimum_is_no_reason_for_a_warning(asarray, xp) -> None:
    assert not to_numpy(numerical_gradient(lambda at: xp.sum(at * at), asarray(np.zeros(3)))).any()


# Right layers and networks


@in_float64
@pytest.mark.parametrize("mode", ["every", "directions", "complex"])
def test_every_mode_passes_a_right_layer(mode: str, asarray) -> None:
    layer = Affine(asarray(normal("W", 3, 4)), asarray(normal("b", 4)))
    report = xn.gradient_check(layer, asarray(normal("x", 5, 3)), mode=mode)
    assert report.ok
    assert [row.name for row in report.rows] == ["x", "W", "b"]
    assert [row.shape for row in report.rows] == [(5, 3), (3, 4), (4,)]
    assert [row.checked for row in report.rows] == ([16] * 3 if mode == "directions" else [15, 12, 4])
    assert all(row.max_rel < {"complex": 1e-14}.get(mode, 1e-9) for row in report.rows)
    assert (report.mode, report.dtype) == (mode, "complex128" if mode == "complex" else "float64")


@pytest.mark.parametrize("born", ["float32", "float64"])
def test_float32_is_checked_in_float64_copies_unless_told_not_to(born: str) -> None:
    with xn.use_backend("numpy", dtype=born) as backend:
        net = TwoLayerNet(4, 3, 2, weight_init_std=0.5, rng=Generator(0))
        x, t = backend.asarray(normal("x", 3, 4)), backend.asarray([0, 1, 1])
    copied, itself = xn.gradient_check(net, x, t), xn.gradient_check(net, x, t, dtype=None)
    assert copied.ok
    assert itself.ok
    assert (copied.dtype, itself.dtype) == ("float64", born)
    assert max(row.max_diff for row in copied.rows) < 1e-9
    assert (max(row.max_diff for row in itself.rows) > 1e-9) == (born == "float32")
    assert (itself.step > copied.step) == (itself.tolerance > copied.tolerance) == (born == "float32")


def test_a_layer_is_checked_as_it_is(asarray, dtype) -> None:
    layer, x = Affine(asarray(normal("W", 3, 2)), asarray(normal("b", 2))), asarray(normal("x", 2, 3))
    report = xn.gradient_check(layer, x, dtype=None)
    report.raise_if_failed()
    assert report.dtype == dtype


@in_float64
def test_what_is_checked_stays_as_it_was(asarray, backend) -> None:
    net = Sequential(Affine.create(3, 4, rng=Generator(0)), Relu(), Affine.create(4, 2), loss=SoftmaxWithLoss())
    x, t = asarray(normal("x", 3, 3)), asarray([0, 1, 1])
    net.gradient(x, t)
    nodes = [net, net.last_layer, *leaves(net).values()]
    before = [dict(vars(node)) for node in nodes]
    values = {name: to_numpy(array).copy() for name, array in net.params.items()}
    index = default_generator().index
    for dtype in ("float64", None):
        xn.gradient_check(net, x, t, mode="directions", dtype=dtype, directions=1)
        if backend.name != "jax":  # which compiles a program for every shape
            xn.gradient_check(net, x, t, dtype=dtype)
            net.numerical_gradient(x, t)
    xn.gradient_check(net.layers["Affine1"], x)
    for node, attributes in zip(nodes, before, strict=True):
        assert vars(node).keys() == attributes.keys()
        assert all(vars(node)[name] is value for name, value in attributes.items())
    for name, value in values.items():
        np.testing.assert_array_equal(to_numpy(net.params[name]), value)
    assert default_generator().index == index


@in_float64
def test_functions_with_their_gradients(asarray, xp) -> None:
    a, b = asarray(normal("a", 3)), asarray(normal("b", 3))
    report = xn.gradient_check(
        lambda a, n, b: xp.sum(a * a * b), a, 2, b, gradient=lambda a, n, b: (2.0 * a * b, a * a)
    )
    assert not report.ok or len(report.rows) == 3
    report = xn.gradient_check(lambda a, b: xp.sum(a * a * b), a, b, gradient=lambda a, b: (2.0 * a * b, a * a))
    report.raise_if_failed()
    assert [row.name for row in report.rows] == ["argument 0", "argument 1"]
    wrong = xn.gradient_check(lambda a: xp.sum(a * a), a, gradient=lambda a: a)
    assert not wrong.ok
    assert "0.5 times the right one" in str(wrong)


def test_integer_arguments_of_a_function_are_left_alone() -> None:
    a, t = normal("a", 4), np.asarray([2, 0])
    report = xn.gradient_check(
        lambda t, a: np.sum(a[t] ** 2), t, a, gradient=lambda t, a: 2.0 * a * np.isin(np.arange(4), t)
    )
    report.raise_if_failed()
    assert [row.name for row in report.rows] == ["argument 1"]


def test_a_function_without_its_gradient_is_differentiated_by_xpnet(asarray) -> None:
    a = asarray(normal("a", 3))

    def f(a):
        xp = array_namespace(a)
        return xp.sum(xp.exp(a) * a)

    xn.gradient_check(f, a).raise_if_failed()


def test_numbers_stand_for_arrays_of_the_current_backend(backend) -> None:
    for layer in (MulLayer(), AddLayer()):
        report = xn.gradient_check(layer, 3.0, 4)
        assert [row.status for row in report.rows] == ["ok", "ok"]


def test_an_empty_batch_has_nothing_to_check() -> None:
    assert xn.gradient_check(Relu(), np.zeros((0, 3))).ok


def test_a_network_s_numerical_gradient_is_its_gradient(asarray, dtype, tolerance) -> None:
    net = TwoLayerNet(4, 3, 2, weight_init_std=0.5, rng=Generator(0))
    x, t = asarray(normal("x", 3, 4)), asarray([0, 1, 1])
    numeric, analytic = net.numerical_gradient(x, t), net.gradient(x, t)
    assert list(numeric) == list(analytic) == ["W1", "b1", "W2", "b2"]
    for name, g in numeric.items():
        assert (g.dtype, g.shape) == (analytic[name].dtype, analytic[name].shape)
        np.testing.assert_allclose(to_numpy(g), to_numpy(analytic[name]), atol=max(tolerance, 1e-10))


# Wrong layers


class WrongAffine(Affine):
    """An Affine whose gradients can be replaced by others."""

    def __init__(self, W, b, **wrong) -> None:
        super().__init__(W, b)
        self.wrong = wrong

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        xp = array_namespace(dout)
        right = {
            "dW": lambda s, d: s.x.T @ d,
            "db": lambda s, d: xp.sum(d, axis=0),
            "dx": lambda s, d: d @ s.W.T,
        }
        found = {name: self.wrong.get(name, make)(self, dout) for name, make in right.items()}
        self.dW, self.db = found["dW"], found["db"]
        return found["dx"]


def total(array, axis):
    return array_namespace(array).sum(array, axis=axis)


WRONG = {
    "transposed product": ({"dW": lambda s, d: d.T @ s.x}, "W", "a transposed product"),
    "transposed product, dx": ({"dx": lambda s, d: d @ s.W}, "x", "a transposed product"),
    "ignored dout in W": ({"dW": lambda s, d: s.x.T @ (d * 0.0 + 1.0)}, "W", "dout is ignored"),
    "ignored dout in x": ({"dx": lambda s, d: (d * 0.0 + 1.0) @ s.W.T}, "x", "dout is ignored"),
    "wrong axis of a square dout": ({"db": lambda s, d: total(d, 1)}, "b", "the wrong axis in the bias sum"),
    "missing division": (
        {"dW": lambda s, d: 4.0 * (s.x.T @ d)},
        "W",
        "4 times too large.*missing division by the batch",
    ),
    "divided twice": ({"db": lambda s, d: total(d, 0) / 4.0}, "b", "4 times too small.*division by the batch size too"),
    "sign": ({"dx": lambda s, d: -(d @ s.W.T)}, "x", "its sign is wrong everywhere"),
    "zero": ({"dW": lambda s, d: 0.0 * (s.x.T @ d)}, "W", "zero everywhere"),
    "twice": ({"dW": lambda s, d: 2.0 * (s.x.T @ d)}, "W", "2 times the right one everywhere: a constant factor"),
    "wrong shape": ({"db": lambda s, d: d}, "b", r"shape is \(4, 4\) and not \(4,\)"),
    "nothing returned": ({"dx": lambda s, d: None}, "x", "backward leaves it out"),
    "NaN": ({"dW": lambda s, d: (s.x.T @ d) * float("nan")}, "W", "NaN or infinity"),
    "one NaN": ({"dx": lambda s, d: (d @ s.W.T) * one_value(d, float("nan"))}, "x", "NaN or infinity"),
    "infinity": ({"db": lambda s, d: total(d, 0) + float("inf")}, "b", "NaN or infinity"),
    "one element": ({"dx": lambda s, d: (d @ s.W.T) * one_value(d, 1.001)}, "x", "no known pattern"),
}


def one_value(like, value: float):
    """Ones, but for one element in the middle."""
    ones = np.ones(like.shape)
    ones[2, 1] = value
    return array_namespace(like).asarray(ones, device=like.device)


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
def test_a_parameter_that_is_not_finite_is_no_success(dtype: str) -> None:
    layer = Affine(np.full((2, 2), np.nan, dtype=dtype), np.zeros(2, dtype=dtype))
    try:
        report = xn.gradient_check(layer, np.ones((1, 2), dtype=dtype))
    except XpnetError:
        return
    assert not report.ok


class ForgetsTheWeights(Affine):
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.db = total(dout, 0)
        return dout @ self.W.T


class Accumulates(Affine):
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = getattr(self, "dW", 0.0) + self.x.T @ dout
        self.db = getattr(self, "db", 0.0) + total(dout, 0)
        return dout @ self.W.T


class OverwritesDout(Relu):
    """The book's own."""

    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0.0, x)

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class OverwritesX(Sigmoid):
    def forward(self, x):
        self.y = 1.0 / (1.0 + np.exp(-x))
        x[...] = self.y
        return x.copy()


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


class NoDivision(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(dout) * self.N


class DividedTwice(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(dout) / self.N


class IgnoresDout(SoftmaxWithLoss):
    def backward(self, dout):
        return super().backward(1.0)


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


class TenthTooSmall(Relu):
    def backward(self, dout):
        return 0.9 * super().backward(dout)


@pytest.mark.parametrize("mode", ["every", "directions"])
@pytest.mark.parametrize("nested", [False, True])
def test_the_wrong_layer_of_a_network_is_named(nested: bool, mode: str) -> None:
    front = (Affine.create(4, 5, rng=Generator(0)), TenthTooSmall())
    front = (Sequential(*front),) if nested else front
    net = Sequential(*front, Affine.create(5, 3, rng=Generator(1)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 6, 4).astype(np.float32), np.asarray([0, 1, 2, 0, 1, 2]), mode=mode)
    inside = "Sequential1." if nested else ""
    assert [row.name for row in report.rows if row.status == "fail"] == [f"{inside}Affine1.W", f"{inside}Affine1.b"]
    assert f"{inside}TenthTooSmall1.backward is wrong by itself" in str(report)
    assert "Affine1.backward is wrong" not in str(report)


def test_the_wrong_loss_of_a_network_is_named() -> None:
    net = Sequential(Affine.create(4, 3, rng=Generator(1)), loss=NoDivision())
    report = xn.gradient_check(net, normal("x", 6, 4).astype(np.float32), np.asarray([0, 1, 2, 0, 1, 2]))
    assert [row.status for row in report.rows] == ["fail", "fail"]
    assert "the loss's backward (NoDivision) is wrong by itself" in str(report)
    assert "6 times too large everywhere" in str(report)


def test_a_layer_of_a_network_that_forgets_its_weights() -> None:
    net = Sequential(ForgetsTheWeights(normal("W", 4, 3), normal("b", 3)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert [row.name for row in report.rows if row.status == "fail"] == ["ForgetsTheWeights1.W"]
    assert "backward leaves it out" in str(report)


def test_a_layer_of_a_network_that_adds_up_its_gradients() -> None:
    net = Sequential(Accumulates(normal("W", 4, 3), normal("b", 3)), loss=SoftmaxWithLoss())
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert not report.ok
    assert "do not accumulate it" in str(report)


def test_a_layer_of_a_network_that_overwrites_dout() -> None:
    net = Sequential(
        Affine(normal("W", 4, 3), normal("b", 3)),
        OverwritesDout(),
        Affine(normal("V", 3, 3), normal("c", 3)),
        loss=SoftmaxWithLoss(),
    )
    report = xn.gradient_check(net, normal("x", 3, 4), np.asarray([0, 1, 2]))
    if not report.ok:  # it does no harm in a chain
        assert "OverwritesDout1" in str(report)


# Kinks


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


# The report


@pytest.fixture
def failed():
    wrong, _, _ = WRONG["missing division"]
    return xn.gradient_check(WrongAffine(normal("W", 4, 4), normal("b", 4), **wrong), normal("x", 4, 4))


def test_the_report_as_text(failed) -> None:
    title, header, *rows, note = str(failed).splitlines()
    assert title == "gradient check of WrongAffine (every, float64, tolerance 1e-06)"
    assert re.split(r" {2,}", header) == list(COLUMNS)
    assert [row.split()[0] for row in rows] == ["x", "W", "b"]
    assert [row.split()[-1] for row in rows] == ["ok", "fail", "ok"]
    assert note.startswith("W: backward gave ")


def test_where_the_largest_difference_sits() -> None:
    layer = WrongAffine(normal("W", 4, 4), normal("b", 4), dx=WRONG["one element"][0]["dx"])
    row = xn.gradient_check(layer, normal("x", 4, 4)).rows[0]
    assert row.where == (2, 1)
    assert row.max_diff == pytest.approx(abs(row.analytic - row.numeric))
    assert row.mean_diff == pytest.approx(row.max_diff / 16, rel=1e-3)
    assert row.analytic == pytest.approx(1.001 * row.numeric)
    assert 0.0 < row.mean_rel < row.max_rel < 0.002


def test_the_report_as_a_dict_of_builtins(failed) -> None:
    found = json.loads(json.dumps(failed.to_dict()))
    assert found["ok"] is False
    assert (found["subject"], found["mode"], found["dtype"]) == ("WrongAffine", "every", "float64")
    assert [row["name"] for row in found["rows"]] == ["x", "W", "b"]
    row = found["rows"][1]
    assert {
        "shape",
        "checked",
        "mean_diff",
        "max_diff",
        "mean_rel",
        "max_rel",
        "where",
        "status",
        "causes",
    } <= row.keys()
    assert row["status"] == "fail"
    assert row["analytic"] == pytest.approx(4.0 * row["numeric"])


def test_the_report_as_a_rich_table(failed) -> None:
    screen = io.StringIO()
    Console(file=screen, width=160).print(failed, xn.gradient_check(Relu(), np.asarray([0.0])))
    text = screen.getvalue()
    assert "gradient check of WrongAffine" in text
    assert "missing division by the batch size" in text
    assert re.search(r"W +4x4 +16 .* fail", text)
    assert "1 kink" in text


def test_raise_if_failed(failed) -> None:
    with pytest.raises(
        GradientError, match=r"(?s)^WrongAffine: backward must agree .*\(W\), got W: backward gave"
    ) as raised:
        failed.raise_if_failed()
    assert isinstance(raised.value, AssertionError)
    assert isinstance(raised.value, XpnetError)
    xn.gradient_check(Relu(), np.ones(2)).raise_if_failed()


# Bad arguments


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


# Many values side by side


def stack_of(*layers: Layer, loss: Layer | None = None) -> Sequential:
    return Sequential(*layers, loss=loss or SoftmaxWithLoss())


def affine(name: str, inputs: int, outputs: int) -> Affine:
    return Affine(normal(f"{name}.W", inputs, outputs), normal(f"{name}.b", outputs))


LABELS = np.asarray([0, 2, 1])
STACKS = {
    "one Affine": (lambda: stack_of(affine("a", 4, 3)), normal("x", 3, 4), LABELS),
    "three Affines": (
        lambda: stack_of(affine("a", 4, 5), Relu(), affine("b", 5, 6), Sigmoid(), affine("c", 6, 3)),
        normal("x", 3, 4),
        LABELS,
    ),
    "nested": (
        lambda: stack_of(Sequential(affine("a", 4, 5), Sequential(Relu(), affine("b", 5, 4))), affine("c", 4, 3)),
        normal("x", 3, 4),
        np.eye(3)[LABELS],
    ),
    "images": (
        lambda: stack_of(affine("a", 8, 5), Relu(), affine("b", 5, 3)),
        normal("x", 3, 2, 2, 2),
        LABELS,
    ),
    "flattened images": (
        lambda: stack_of(Flatten(), affine("a", 8, 3), loss=IdentityWithLoss()),
        normal("x", 3, 2, 2, 2),
        normal("t", 3, 3),
    ),
    "one row": (lambda: stack_of(affine("a", 4, 3)), normal("x", 1, 4), LABELS[:1]),
}


@in_float64
@pytest.mark.parametrize("stack", STACKS)
def test_values_side_by_side_are_those_one_by_one(stack: str, asarray, backend) -> None:
    make, x, t = STACKS[stack]
    with xn.use_backend("numpy"):
        net = make()
    for name in net.params:
        net.params[name] = asarray(net.params[name])
    x, t = asarray(x), asarray(t)
    for name, place in net.params.places.items():

        def loss_at(array, name=name):
            with net.using({name: array}):
                return net.loss(x, t)

        host = to_numpy(net.params[name])
        fast, slow = side_by_side(net, place, x, t), one_by_one(loss_at, host, backend)
        indices = np.unique(np.linspace(0, host.size - 1, 5).astype(int))
        moves = np.tile([[-0.25, 1e-3, 0.0, 0.5]], (indices.size, 1))
        np.testing.assert_allclose(fast(indices, moves), slow(indices, moves), rtol=1e-13)


def count_forwards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls, forward = [], Affine.forward

    def counted(self, *inputs, **named):
        calls.append(1)
        return forward(self, *inputs, **named)

    monkeypatch.setattr(Affine, "forward", counted)
    return calls


def test_a_network_of_affines_is_checked_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    net = TwoLayerNet(50, 20, 10, rng=Generator(0))
    calls = count_forwards(monkeypatch)
    report = xn.gradient_check(net, normal("x", 3, 50).astype(np.float32), LABELS)
    assert [row.status for row in report.rows] == ["ok"] * 4
    assert sum(row.checked for row in report.rows) == 1230
    assert len(calls) < 200


def test_a_layer_that_mixes_its_units_is_checked_one_by_one_although_it_says_otherwise() -> None:
    class Mixing(Affine):
        """Its outputs are divided by their sum, but units is inherited."""

        def forward(self, x):
            self.x = x
            y = x @ self.W + self.b
            return y - total(y, 1)[:, None]

        def backward(self, dout):
            dout = dout - total(dout, 1)[:, None]
            self.dW, self.db = self.x.T @ dout, total(dout, 0)
            return dout @ self.W.T

    net = stack_of(Mixing(normal("W", 4, 3), normal("b", 3)))
    xn.gradient_check(net, normal("x", 3, 4), LABELS).raise_if_failed()


def test_the_book_s_network_on_three_images_of_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("XPNET_DATA") or beside)
    if not any(folder.rglob("train-images-idx3-ubyte*")):
        pytest.skip("needs XPNET_DATA to name a folder with MNIST's four files")
    monkeypatch.setenv("XPNET_DATA", str(folder))
    calls = count_forwards(monkeypatch)
    with xn.use_backend("numpy", dtype="float64"):
        (x, t), _ = load_mnist(normalize=False)
        net = TwoLayerNet(784, 50, 10, rng=Generator(0))
        report = xn.gradient_check(net, x[:3] / 255.0, np.eye(10)[t[:3]])
    printed = {"W1": 2.2e-13, "b1": 9.7e-13, "W2": 8.4e-13, "b2": 1.2e-10}
    assert {row.name: row.status for row in report.rows} == dict.fromkeys(printed, "ok")
    assert sum(row.checked for row in report.rows) == 39_760
    assert all(row.mean_diff <= printed[row.name] for row in report.rows), str(report)
    assert len(calls) < 39_760 / 4
