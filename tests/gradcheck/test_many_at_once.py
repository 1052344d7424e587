"""Values of a layer for many arrays at once, or from a compiled function, are those one by one."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import backend_of, to_numpy
from xpnet.gradcheck.layers import layer_targets
from xpnet.gradcheck.numerical import one_by_one
from xpnet.layers import Affine, Layer, Relu, Residual, Tanh


class Counted(Tanh):
    calls = 0

    def forward(self, x):
        Counted.calls += 1
        return super().forward(x)


class FromTheHost(Layer):
    """``y = x``, by a way that no batch and no compiler can go."""

    def forward(self, x):
        self.first = float(x[0, 0])
        return x * 1.0

    def backward(self, dout):
        return dout


class Accumulating(Affine):
    def backward(self, dout):
        before = getattr(self, "dW", 0.0)
        dx = super().backward(dout)
        self.dW = self.dW + before
        return dx


@pytest.mark.parametrize("dtype", ["float64"])
def test_few_calls_make_many_values(asarray, where) -> None:
    Counted.calls = 0
    xn.gradient_check(Counted(), asarray(normal("x", 5, 4))).raise_if_failed()
    assert Counted.calls < 20


@pytest.mark.parametrize("dtype", ["float64"])
def test_values_at_once_are_those_one_by_one(asarray, backend) -> None:
    layer = Residual(Affine(asarray(normal("W", 3, 3)), asarray(normal("b", 3))), Relu())
    for target in layer_targets(layer, (asarray(normal("x", 2, 3)),)):
        indices, moves = np.arange(target.host.size), np.full((target.host.size, 2), [-0.25, 0.5])
        plain = one_by_one(target.f, target.host, backend)(indices, moves)
        np.testing.assert_allclose(target.evaluate()(indices, moves), plain, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float64"])
def test_a_layer_that_reads_values_is_checked_one_by_one(asarray) -> None:
    assert xn.gradient_check(FromTheHost(), asarray(normal("x", 2, 3))).ok


@pytest.mark.parametrize("dtype", ["float64"])
def test_gradients_that_add_up_are_found_on_every_library(asarray) -> None:
    layer = Accumulating(asarray(normal("W", 3, 2)), asarray(normal("b", 2)))
    report = xn.gradient_check(layer, asarray(normal("x", 4, 3)))
    assert "a second backward adds to the first" in str(report)


@pytest.mark.parametrize("dtype", ["float64"])
def test_numbers_that_differ_from_call_to_call_are_refused(asarray) -> None:
    rng = np.random.default_rng(0)

    class Noisy(Layer):
        def forward(self, x):
            return x * backend_of(x).asarray(rng.random(tuple(x.shape)))

        def backward(self, dout):
            return dout

    with pytest.raises(ValueError, match="must give the same value"):
        xn.gradient_check(Noisy(), asarray(normal("x", 2, 3)))


@pytest.mark.parametrize("dtype", ["float64"])
def test_vmap_passes_through_layers_and_comparisons_of_constants(asarray) -> None:
    x = asarray(normal("x", 4, 3))
    layer = Affine(xn.constant(asarray(np.eye(3))), xn.constant(asarray(np.ones(3))))
    mask = xn.constant(asarray(np.asarray([[True, False, True]])))

    def f(row):
        y = layer(row[None, ...])
        return (mask & (y > 0.0)) | (xn.constant(asarray(np.ones((1, 3)))) < y)

    found = to_numpy(xn.vmap(f)(x))[:, 0, :]
    y = normal("x", 4, 3) + 1.0
    np.testing.assert_array_equal(found, (np.asarray([True, False, True]) & (y > 0.0)) | (y > 1.0))
