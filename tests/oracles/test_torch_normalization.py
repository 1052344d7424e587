"""Normalizations against torch: outputs, all gradients and running statistics, over shapes and options drawn.

Fewer than four values to normalize over would often be so close that torch itself is wrong in float32.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import (
    LSTM,
    Affine,
    BatchNormalization,
    Convolution,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    Linear,
    MatMul,
    RMSNormalization,
    SpectralNormalization,
    WeightNormalization,
)

torch = pytest.importorskip("torch")

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
SIZES = st.integers(1, 5)
EPS = st.sampled_from([1e-5, 1e-3])
IMAGES = st.lists(SIZES, max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)


def numbers(seed: int, dtype, *shapes) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(2.0 * rng.normal(size=shape) + 0.5).astype(dtype) for shape in shapes]


def agree(found, expected, tolerance: float) -> None:
    """Relative to the largest value: where a gradient is a difference, its rounding is that of what it is made of."""
    for a, b in zip(found, expected, strict=True):
        b = np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, float(np.max(np.abs(b), initial=0))))


def by_torch(function, dout, *arrays) -> list:
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = function(*tensors)
    y.backward(torch.tensor(dout))
    return [y.detach(), *(tensor.grad for tensor in tensors)]


def by_xpnet(layer, x, dout) -> list:
    return [layer(x), layer.backward(dout), *layer.grads.values()]


@DTYPES
@given(lead=st.lists(SIZES, max_size=3).map(tuple), size=st.integers(4, 9), eps=EPS, seed=SEEDS)
def test_layer_normalization(dtype, tolerance, lead, size, eps, seed):
    x, dout, gamma, beta = numbers(seed, dtype, (*lead, size), (*lead, size), (size,), (size,))
    expected = by_torch(lambda *v: torch.nn.functional.layer_norm(v[0], (size,), *v[1:], eps), dout, x, gamma, beta)
    agree(by_xpnet(LayerNormalization(gamma, beta, eps=eps), x, dout), expected, tolerance)


@DTYPES
@given(lead=st.lists(SIZES, max_size=3).map(tuple), size=SIZES, eps=EPS, seed=SEEDS)
def test_rms_normalization(dtype, tolerance, lead, size, eps, seed):
    x, dout, gamma = numbers(seed, dtype, (*lead, size), (*lead, size), (size,))
    expected = by_torch(lambda *v: torch.nn.functional.rms_norm(v[0], (size,), *v[1:], eps), dout, x, gamma)
    agree(by_xpnet(RMSNormalization(gamma, eps=eps), x, dout), expected, tolerance)


@DTYPES
@given(batch=SIZES, groups=st.integers(1, 3), width=st.integers(4, 5), places=IMAGES, eps=EPS, seed=SEEDS)
def test_group_normalization(dtype, tolerance, batch, groups, width, places, eps, seed):
    channels = groups * width
    shape = (batch, channels, *places)
    x, dout, gamma, beta = numbers(seed, dtype, shape, shape, (channels,), (channels,))
    expected = by_torch(lambda *v: torch.nn.functional.group_norm(v[0], groups, *v[1:], eps), dout, x, gamma, beta)
    agree(by_xpnet(GroupNormalization(gamma, beta, groups=groups, eps=eps), x, dout), expected, tolerance)


@DTYPES
@given(
    batch=st.integers(4, 6),
    channels=SIZES,
    places=IMAGES,
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    eps=EPS,
    seed=SEEDS,
)
def test_batch_normalization(dtype, tolerance, batch, channels, places, momentum, eps, seed):
    """Three steps and a prediction; of the variance torch's running one takes n / (n - 1), which is converted here."""
    shape = (batch, channels, *places)
    gamma, beta, mean, var = numbers(seed, dtype, *[(channels,)] * 4)
    var = np.abs(var)
    ours = BatchNormalization(gamma, beta, momentum, mean, var, eps=eps)
    means, variances = torch.tensor(mean), torch.tensor(var)
    for step in range(3):
        x, dout = numbers(seed + step, dtype, shape, shape)

        def trained(x, gamma, beta):
            return torch.nn.functional.batch_norm(x, means, variances, gamma, beta, True, 1.0 - momentum, eps)

        agree(by_xpnet(ours, x, dout), by_torch(trained, dout, x, gamma, beta), tolerance)
    n, stays = x.size // channels, momentum**3
    converted = (ours.running_var - stays * var) * (n / (n - 1)) + stays * var
    agree([ours.running_mean, converted], [means, variances], tolerance)
    theirs = torch.tensor(ours.running_mean), torch.tensor(ours.running_var), torch.tensor(gamma), torch.tensor(beta)
    predicted = torch.nn.functional.batch_norm(torch.tensor(x), *theirs, False, 0.0, eps)
    agree([ours.predict(x)], [predicted], tolerance)


