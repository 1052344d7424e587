"""Activations against torch: outputs and gradients, over shapes, options and sizes of the scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import (
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    LogSoftmax,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Tanh,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
SCALES = st.sampled_from([0.0, 0.1, 3.0, 30.0, 1e4])
SEEDS = st.integers(0, 2**32 - 1)

PAIRS = {
    "Identity": (Identity(), lambda x: x * 1.0),
    "Relu": (Relu(), F.relu),
    "Sigmoid": (Sigmoid(), torch.sigmoid),
    "Tanh": (Tanh(), torch.tanh),
    "Softplus": (Softplus(), lambda x: F.softplus(x, threshold=80.0)),
    "Silu": (Silu(), F.silu),
    "Gelu": (Gelu(), F.gelu),
    "Gelu, tanh": (Gelu(approximate="tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "Softmax": (Softmax(), lambda x: torch.softmax(x, dim=-1)),
    "LogSoftmax": (LogSoftmax(), lambda x: torch.log_softmax(x, dim=-1)),
}


def compare(layer, function, dtype, tolerance, shape, scale, seed):
    rng = np.random.default_rng(seed)
    x, dout = (scale * rng.normal(size=shape)).astype(dtype), rng.normal(size=shape).astype(dtype)
    tensor = torch.tensor(x, requires_grad=True)
    y = function(tensor)
    y.backward(torch.tensor(dout))
    for found, expected in ((layer(x), y.detach().numpy()), (layer.backward(dout), tensor.grad.numpy())):
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found, expected, rtol=tolerance, atol=tolerance * max(1.0, float(np.max(np.abs(expected))))
        )


@pytest.mark.parametrize("name", PAIRS)
@DTYPES
@given(shape=SHAPES, scale=SCALES, seed=SEEDS)
def test_activations(name, dtype, tolerance, shape, scale, seed):
    compare(*PAIRS[name], dtype, tolerance, shape, scale, seed)


@DTYPES
@given(shape=SHAPES, scale=SCALES, seed=SEEDS, slope=st.sampled_from([-0.5, 0.0, 0.01, 1.0, 3.0]))
def test_leaky_relu(dtype, tolerance, shape, scale, seed, slope):
    compare(LeakyRelu(slope), lambda x: F.leaky_relu(x, slope), dtype, tolerance, shape, scale, seed)


@DTYPES
@given(shape=SHAPES, scale=SCALES, seed=SEEDS, alpha=st.sampled_from([0.1, 1.0, 2.5]))
def test_elu(dtype, tolerance, shape, scale, seed, alpha):
    compare(Elu(alpha), lambda x: F.elu(x, alpha), dtype, tolerance, shape, scale, seed)
