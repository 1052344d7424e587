"""Second derivatives by a bias alone, the inputs and the weights being plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.cases import CASES

CHOSEN = [case for case in CASES if case.name in ("Affine", "Convolution", "RNN", "LSTM", "GRU")]


@pytest.mark.usefixtures("defer_to_variables")
@pytest.mark.parametrize("dtype", ["float64"])
@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name)
def test_the_gradient_of_a_gradient_by_a_bias(case, backend) -> None:
    layer, inputs = case.build()
    for name in [name for name in layer.params if name.startswith("b")]:
        W = layer.params[name]

        def loss(p, name=name):
            with layer.using({name: p}):
                y = layer(*inputs)
                return array_namespace(y).sum(y * y * y)

        def length(p, loss=loss):
            d = xn.grad(loss)(p)
            return array_namespace(d).sum(d * d)

        found, expected = to_numpy(xn.grad(length)(W)), to_numpy(xn.numerical_gradient(length, W))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(expected)))