@DTYPES
@given(rows=SIZES, channels=SIZES, places=st.integers(4, 9), eps=EPS, seed=SEEDS)
def test_instance_normalization(dtype, tolerance, rows, channels, places, eps, seed):
    shape = rows, channels, places
    x, gamma, beta, dout = numbers(seed, dtype, shape, (channels,), (channels,), shape)

    def function(x, gamma, beta):
        return torch.nn.functional.instance_norm(x, weight=gamma, bias=beta, eps=eps)

    expected = by_torch(function, dout, x, gamma, beta)
    agree(by_xpnet(InstanceNormalization(gamma, beta, eps=eps), x, dout), expected, tolerance)


@given(
    kind=st.sampled_from([Affine, Linear, MatMul, Convolution]),
    outputs=st.integers(1, 4),
    inputs=st.integers(1, 4),
    groups=st.integers(1, 2),
    seed=SEEDS,
)
def test_weight_normalization(kind, outputs, inputs, groups, seed):
    """Of the same weights, which torch holds transposed, and with lengths that are not those at the start."""
    image = kind is Convolution
    size, groups = ((2, 2), groups) if image else ((), 1)
    W, b, g = numbers(seed, np.float64, (groups * outputs, inputs, *size), (groups * outputs,), (groups * outputs,))
    x, dout = numbers(seed + 1, np.float64, (3, groups * inputs, *size), (3, groups * outputs, *(1,) * len(size)))
    with_b = () if kind is MatMul else (b,)
    layer = WeightNormalization(Convolution(W.copy(), b, groups=groups) if image else kind(W.T.copy(), *with_b))
    layer.params["scale.g"] = g

    def function(x, W, g, *b):
        normalized = torch._weight_norm(W, g.reshape(-1, *(1,) * (W.ndim - 1)), 0)
        if image:
            return torch.nn.functional.conv2d(x, normalized, *b, groups=groups)
        return torch.nn.functional.linear(x, normalized, *b)

    y, dx, dW, dg, *db = by_torch(function, dout, x, W, g, *with_b)
    found = [layer(x), layer.backward(dout)]
    found += [layer.grads[name] for name in ("layer.W", "scale.g", "layer.b")[: 2 + len(db)]]
    agree(found, [y, dx, dW if image else dW.T, dg, *db], 1e-9)


@pytest.mark.parametrize("parameter", ["Wx", "Wh"])
def test_lengths_of_recurrent_weights_are_those_of_torch(parameter):
    """One for each gate, as of the rows of torch's weights."""
    lstm = LSTM.create(2, 3)
    lengths = torch.norm_except_dim(torch.tensor(getattr(lstm, parameter)).T, 2, 0)
    agree([WeightNormalization(lstm, parameter).params["scale.g"]], [lengths.reshape(-1)], 1e-6)


@given(outputs=st.integers(2, 4), inputs=st.integers(2, 4), image=st.booleans(), seed=SEEDS)
def test_spectral_normalization_follows_torch_step_by_step(outputs, inputs, image, seed):
    """Of weights whose singular values are 1, 1/2, 1/4 …: torch's step begins with the other of the two vectors."""
    size = (2, 2) if image else ()
    W, b = numbers(seed, np.float64, (outputs, inputs, *size), (outputs,))
    left, values, right = np.linalg.svd(W.reshape(outputs, -1), full_matrices=False)
    W = (left * 0.5 ** np.arange(values.size) @ right).reshape(W.shape)
    x, dout = numbers(seed + 1, np.float64, (3, inputs, *size), (3, outputs, *(1,) * len(size)))
    module = torch.nn.Conv2d(inputs, outputs, 2) if image else torch.nn.Linear(inputs, outputs)
    module = module.double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor(W))
        module.bias.copy_(torch.tensor(b))
    layer = SpectralNormalization(Convolution(W.copy(), b) if image else Affine(W.T.copy(), b))
    torch.nn.utils.parametrizations.spectral_norm(module)
    norm = module.parametrizations.weight[0]
    with torch.no_grad():  # the first vectors of the transposed matrix have changed places
        norm._u.copy_(torch.tensor(layer.states["scale.u" if image else "scale.v"]))
        norm._v.copy_(torch.tensor(layer.states["scale.v" if image else "scale.u"]))
    y, dx = by_torch(module, dout, x)
    agree([layer(x), layer.backward(dout)], [y, dx], 1e-9)
    dW = module.parametrizations.weight.original.grad
    agree([layer.grads["layer.W"]], [dW if image else dW.T], 1e-9)
    module.eval()
    agree([layer.predict(x)], [module(torch.tensor(x)).detach()], 1e-9)
