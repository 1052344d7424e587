"""One layer in several places of a graph: one name, its gradient the sum over the places."""

from __future__ import annotations

import re

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Dropout, Embedding, IdentityWithLoss, Linear, Relu, SoftmaxWithLoss
from xpnet.networks import Network, Sequential
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Trainer

TOKENS = np.asarray([[0, 3, 1], [2, 2, 4]])
NEXT = np.asarray([[3, 1, 0], [2, 4, 4]])


class Tied(Network):
    """Scores of the next word by the table in which words are looked up, ``y = (W[x] V + b) Wᵀ``."""

    def __init__(self, vocabulary: int, width: int, rng: Generator | None = None) -> None:
        rng = rng or Generator(0)
        embedding = Embedding.create(vocabulary, width, init=0.5, rng=rng)
        super().__init__(
            {"embedding": embedding, "hidden": Linear.create(width, width, rng=rng)}, loss=SoftmaxWithLoss()
        )

    def forward(self, x):
        embedding, hidden = self.layers.values()
        return hidden(embedding(x)) @ embedding.W.T


@pytest.fixture
def tokens(asarray):
    return asarray(TOKENS), asarray(NEXT)


def test_a_tied_embedding_passes_the_gradient_check(tokens):
    net = Tied(5, 3, Generator(0))
    assert list(net.params) == ["embedding.W", "hidden.W", "hidden.b"]
    report = xn.gradient_check(net, *tokens)
    report.raise_if_failed()
    assert [row.name for row in report.rows] == list(net.params)


def test_the_gradient_of_a_tied_embedding_is_the_sum_of_both_uses(tokens, tolerance):
    net = Tied(5, 3, Generator(0))
    W, V, b = (to_numpy(array).astype(np.float64) for array in net.params.values())
    h = W[TOKENS] @ V + b
    e = np.exp(h @ W.T)
    dout = (e / np.sum(e, axis=-1, keepdims=True) - np.eye(5)[NEXT]) / TOKENS.size
    as_output = np.einsum("nlv,nld->vd", dout, h)
    as_input = np.zeros_like(W)
    np.add.at(as_input, TOKENS, dout @ W @ V.T)
    found = net.gradient(*tokens)["embedding.W"]
    np.testing.assert_allclose(to_numpy(found), as_input + as_output, rtol=10 * tolerance, atol=10 * tolerance)
    assert found is net.grads["embedding.W"]


