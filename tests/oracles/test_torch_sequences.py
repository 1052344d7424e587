"""Layers over sequences against torch: outputs and all gradients, over shapes and options drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import (
    Bias,
    CrossAttention,
    DecoderBlock,
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
@given(lead=st.lists(SIZES, max_size=3).map(tuple), outputs=SIZES, seed=SEEDS)
def test_bias(dtype, tolerance, lead, outputs, seed):
    given_x, given_b, dout = numbers(seed, dtype, (*lead, outputs), (outputs,), (*lead, outputs))
    layer = Bias(given_b)
    y = layer(given_x)
    dx = layer.backward(dout)
    x, b = tensors(given_x, given_b)
    (x + b).backward(torch.tensor(dout))
    agree([y, dx, layer.db], [x + b, x.grad, b.grad], tolerance)


@DTYPES
@given(
    n=SIZES,
    steps=SIZES,
    width=SIZES,
    groups=st.integers(1, 2),
    shared=st.integers(1, 2),
    each=st.integers(1, 3),
    masked=st.sampled_from(["", "keys", "pairs", "heads"]),
    causal=st.booleans(),
    window=st.sampled_from([None, 2]),
    alibi=st.booleans(),
    bias=st.booleans(),
    seed=SEEDS,
)
def test_attention(dtype, tolerance, n, steps, width, groups, shared, each, masked, causal, window, alibi, bias, seed):
    heads = groups * shared
    A, B = heads * each, groups * each
    biases = [(A,), (B,), (B,), (width,)] if bias else []
    arrays = numbers(seed, dtype, (n, steps, width), (width, A), (width, B), (width, B), (A, width), *biases)
    (dout,) = numbers(seed + 1, dtype, (n, steps, width))
    shape = {"": (), "keys": (n, 1, 1, steps), "pairs": (n, 1, steps, steps), "heads": (1, heads, steps, steps)}[masked]
    mask = (np.random.default_rng(seed).random(shape) < 0.6) | np.eye(steps, dtype=bool)  # torch gives NaN for no keys
    given_mask = {"": None, "pairs": mask[:, 0] if masked == "pairs" else None, "heads": mask}.get(masked, mask)
    options = {"kv_heads": groups, "causal": causal, "window": window, "positions": "alibi" if alibi else None}
    layer = MultiHeadAttention(*arrays[1:], heads=heads, **options)
    y = layer(arrays[0], given_mask)
    dx = layer.backward(dout)

    x, Wq, Wk, Wv, Wo, *b = leaves = tensors(*arrays)
    bq, bk, bv, bo = b or [0.0] * 4
    q = (x @ Wq + bq).view(n, steps, heads, each).transpose(1, 2)
    k, v = ((x @ W + b).view(n, steps, groups, each).transpose(1, 2) for W, b in ((Wk, bk), (Wv, bv)))
    behind = np.arange(steps)[:, None] - np.arange(steps)
    allowed = np.broadcast_to(mask if masked else True, (n, heads, steps, steps)).copy()
    if causal:
        allowed &= behind >= 0
    if window:
        allowed &= np.abs(behind) < window
    slope = np.asarray([2.0 ** (-8.0 * (h + 1) / heads) for h in range(heads)]) * alibi
    added = np.where(allowed, -slope[:, None, None] * np.abs(behind), -np.inf).astype(dtype)
    a = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=torch.tensor(added), enable_gqa=True)
    expected = a.transpose(1, 2).reshape(n, steps, A) @ Wo + bo
    expected.backward(torch.tensor(dout))
    agree([y, dx, *layer.grads.values()], [expected, *(leaf.grad for leaf in leaves)], tolerance)


@DTYPES
@given(heads=st.integers(1, 2), each=SIZES, more=SIZES, steps=SIZES, keys=SIZES, any_pair=st.booleans(), seed=SEEDS)
def test_attention_to_a_memory(dtype, tolerance, heads, each, more, steps, keys, any_pair, seed):
    """As torch's module, where queries that do not count have no counterpart: their rows are left out."""
    D = heads * each
    width = D + more  # for a memory of the same width torch joins the matrices
    module = torch.nn.MultiheadAttention(D, heads, batch_first=True, kdim=width, vdim=width)
    module = module.to(getattr(torch, np.dtype(dtype).name))
    values = dict(zip(*zip(*module.named_parameters(), strict=True), strict=True))
    made = dict(zip(values, numbers(seed, dtype, *[p.shape for p in values.values()]), strict=True))
    with torch.no_grad():
        for name, parameter in values.items():
            parameter.copy_(torch.tensor(made[name]))
    matrices = [made[f"{letter}_proj_weight"].T for letter in "qkv"]
    layer = CrossAttention(
        *matrices, made["out_proj.weight"].T, *np.split(made["in_proj_bias"], 3), made["out_proj.bias"], heads=heads
    )
    x, memory, dout = numbers(seed + 1, dtype, (2, steps, D), (2, keys, width), (2, steps, D))
    rng = np.random.default_rng(seed)
    known, mask = rng.random((2, keys)) < 0.6, rng.random((2, steps)) < 0.7
    known[:, 0] = True
    pairs = (rng.random((steps, keys)) < 0.6) | (np.arange(keys) == 0) if any_pair else np.ones((steps, keys), bool)
    memory_mask = known[:, None, :] & pairs if any_pair else known
    dout = dout * mask[:, :, None]
    y = layer(x, memory, mask, memory_mask)
    dx, dmemory = layer.backward(dout)
    x_torch, m_torch = tensors(x, memory)
    expected, _ = module(
        x_torch, m_torch, m_torch, key_padding_mask=torch.tensor(~known), attn_mask=torch.tensor(~pairs)
    )
    expected.backward(torch.tensor(dout))
    np.testing.assert_allclose(y[~mask], np.broadcast_to(layer.bo, y[~mask].shape), rtol=tolerance)
    agree(
        [y * mask[:, :, None], dx, dmemory],
        [expected * torch.tensor(mask[:, :, None]), x_torch.grad, m_torch.grad],
        10 * tolerance,
    )
    agree([layer.dWo.T], [module.out_proj.weight.grad], 10 * tolerance)
    agree([layer.dWk.T], [module.k_proj_weight.grad], 10 * tolerance)


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


