"""What is frozen: its gradients are not computed, nor anything below the first layer that is trained."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import is_array, to_numpy
from xpnet.cases import CASES
from xpnet.errors import NameUnknownError
from xpnet.layers import (
    Affine,
    Convolution,
    Embedding,
    Flatten,
    Linear,
    MaxPooling,
    MultiHeadAttention,
    Relu,
    Residual,
    SoftmaxWithLoss,
    Tanh,
    TransposedConvolution,
)
from xpnet.layers.bodies import body_for
from xpnet.layers.stage import Stage
from xpnet.networks import MultiLayerNet, Network, Sequential, TransformerLM
from xpnet.random import Generator

WITH_PARAMETERS = [case for case in CASES if case.build()[0].params and not case.build()[0].is_container]


@pytest.mark.parametrize("case", WITH_PARAMETERS, ids=lambda case: case.name)
def test_dx_is_that_of_inference_and_no_gradient_of_a_parameter_is_left(case, backend, tolerance) -> None:
    layer, inputs = case.build()
    again, _ = case.build()
    again.training = False
    y = again.forward(*inputs)
    dout = xn.asarray(np.random.default_rng(0).normal(size=y.shape))
    expected = again.backward(dout)
    np.testing.assert_allclose(to_numpy(layer.freeze().forward(*inputs)), to_numpy(y), rtol=10 * tolerance)
    found = layer.backward(dout)
    pairs = zip(*(given if type(given) is tuple else (given,) for given in (found, expected)), strict=True)
    for own, want in pairs:
        assert is_array(own) == is_array(want)
        if want is not None:
            np.testing.assert_allclose(to_numpy(own), to_numpy(want), rtol=1e3 * tolerance, atol=1e3 * tolerance)
    if backend.name != "array-api-strict":  # whose arrays let no Variable answer for an operator
        assert not [name for name in layer.parameters if hasattr(layer, f"d{name}")]
    assert layer.grads == {}


class Products(np.ndarray):
    """An array that counts the products of matrices in which it, or what comes of it, takes part."""

    count: ClassVar[int] = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        Products.count += ufunc is np.matmul
        inputs = [np.asarray(x) if isinstance(x, np.ndarray) else x for x in inputs]
        if out is not None:
            options["out"] = tuple(np.asarray(x) for x in out)
        found = getattr(ufunc, method)(*inputs, **options)
        return found.view(Products) if isinstance(found, np.ndarray) else found


IMAGES, ROWS, STEPS = (2, 3, 6, 6), (5, 4), (2, 3, 4)
ROWS_OF_LAYERS = {
    "affine": (ROWS, lambda rng: [Affine.create(4, 3, rng=rng)]),
    "affine, relu": (ROWS, lambda rng: [Affine.create(4, 3, rng=rng), Relu()]),
    "linear": (STEPS, lambda rng: [Linear.create(4, 3, rng=rng)]),
    "convolution": (IMAGES, lambda rng: [Convolution.create(3, 2, 3, rng=rng)]),
    "transposed": (IMAGES, lambda rng: [TransposedConvolution.create(3, 2, 3, rng=rng)]),
    "pooled": (IMAGES, lambda rng: [Convolution.create(3, 2, 3, rng=rng), Relu(), MaxPooling(2, 2)]),
    "attention": (STEPS, lambda rng: [MultiHeadAttention.create(4, 2, rng=rng)]),
}


@pytest.mark.parametrize("row", ROWS_OF_LAYERS)
@pytest.mark.parametrize("libraries", [("numpy",), ("numba", "numpy")], ids=str)
def test_a_body_makes_no_product_for_what_is_frozen(row, libraries) -> None:
    shape, make = ROWS_OF_LAYERS[row]
    x = np.random.default_rng(0).normal(size=shape).view(Products)
    counts, dxs = [], []
    for frozen in (False, True):
        layers = make(Generator(0))
        for layer in layers:
            layer.freeze(frozen)
        kind = body_for(layers, libraries)
        if kind is None:
            pytest.skip("numba is not installed, or has no body of these")
        stage = Stage(tuple(layers), kind)
        y = stage(x)
        Products.count = 0
        dxs.append(stage.backward(np.ones(y.shape).view(Products)))
        counts.append(Products.count)
        assert hasattr(layers[0], layers[0].parameters[0].replace("W", "dW")) is not frozen
    np.testing.assert_allclose(*map(np.asarray, dxs), rtol=1e-12)
    assert counts[1] < counts[0] or row == "pooled"  # whose columns are copies that do not count


def backwards(net: Network, x, t, monkeypatch) -> list[str]:
    """The names of the layers in a row whose backward a step asks for, last first, with what it had to give."""
    asked: list[str] = []
    names = {id(layer): name for name, layer in net.layers.items()}
    for kind in {type(layer) for layer in net.layers.values()}:
        own = kind.backward

        def backward(self, dout=1.0, own=own):
            asked.append(names[id(self)])
            return own(self, dout)

        monkeypatch.setattr(kind, "backward", backward)  # in whose place no body runs
    net.gradient(x, t)
    return asked


def rows(asarray, *shape: int):
    return asarray(np.random.default_rng(0).normal(size=shape)), asarray(np.asarray([0, 1, 2, 1]))


def test_backward_ends_at_the_lowest_layer_that_is_trained(asarray, monkeypatch) -> None:
    rng = Generator(0)
    layers = [Affine.create(3, 3, rng=rng), Tanh(), Affine.create(3, 3, rng=rng), Tanh(), Affine.create(3, 3, rng=rng)]
    net = Sequential(*layers, loss=SoftmaxWithLoss()).freeze("Affine1 Affine2")
    gradients = net.gradient(*rows(asarray, 4, 3))
    assert list(gradients) == ["Affine3.W", "Affine3.b"]
    assert backwards(net, *rows(asarray, 4, 3), monkeypatch) == ["Affine3"]
    assert not net.layers["Affine3"].__dict__.get("needs_dx")


@pytest.mark.parametrize("plain", [False, True])
def test_what_is_trained_below_gets_its_gradients_through_what_is_frozen(plain, asarray, tolerance) -> None:
    def make() -> Network:
        rng = Generator(0)
        inner = Residual(Affine.create(8, 8, rng=rng), Relu(), shortcut=Affine.create(8, 8, rng=rng))
        convolution = Convolution.create(1, 2, 3, rng=rng)
        return Sequential(convolution, Relu(), Flatten(), inner, Affine.create(8, 3, rng=rng), loss=SoftmaxWithLoss())

    net, whole = make().freeze("Residual1"), make()
    x, t = rows(asarray, 4, 1, 4, 4)
    with xn.plain() if plain else xn.use_backend(xn.get_backend()):
        found, expected = net.gradient(x, t), whole.gradient(x, t)
    assert set(found) == {"Convolution1.W", "Convolution1.b", "Affine1.W", "Affine1.b"}
    for name, array in found.items():
        np.testing.assert_allclose(
            to_numpy(array), to_numpy(expected[name]), rtol=1e3 * tolerance, atol=1e3 * tolerance
        )
    net.freeze("Convolution1")  # the plan is another one now
    assert list(net.gradient(x, t)) == ["Affine1.W", "Affine1.b"]
    net.freeze(False)
    assert set(net.gradient(x, t)) == set(net.params)


class Tied(Network):
    """A forward of one's own, in which a layer is called twice."""

    def __init__(self) -> None:
        rng = Generator(0)
        layers = {"embedding": Embedding.create(5, 3, rng=rng), "hidden": Linear.create(3, 3, rng=rng)}
        super().__init__({**layers, "last": Linear.create(3, 3, rng=rng)}, loss=SoftmaxWithLoss())

    def forward(self, x):
        embedding, hidden, last = self.layers.values()
        return last(hidden(hidden(embedding(x))))


