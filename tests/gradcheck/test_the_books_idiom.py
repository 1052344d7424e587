"""The book's idiom: f ignores its argument and reads the array itself, which changes in place."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.gradcheck import numerical_gradient
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

MUTABLE = ("numpy", "array-api-strict", "torch", "cupy")


def writable(x) -> bool:
    return not (isinstance(x, np.ndarray) and not x.flags.writeable) and "jax" not in type(x).__module__


def test_the_book_s_own_line() -> None:
    """Deep Learning from Scratch, section 4.5.1, ``TwoLayerNet.numerical_gradient``."""
    with xn.use_backend("numpy", dtype="float64"):
        net = TwoLayerNet(4, 3, 2, rng=Generator(0))
        x, t = np.random.default_rng(0).standard_normal((5, 4)), np.asarray([0, 1, 1, 0, 1])
        before = {name: array.copy() for name, array in net.params.items()}
        expected = net.gradient(x, t)
        for name in ("W1", "b1", "W2", "b2"):
            found = numerical_gradient(lambda W: net.loss(x, t), net.params[name])
            np.testing.assert_allclose(found, expected[name], rtol=1e-7, atol=1e-10)
            np.testing.assert_array_equal(net.params[name], before[name])


def test_an_array_that_f_reads_beside_its_argument(asarray, xp) -> None:
    """Weight decay of the argument, the loss of the array: both count."""
    x = asarray([1.0, -2.0, 3.0])
    before = to_numpy(x).copy()
    if not writable(x):
        return
    g = numerical_gradient(lambda at: xp.sum(x * x * x) + xp.sum(at), x)
    np.testing.assert_allclose(to_numpy(g), 3.0 * before**2 + 1.0, rtol=2e-3)
    np.testing.assert_array_equal(to_numpy(x), before)


def test_where_x_cannot_change_ignoring_the_argument_raises(asarray, xp) -> None:
    x = asarray([1.0, -2.0, 3.0])
    if writable(x):
        np.testing.assert_allclose(
            to_numpy(numerical_gradient(lambda _: xp.sum(x * x), x)), [2.0, -4.0, 6.0], rtol=1e-3
        )
        return
    with pytest.raises(ArgumentError, match="f must depend on its argument where x cannot be written to, got the same"):
        numerical_gradient(lambda _: xp.sum(x * x), x)
    g = numerical_gradient(lambda at: xp.sum(xp.where(at > 5.0, at, 0.0 * at)), x)
    assert not to_numpy(g).any()  # it depends, and is flat here


def test_a_function_that_is_constant_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="f gave the same value for every x.*bind the argument"):
        assert numerical_gradient(lambda _: 3.0, np.asarray([1.0, 2.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, TypeError])
@pytest.mark.parametrize("after", [0, 2, 3, 4, 9, 17])
def test_x_is_restored_whatever_f_raises(error: type[BaseException], after: int) -> None:
    x = np.asarray([[0.1, -0.0], [1e-310, 1e300]])
    bits = x.tobytes()
    calls = []

    def f(_):
        calls.append(1)
        if len(calls) > after:
            raise error("stop")
        return float(np.sum(x * 1e-3))

    with pytest.raises(error):
        numerical_gradient(f, x)
    assert x.tobytes() == bits


def test_views_and_other_orders_are_read_in_place() -> None:
    whole = np.arange(24.0).reshape(2, 3, 4)
    for x in (whole[:, 1], whole.T, whole[..., ::-2], np.asarray(5.0)):
        before = whole.copy()
        np.testing.assert_allclose(numerical_gradient(lambda _, x=x: np.sum(x**2), x), 2.0 * x, atol=1e-8)
        np.testing.assert_array_equal(whole, before)


def test_torch_leaves_with_a_gradient_are_not_written_to() -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    g = numerical_gradient(lambda at: (at * at).sum(), x)
    np.testing.assert_allclose(g.numpy(), [2.0, 4.0], rtol=1e-9)
