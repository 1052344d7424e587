"""Activations against torch: outputs and gradients, over shapes, options and sizes of the scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import (
    Elu,
    GeGlu,
    Gelu,
    Glu,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Identity,
    LeakyRelu,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    SwiGlu,
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
    "Mish": (Mish(), F.mish),
    "Selu": (Selu(), F.selu),
    "Softsign": (Softsign(), F.softsign),
    "LogSigmoid": (LogSigmoid(), F.logsigmoid),
    "Relu6": (Relu6(), F.relu6),
    "HardSwish": (HardSwish(), F.hardswish),
    "HardSigmoid": (HardSigmoid(), lambda x: F.relu6(x + 3.0) / 6.0),  # torch rounds 1/6 to float32 in its backward
    "HardTanh": (HardTanh(-0.5, 2.0), lambda x: F.hardtanh(x, -0.5, 2.0)),
    "Softmax": (Softmax(), lambda x: torch.softmax(x, dim=-1)),
    "LogSoftmax": (LogSoftmax(), lambda x: torch.log_softmax(x, dim=-1)),
}


def compare(layer, function, dtype, tolerance, shape, scale, seed):
    rng = np.random.default_rng(seed)
    x = (scale * rng.normal(size=shape)).astype(dtype)
    tensor = torch.tensor(x, requires_grad=True)
    y = function(tensor)
    dout = rng.normal(size=tuple(y.shape)).astype(dtype)
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


GATED = {
    "Glu": (Glu, lambda a, g: a * torch.sigmoid(g)),
    "GeGlu": (GeGlu, lambda a, g: a * F.gelu(g)),
    "SwiGlu": (SwiGlu, lambda a, g: a * F.silu(g)),
}


@pytest.mark.parametrize("name", GATED)
@DTYPES
@given(shape=SHAPES, scale=SCALES, seed=SEEDS, axis=st.integers(-4, 3))
def test_gates(name, dtype, tolerance, shape, scale, seed, axis):
    axis = max(-len(shape), min(axis, len(shape) - 1))
    shape = tuple(2 * size if at == axis % len(shape) else size for at, size in enumerate(shape))
    layer, function = GATED[name]
    compare(layer(axis), lambda x: function(*torch.chunk(x, 2, axis)), dtype, tolerance, shape, scale, seed)


@given(shape=SHAPES, scale=SCALES, seed=SEEDS, single=st.booleans())
def test_prelu(shape, scale, seed, single):
    shape = shape if len(shape) > 1 else (2, *shape)
    rng = np.random.default_rng(seed)
    a = rng.normal(size=1 if single else shape[1])
    layer, weight = PRelu(a), torch.tensor(a, requires_grad=True)
    compare(layer, lambda x: F.prelu(x, weight), np.float64, 1e-10, shape, scale, seed)
    expected = weight.grad.numpy()
    np.testing.assert_allclose(layer.da, expected, rtol=1e-10, atol=1e-10 * max(1.0, float(np.abs(expected).max())))