@DTYPES
@given(heads=st.integers(1, 2), each=st.integers(4, 5), hidden=SIZES, steps=SIZES, keys=SIZES, seed=SEEDS)
def test_decoder_block(dtype, tolerance, heads, each, hidden, steps, keys, seed):
    D = heads * each
    options = {"dropout": 0.0, "activation": torch.nn.functional.gelu, "batch_first": True, "norm_first": True}
    module = torch.nn.TransformerDecoderLayer(D, heads, hidden, **options).to(getattr(torch, np.dtype(dtype).name))
    named = dict(module.named_parameters())
    made = dict(zip(named, numbers(seed, dtype, *[p.shape for p in named.values()]), strict=True))
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(torch.tensor(made[name]))

    def projections(name: str) -> list:
        W, b = made[f"{name}.in_proj_weight"], made[f"{name}.in_proj_bias"]
        last = made[f"{name}.out_proj.weight"].T, made[f"{name}.out_proj.bias"]
        return [*(w.T for w in np.split(W, 3)), last[0], *np.split(b, 3), last[1]]

    norms = [LayerNormalization(made[f"norm{i}.weight"], made[f"norm{i}.bias"]) for i in (1, 2, 3)]
    linears = [Linear(made[f"linear{i}.weight"].T, made[f"linear{i}.bias"]) for i in (1, 2)]
    block = DecoderBlock(
        [norms[0], MultiHeadAttention(*projections("self_attn"), heads=heads, causal=True)],
        [norms[1], CrossAttention(*projections("multihead_attn"), heads=heads)],
        [norms[2], linears[0], Gelu(), linears[1]],
    )
    x, memory, dout = numbers(seed + 1, dtype, (2, steps, D), (2, keys, D), (2, steps, D))
    known = np.random.default_rng(seed).random((2, keys)) < 0.6
    known[:, 0] = True
    y = block(x, memory, None, known)
    dx, dmemory = block.backward(dout)
    x_torch, m_torch = tensors(x, memory)
    future = torch.ones(steps, steps, dtype=torch.bool).triu(1)
    expected = module(x_torch, m_torch, tgt_mask=future, memory_key_padding_mask=torch.tensor(~known))
    expected.backward(torch.tensor(dout))
    of_cross = [block.grads["CrossAttention1.Wo"].T, block.grads["LayerNormalization2.gamma"]]
    of_torch = [named["multihead_attn.out_proj.weight"].grad, named["norm2.weight"].grad]
    agree([y, dx, dmemory, *of_cross], [expected, x_torch.grad, m_torch.grad, *of_torch], 10 * tolerance)