def test_numerical_and_traced_gradients_are_the_same(tokens, tolerance, defer_to_variables):
    net = Tied(5, 3, Generator(0))
    gradients = net.gradient(*tokens)
    numerical = net.numerical_gradient(*tokens)
    W = xn.Variable(net.params["embedding.W"])
    with net.using({"embedding.W": W}):
        net.loss(*tokens).backward()
    expected = to_numpy(gradients["embedding.W"])
    np.testing.assert_allclose(to_numpy(W.grad), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(to_numpy(numerical["embedding.W"]), expected, rtol=1e-4, atol=1e-6)


def test_a_tied_embedding_learns_what_comes_next():
    net = Tied(6, 8, Generator(0))
    x = np.tile(np.arange(6), (20, 1))
    trainer = Trainer(net, Adam(lr=0.05), (x, (x + 1) % 6), batch_size=5, rng=Generator(0))
    *_, last = trainer.run(15)
    assert last.train_accuracy == 1.0
    assert net.layers["embedding"].W is net.params["embedding.W"]


def test_a_tied_embedding_goes_to_disk_once(tmp_path):
    net, other = Tied(5, 3, Generator(0)), Tied(5, 3, Generator(1))
    xn.save(tmp_path / "tied.safetensors", net)
    xn.load(tmp_path / "tied.safetensors", other)
    np.testing.assert_array_equal(other.predict(TOKENS), net.predict(TOKENS))
    assert re.search(r"embedding +Embedding +W \(5, 3\) +15\n", net.summary())


class Shared(Network):
    """One Affine three times, with noise between: what a recurrent network does."""

    def __init__(self, f: Affine, noise: float = 0.0, loss=None) -> None:
        layers = {"f": f, "noise": Dropout(noise, rng=Generator(0)), "out": Affine(normal("V", 4, 2), np.zeros(2))}
        super().__init__(layers, loss=loss)

    def forward(self, x):
        xp = array_namespace(x)
        for _ in range(3):
            x = self.layers["noise"](xp.tanh(self.layers["f"](x)))
        return self.layers["out"](x)


def test_a_layer_that_is_called_many_times_passes_the_check_with_noise():
    net = Shared(Affine(normal("W", 4, 4), normal("b", 4)), noise=0.5, loss=IdentityWithLoss())
    x, t = normal("x", 3, 4), normal("t", 3, 2)
    xn.gradient_check(net, x, t).raise_if_failed()
    before = net.states["noise.step"]
    net.gradient(x, t)
    assert net.states["noise.step"] == before + 3


def test_the_gradient_is_that_of_separate_layers_added_up():
    W, b, V = normal("W", 4, 4), normal("b", 4), normal("V", 4, 2)
    x, t = normal("x", 3, 4), normal("t", 3, 2)
    net = Shared(Affine(W, b), loss=IdentityWithLoss())
    found = net.gradient(x, t)

    class Tanh(Relu):
        def forward(self, x):
            self.y = np.tanh(x)
            return self.y

        def backward(self, dout):
            return dout * (1.0 - self.y**2)

    row = [layer for _ in range(3) for layer in (Affine(W.copy(), b.copy()), Tanh())]
    apart = Sequential(*row, Affine(V, np.zeros(2)), loss=IdentityWithLoss()).gradient(x, t)
    for name in ("W", "b"):
        total = sum(apart[f"Affine{i}.{name}"] for i in (1, 2, 3))
        np.testing.assert_allclose(found[f"f.{name}"], total, rtol=1e-12)
        np.testing.assert_allclose(found[f"out.{name}"], apart[f"Affine4.{name}"], rtol=1e-12)


def test_a_graph_is_a_layer_of_other_networks():
    inner = Shared(Affine(normal("W", 4, 4), normal("b", 4)))
    net = Sequential(Affine(normal("U", 5, 4), np.zeros(4)), inner, loss=IdentityWithLoss())
    x, t = normal("x", 3, 5), normal("t", 3, 2)
    xn.gradient_check(net, x, t).raise_if_failed()
    assert "Shared1.f.W" in net.params
    before = float(net.loss(x, t))
    SGD(0.01).update(net.params, net.gradient(x, t))
    assert float(net.loss(x, t)) < before


def test_dx_of_a_graph_is_spared_in_training_and_there_when_asked():
    asked = []

    class Spy(Affine):
        def backward(self, dout):
            asked.append(self.needs_dx)
            return super().backward(dout)

    class Once(Network):
        def forward(self, x):
            return self.layers["f"](x)

    net = Once({"f": Spy(normal("W", 4, 4), normal("b", 4))}, loss=IdentityWithLoss())
    x, t = normal("x", 3, 4), normal("t", 3, 4)
    net.gradient(x, t)
    assert asked == [False]
    net.loss(x, t)
    assert net.backward(net.last_layer.backward(1.0)).shape == x.shape
    assert asked == [False, True]


def test_a_sequential_with_a_forward_of_its_own_is_differentiated_as_it_computes():
    class Scaled(Sequential):
        def forward(self, x):
            return 2.0 * super().forward(x) + x

    net = Scaled(Affine(normal("W", 4, 4), normal("b", 4)), Relu(), loss=IdentityWithLoss())
    xn.gradient_check(net, normal("x", 3, 4), normal("t", 3, 4)).raise_if_failed()


def test_a_wrong_layer_in_a_graph_fails_the_check():
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = 2.0 * self.db
            return dx

    net = Shared(Wrong(normal("W", 4, 4), normal("b", 4)), loss=IdentityWithLoss())
    report = xn.gradient_check(net, normal("x", 3, 4), normal("t", 3, 2))
    assert {row.name: row.status for row in report.rows}["f.b"] == "fail"


def test_the_layers_of_a_graph_must_be_objects_of_their_own():
    layer = Affine(normal("W", 4, 4), normal("b", 4))
    with pytest.raises(
        ArgumentError, match=r"Network: each layer must be another object, .* as one and two; .* call one"
    ):
        Network({"one": layer, "two": layer})
