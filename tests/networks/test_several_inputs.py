"""Networks of several inputs, which come as a tuple: padded sequences and their mask, an encoder's and a decoder's."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.layers import GRU, LSTM, Affine, Concat, Embedding, Linear, SoftmaxWithLoss
from xpnet.networks import Network, Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Trainer

X = np.asarray([[1, 2, 3], [3, 2, 0], [2, 0, 0]])
LENGTHS = np.asarray([3, 2, 1])
LABELS = np.asarray([0, 1, 1])


def layers(rng: Generator) -> dict:
    return {
        "embedding": Embedding.create(4, 2, init=1.0, rng=rng),
        "both": Concat(LSTM.create(2, 2, rng=rng), LSTM.create(2, 2, reverse=True, rng=rng), axis=-1),
        "last": GRU.create(4, 2, return_sequences=False, rng=rng),
        "scores": Affine.create(2, 2, rng=rng),
    }


class WithMask(Network):
    def forward(self, x, mask):
        embedding, both, last, scores = self.layers.values()
        return scores(last(both(embedding(x), mask), mask))


class OfPadding(Network):
    def forward(self, x):
        embedding, both, last, scores = self.layers.values()
        return scores(last(both(embedding(x), x != 0), x != 0))


def agree(found: dict, expected: dict, tolerance: float) -> None:
    for name, gradient in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(gradient), rtol=tolerance, atol=tolerance)


def test_a_mask_goes_to_the_layers_that_take_one(asarray, tolerance, defer_to_variables):
    """A chain, a forward of one's own, and one that makes the mask give the same, and so does the plan."""
    x, lengths, t = map(asarray, (X, LENGTHS, LABELS))
    net, own, of_padding = (
        kind(layers(Generator(0)), loss=SoftmaxWithLoss()) for kind in (Sequential, WithMask, OfPadding)
    )
    loss, gradients = net.loss_and_gradient((x, lengths), t)
    with xn.plain():
        agree(net.gradient((x, lengths), t), gradients, 10 * tolerance)
    for other, inputs in ((own, (x, lengths)), (of_padding, x)):
        other_loss, others = other.loss_and_gradient(inputs, t)
        np.testing.assert_allclose(to_numpy(other_loss), to_numpy(loss), rtol=tolerance)
        agree(others, gradients, 10 * tolerance)
    y = to_numpy(net.predict((x, lengths)))
    np.testing.assert_allclose(to_numpy(own.predict((x, lengths), batch_size=2)), y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(to_numpy(net.predict(x[2:, :1])), y[2:], rtol=tolerance, atol=tolerance)
    assert net.accuracy((x, lengths), t, batch_size=1) == np.mean(np.argmax(y, axis=1) == LABELS)


def test_low_precision_takes_several_inputs():
    net = Sequential(LSTM.create(2, 2), Linear.create(2, 2), loss=SoftmaxWithLoss())
    x, t = np.ones((2, 3, 2), "float32"), np.asarray([[0, 1, 1], [1, 1, 0]])
    before = float(net.loss((x, LENGTHS[:2]), t))
    assert float(net.compute_in("float16").loss((x, LENGTHS[:2]), t)) == pytest.approx(before, rel=1e-2)


def test_a_network_that_makes_the_mask_of_padding_is_trained_saved_and_summed_up(tmp_path):
    net = OfPadding(layers(Generator(0)), loss=SoftmaxWithLoss())
    *_, last = Trainer(net, Adam(lr=0.1), (X, LABELS), batch_size=3).run(20)
    assert last.loss < 0.1
    xn.save(tmp_path / "net.safetensors", net)
    again = xn.load_network(tmp_path / "net.safetensors", classes=[OfPadding])
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert "LSTM" in net.summary(X)


class Translation(Network):
    def forward(self, source, target):
        embedding, encoder, decoder, scores = self.layers.values()
        _, h, c = encoder(embedding(source), source != 0)
        return scores(decoder(embedding(target), None, h, c))


def test_an_encoder_and_a_decoder_are_a_network_of_two_inputs(tmp_path):
    """Only the encoder knows the symbols that the decoder is to repeat."""
    rng = Generator(0)
    net = Translation(
        {
            "embedding": Embedding.create(4, 4, init=1.0, rng=rng),
            "encoder": LSTM.create(4, 8, return_state=True, rng=rng),
            "decoder": LSTM.create(4, 8, rng=rng),
            "scores": Linear.create(8, 4, rng=rng),
        },
        loss=SoftmaxWithLoss(),
    )
    optimizer, shifted = Adam(lr=0.05), np.concatenate([np.zeros((3, 1), int), X[:, :-1]], axis=1)
    for _ in range(60):
        optimizer.update(net.params, net.gradient((X, shifted), X))
    np.testing.assert_array_equal(np.argmax(net.predict((X, shifted)), axis=-1), X)
    xn.save(tmp_path / "net.safetensors", net)
    again = xn.load_network(tmp_path / "net.safetensors", classes=[Translation])
    np.testing.assert_array_equal(again.predict((X, shifted)), net.predict((X, shifted)))
    assert net.summary((X, shifted)).count("LSTM") == 2
