"""The gradient check passes right layers, networks and functions, and leaves them as they were."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.layers import AddLayer, Affine, IdentityWithLoss, MulLayer, Relu, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import DEFAULT, Generator

in_float64 = pytest.mark.parametrize("dtype", ["float64"])


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


@pytest.mark.parametrize("mode", ["every", "directions", "complex"])
def test_layers_and_networks_whose_arrays_are_transposed(mode: str) -> None:
    x, layer = normal("x", 4, 5).T, Affine(normal("W", 3, 4).T, normal("b", 6)[::2])
    xn.gradient_check(layer, x, mode=mode).raise_if_failed()
    net = Sequential(layer, loss=IdentityWithLoss())
    xn.gradient_check(net, x, normal("t", 3, 5).T, mode=mode).raise_if_failed()


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
    index = DEFAULT.index
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
    assert DEFAULT.index == index


@in_float64
def test_functions_with_their_gradients(asarray, xp) -> None:
    a, b = asarray(normal("a", 3)), asarray(normal("b", 3))
    report = xn.gradient_check(lambda a, b: xp.sum(a * a * b), a, b, gradient=lambda a, b: (2.0 * a * b, a * a))
    report.raise_if_failed()
    assert [row.name for row in report.rows] == ["argument 0", "argument 1"]
    wrong = xn.gradient_check(lambda a: xp.sum(a * a), a, gradient=lambda a: a)
    assert not wrong.ok
    assert "0.5 times the right one" in str(wrong)


@in_float64
def test_a_gradient_is_due_for_each_argument_numbers_too(asarray, xp) -> None:
    a, b = asarray(normal("a", 3)), asarray(normal("b", 3))
    report = xn.gradient_check(
        lambda a, n, b: xp.sum(a * a * b), a, 2, b, gradient=lambda a, n, b: (2.0 * a * b, a * a)
    )
    assert [row.status for row in report.rows] == ["ok", "fail", "fail"]
    assert "argument 2: backward gave nan, numerical differentiation nan; backward leaves it out" in str(report)


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