def test_a_graph_of_ones_own_leaves_out_what_is_frozen(asarray, tolerance, defer_to_variables) -> None:
    x, t = (
        xn.asarray(np.asarray([[0, 1], [4, 2]]), dtype="int64"),
        xn.asarray(np.asarray([[0, 1], [2, 2]]), dtype="int64"),
    )
    expected = Tied().gradient(x, t)
    for names in ("hidden", "embedding hidden", "last"):
        net = Tied().freeze(names)
        found = net.gradient(x, t)
        assert set(found) == {name for name in expected if name.partition(".")[0] not in names.split()}
        for name, array in found.items():
            np.testing.assert_allclose(to_numpy(array), to_numpy(expected[name]), rtol=1e3 * tolerance, atol=tolerance)
        assert not hasattr(net.layers[names.split()[-1]], "dW")
    assert Tied().freeze().gradient(x, t) == {}


def test_a_transformer_of_which_the_head_alone_is_trained(asarray, tolerance) -> None:
    x = xn.asarray(np.asarray([[0, 1, 3], [4, 2, 2]]), dtype="int64")
    net, whole = (TransformerLM(5, 3, 4, 2, 2, rng=Generator(0)) for _ in range(2))
    net.freeze("Embedding1 PositionalEmbedding1 Block1 Block2.Attention1")
    found, expected = net.gradient(x, x), whole.gradient(x, x)
    left_out = "Embedding1", "PositionalEmbedding1", "Block1", "Block2.Attention1"
    assert list(found) == [name for name in net.params if not name.startswith(left_out)]
    for name, array in found.items():
        np.testing.assert_allclose(to_numpy(array), to_numpy(expected[name]), rtol=1e-3, atol=1e2 * tolerance)


def test_a_gradient_of_what_is_frozen_is_asked_for_in_vain(asarray) -> None:
    net = MultiLayerNet(3, [4], 3, weight_decay_lambda=0.1, rng=Generator(0))
    net.layers["Affine1"].freeze()
    gradients = net.gradient(*rows(asarray, 4, 3))
    assert list(gradients) == ["W2", "b2"]
    with pytest.raises(
        NameUnknownError, match=r"^gradient: a gradient must be that of a trained array, W2, b2, got 'W1'; "
    ):
        gradients["W1"]
