"""Layers that a chain runs as one give what they give one by one, and each still has a backward of its own."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.layers import (
    Affine,
    Convolution,
    Embedding,
    Gelu,
    LayerNormalization,
    Linear,
    MaxPooling,
    PositionalEmbedding,
    Relu,
    TransformerBlock,
)
from xpnet.layers.composition import Chain
from xpnet.layers.joint import AffineRelu, ConvolutionReluPooling, EmbeddingWithPositions, LinearGelu
from xpnet.random import Generator

rng = np.random.default_rng(0)


@pytest.fixture(params=[AffineRelu, ConvolutionReluPooling, (LinearGelu, "none"), (LinearGelu, "tanh")], ids=str)
def case(request, asarray, dtype):
    """A function that makes the layers of a joint, and their x and dout."""

    def normal(*shape: int):
        return asarray(rng.standard_normal(shape).astype(dtype))

    if request.param is AffineRelu:
        W, b, x, dout = normal(6, 4), normal(4), normal(3, 2, 3), normal(3, 4)
        return lambda: [Affine(W, b), Relu()], x, dout, request.param
    if request.param is not ConvolutionReluPooling:
        kind, approximate = request.param
        W, b, x, dout = normal(6, 4), normal(4), normal(3, 2, 6), normal(3, 2, 4)
        return lambda: [Linear(W, b), Gelu(approximate)], x, dout, kind
    W, b, x, dout = normal(2, 1, 2, 2), normal(2), normal(3, 1, 5, 5), normal(3, 2, 2, 2)
    return lambda: [Convolution(W, b), Relu(), MaxPooling(2, 2)], x, dout, request.param


def backwards(layers, dout):
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return [to_numpy(array) for array in (dout, layers[0].dW, layers[0].db)]


def assert_close(found, expected, tolerance):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_together_they_give_what_they_give_one_by_one(case, tolerance):
    make, x, dout, kind = case
    chain, alone = Chain(*make()), make()
    assert [type(step) for step in chain._steps()] == [kind]
    y, expected = chain(x), x
    for layer in alone:
        expected = layer(expected)
    assert_close([to_numpy(y)], [to_numpy(expected)], tolerance)
    first = chain._row()[0]
    dx = chain.backward(dout)
    assert dx.shape == x.shape
    assert_close([to_numpy(a) for a in (dx, first.dW, first.db)], backwards(alone, dout), tolerance)


def test_each_has_what_its_own_backward_needs(case, tolerance):
    make, x, dout, _ = case
    chain, alone = Chain(*make()), make()
    y = x
    for layer in alone:
        y = layer(y)
    chain(x)
    assert_close(backwards(chain._row(), dout), backwards(alone, dout), tolerance)


def test_a_chain_whose_layers_ran_by_themselves_since_uses_what_they_keep(case, tolerance):
    make, x, dout, _ = case
    chain, alone = Chain(*make()), make()
    chain(x)
    y = x = x * 2.0
    for layer in chain._row():
        y = layer(y)
    dx, y = chain.backward(dout), x
    for layer in alone:
        y = layer(y)
    assert_close([to_numpy(dx)], backwards(alone, dout)[:1], tolerance)


def test_wrong_input_is_named_after_the_first_layer(case, asarray):
    make, *_ = case
    chain = Chain(*make())
    with pytest.raises(Exception, match=f"{next(iter(chain.layers))}: x must be"):
        chain(asarray([[1.0, 2.0, 3.0]]))
    with pytest.raises(Exception, match=f"{next(iter(chain.layers))}: x must be an array"):
        chain([1.0])


@pytest.mark.parametrize("of", ["the class", "the layer"])
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_method_that_was_replaced_is_called(case, of, name, monkeypatch):
    make, x, dout, _ = case
    layers = make()
    chain = Chain(*layers)
    chain(x)  # as a joint
    _, relu, *_ = layers
    place = type(relu) if of == "the class" else relu
    method, called = getattr(place, name), []
    monkeypatch.setattr(place, name, lambda *args: (called.append(1), method(*args))[1])
    chain(x)
    chain.backward(dout)
    assert called == [1]


def test_a_backward_that_was_replaced_after_the_forward_is_called(case, tolerance, monkeypatch):
    make, x, dout, _ = case
    chain, alone = Chain(*make()), make()
    chain(x)
    for layer in alone:
        x = layer(x)
    relu, called = chain._row()[1], []
    method = relu.backward
    monkeypatch.setattr(relu, "backward", lambda dout: (called.append(1), method(dout))[1])
    dx = chain.backward(dout)
    assert called == [1]
    assert_close([to_numpy(dx)], backwards(alone, dout)[:1], tolerance)


@pytest.fixture
def block(asarray, dtype):
    """A block, and its x and dout."""
    made = TransformerBlock.create(4, 2, 6, causal=True, rng=Generator(0))
    x, dout = (asarray(rng.standard_normal((2, 3, 4)).astype(dtype)) for _ in range(2))
    return made, x, dout


def one_by_one(block, x, dout):
    """What its layers give, each by itself."""
    layers = list(block.layers.values())
    branches, kept = (layers[:2], layers[2:]), []
    for branch in branches:
        kept.append(x)
        y = x
        for layer in branch:
            y = layer(y)
        x = x + y
    for branch in reversed(branches):
        dy = dout
        for layer in reversed(branch):
            dy = layer.backward(dy)
        dout = dout + dy
    return [to_numpy(array) for array in (x, dout, *block.grads.values())]


def test_a_block_gives_what_its_layers_give_one_by_one(block, tolerance):
    made, x, dout = block
    expected = one_by_one(made.copy(), x, dout)
    y, dx = made(x), made.backward(dout)
    assert_close([to_numpy(array) for array in (y, dx, *made.grads.values())], expected, 10 * tolerance)


@pytest.mark.parametrize("at", [0, 1, -1])
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_method_of_a_layer_of_a_block_that_was_replaced_is_called(block, tolerance, at, name, monkeypatch):
    made, x, dout = block
    expected = one_by_one(made, x, dout)
    layer, called = list(made.layers.values())[at], []
    method = getattr(layer, name)
    monkeypatch.setattr(layer, name, lambda *given: (called.append(1), method(*given))[1])
    y, dx = made(x), made.backward(dout)
    assert called == [1]
    assert_close([to_numpy(array) for array in (y, dx)], expected[:2], 10 * tolerance)


def test_a_branch_that_changes_the_shape_is_refused(asarray):
    made = TransformerBlock([LayerNormalization.create(4)], [Linear.create(4, 5)])
    with pytest.raises(Exception, match=r"broadcast|shape|size|match|incompatible"):
        made(asarray(np.ones((2, 3, 4))))


def test_an_embedding_and_positions_give_what_they_give_one_by_one(asarray, dtype, backend):
    W, P = (asarray(rng.standard_normal(shape).astype(dtype)) for shape in ((5, 3), (6, 3)))
    x, dout = asarray(rng.integers(0, 5, (2, 4))), asarray(rng.standard_normal((2, 4, 3)).astype(dtype))
    chain, first, second = Chain(Embedding(W), PositionalEmbedding(P)), Embedding(W), PositionalEmbedding(P)
    assert [type(step) for step in chain._steps()] == [EmbeddingWithPositions]
    np.testing.assert_array_equal(to_numpy(chain(x)), to_numpy(second(first(x))))
    chain.backward(dout)
    first.backward(second.backward(dout))
    for layer, alone in zip(chain.layers.values(), (first, second), strict=True):
        np.testing.assert_array_equal(to_numpy(layer.dW), to_numpy(alone.dW))
    with pytest.raises(Exception, match="PositionalEmbedding1: x must have at most 6 positions"):
        chain(asarray(rng.integers(0, 5, (2, 7))))
