"""Layers over sequences against torch: outputs and all gradients, over shapes and options drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import (
    Embedding,
    Gelu,
    LayerNormalization,
    Linear,
    MultiHeadAttention,
    TransformerBlock,
)

torch = pytest.importorskip("torch")

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 2**32 - 1)


def numbers(seed: int, dtype, *shapes) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def agree(found, expected, tolerance: float) -> None:
    """Relative to the largest value: where a gradient is a difference, its rounding is that of what it is made of."""
    for a, b in zip(found, expected, strict=True):
        b = b.detach().numpy()
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, float(np.max(np.abs(b), initial=0))))


def tensors(*arrays) -> list:
    return [torch.tensor(array, requires_grad=True) for array in arrays]


@DTYPES
@given(
    vocabulary=st.sampled_from([1, 3, 300]),
    width=SIZES,
    lead=st.lists(st.integers(0, 7), max_size=3).map(tuple),
    seed=SEEDS,
)
def test_embedding(dtype, tolerance, vocabulary, width, lead, seed):
    x = np.random.default_rng(seed).integers(0, vocabulary, lead)
    W, dout = numbers(seed, dtype, (vocabulary, width), (*lead, width))
    layer = Embedding(W)
    y = layer(x)
    layer.backward(dout)
    (w,) = tensors(W)
    expected = torch.nn.functional.embedding(torch.tensor(x), w)
    expected.backward(torch.tensor(dout))
    agree([y, layer.dW], [expected, w.grad], tolerance)


@DTYPES
@given(lead=st.lists(SIZES, max_size=3).map(tuple), inputs=SIZES, outputs=SIZES, seed=SEEDS)
def test_linear(dtype, tolerance, lead, inputs, outputs, seed):
    arrays = numbers(seed, dtype, (*lead, inputs), (inputs, outputs), (outputs,))
    (dout,) = numbers(seed + 1, dtype, (*lead, outputs))
    layer = Linear(*arrays[1:])
    y = layer(arrays[0])
    dx = layer.backward(dout)
    x, W, b = tensors(*arrays)
    expected = torch.nn.functional.linear(x, W.T, b)
    expected.backward(torch.tensor(dout))
    agree([y, dx, layer.dW, layer.db], [expected, x.grad, W.grad, b.grad], tolerance)


@DTYPES
@given(
    n=SIZES,
    steps=SIZES,
    width=SIZES,
    heads=st.integers(1, 3),
    each=st.integers(1, 3),
    masked=st.booleans(),
    causal=st.booleans(),
    seed=SEEDS,
)
def test_attention(dtype, tolerance, n, steps, width, heads, each, masked, causal, seed):
    A = heads * each
    shapes = [(n, steps, width), *[(width, A)] * 3, (A, width), *[(A,)] * 3, (width,)]
    arrays = numbers(seed, dtype, *shapes)
    (dout,) = numbers(seed + 1, dtype, (n, steps, width))
    mask = np.random.default_rng(seed).random((n, steps)) < 0.6 if masked else None
    if masked:
        mask[:, 0] = True  # torch gives NaN where nothing may be attended
    layer = MultiHeadAttention(*arrays[1:], heads=heads, causal=causal)
    y = layer(arrays[0], mask)
    dx = layer.backward(dout)

    x, Wq, Wk, Wv, Wo, bq, bk, bv, bo = leaves = tensors(*arrays)
    q, k, v = ((x @ W + b).view(n, steps, heads, each).transpose(1, 2) for W, b in ((Wq, bq), (Wk, bk), (Wv, bv)))
    allowed = torch.ones(n, 1, steps, steps, dtype=torch.bool)
    if masked:
        allowed = allowed & torch.tensor(mask)[:, None, None, :]
    if causal:
        allowed = allowed & torch.ones(steps, steps, dtype=torch.bool).tril()
    a = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    expected = a.transpose(1, 2).reshape(n, steps, A) @ Wo + bo
    expected.backward(torch.tensor(dout))
    agree([y, dx, *layer.grads.values()], [expected, *(leaf.grad for leaf in leaves)], tolerance)


@DTYPES
@given(heads=st.integers(1, 3), each=SIZES, seed=SEEDS)
def test_attention_as_the_module_of_torch_converted(dtype, tolerance, heads, each, seed):
    D = heads * each
    module = torch.nn.MultiheadAttention(D, heads, batch_first=True).to(getattr(torch, np.dtype(dtype).name))
    with torch.no_grad():
        for parameter, value in zip(
            module.parameters(), numbers(seed, dtype, *[p.shape for p in module.parameters()]), strict=True
        ):
            parameter.copy_(torch.tensor(value))
    W, b = module.in_proj_weight.detach().numpy(), module.in_proj_bias.detach().numpy()
    Wq, Wk, Wv = (w.T for w in np.split(W, 3))
    Wo, bo = module.out_proj.weight.detach().numpy().T, module.out_proj.bias.detach().numpy()
    (x,) = numbers(seed, dtype, (2, 4, D))
    y = MultiHeadAttention(Wq, Wk, Wv, Wo, *np.split(b, 3), bo, heads=heads)(x)
    agree([y], [module(*[torch.tensor(x)] * 3, need_weights=False)[0]], tolerance)


@DTYPES
@given(heads=st.integers(1, 2), each=st.integers(4, 5), hidden=SIZES, steps=SIZES, masked=st.booleans(), seed=SEEDS)
def test_transformer_block(dtype, tolerance, heads, each, hidden, steps, masked, seed):
    D = heads * each
    options = {"dropout": 0.0, "activation": torch.nn.functional.gelu, "batch_first": True, "norm_first": True}
    module = torch.nn.TransformerEncoderLayer(D, heads, hidden, **options).to(getattr(torch, np.dtype(dtype).name))
    values = numbers(seed, dtype, *[parameter.shape for parameter in module.parameters()])
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value))
    W, b, Wo, bo, W1, b1, W2, b2, gamma1, beta1, gamma2, beta2 = values
    projections = (*(w.T for w in np.split(W, 3)), Wo.T, *np.split(b, 3), bo)
    block = TransformerBlock(
        [LayerNormalization(gamma1, beta1), MultiHeadAttention(*projections, heads=heads)],
        [LayerNormalization(gamma2, beta2), Linear(W1.T, b1), Gelu(), Linear(W2.T, b2)],
    )
    x, dout = numbers(seed + 1, dtype, (2, steps, D), (2, steps, D))
    mask = np.random.default_rng(seed).random((2, steps)) < 0.6
    mask[:, 0] = True
    y = block(x, mask if masked else None)
    dx = block.backward(dout)
    (x_torch,) = tensors(x)
    expected = module(x_torch, src_key_padding_mask=torch.tensor(~mask) if masked else None)
    expected.backward(torch.tensor(dout))
    dW, db, dWo, dbo, dW1, db1, dW2, db2, *norms = (parameter.grad for parameter in module.parameters())
    attention = [*(w.T for w in dW.chunk(3)), dWo.T, *db.chunk(3), dbo]
    gradients = [*norms[:2], *attention, *norms[2:], dW1.T, db1, dW2.T, db2]
    agree([y, dx, *block.grads.values()], [expected, x_torch.grad, *gradients], tolerance)
