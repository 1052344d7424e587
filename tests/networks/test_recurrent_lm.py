"""The language model of LSTMs: its gradients, what it remembers and writes, and how it is measured."""

from __future__ import annotations

import numpy as np
import pytest
from sequel_in_numpy import softmax

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.networks import RecurrentLM
from xpnet.optimizers import Adam
from xpnet.random import Generator

TIED = pytest.mark.parametrize("tied", [False, True])


def model(tied: bool = True, layers: int = 2, **options) -> RecurrentLM:
    return RecurrentLM(5, 4, layers, tied=tied, init=0.5, rng=Generator(0), **options)


def data(asarray=np.asarray, steps: int = 4):
    symbols = np.random.default_rng(0).integers(0, 5, (3, steps + 1))
    return asarray(symbols[:, :-1]), asarray(symbols[:, 1:])


@TIED
def test_gradients_agree_with_numerical_differentiation(tied):
    xn.gradient_check(model(tied), *data(), mode="directions", directions=2).raise_if_failed()


def test_gradients_of_tied_lstms_agree_with_the_graph_of_the_loss(backend, asarray, tolerance, defer_to_variables):
    net, (x, t) = model(layers=1), data(asarray, 2)
    expected = net.gradient(x, t)
    net.reset_state()

    def loss(params):
        with net.using(params):
            return net.loss(x, t)

    found = xn.grad(loss)(dict(net.params))
    for name, gradient in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(gradient), atol=10 * tolerance)


def test_a_text_in_pieces_is_read_as_the_whole(backend, asarray, tolerance):
    net, (x, t) = model(), data(asarray)
    whole = float(net.loss(x, t))
    parts = [float(net.loss_and_gradient(x[:, i : i + 2], t[:, i : i + 2])[0]) for i in (0, 2)]
    assert np.mean(parts) == pytest.approx(whole, rel=100 * tolerance)
    for length in (1, 3, 32):
        assert net.perplexity(x, t, length) == pytest.approx(np.exp(whole), rel=100 * tolerance)
    net.reset_state()
    assert float(net.loss(x, t)) == pytest.approx(whole, rel=100 * tolerance)


@TIED
def test_a_cycle_is_learnt_and_written(tied):
    net, cycle, optimizer = model(tied), np.tile(np.arange(5), 3), Adam(0.03)
    x, t = (np.stack([cycle[i + j : i + j + 4] for i in range(5)]) for j in (0, 1))
    for _ in range(80):
        net.reset_state()
        loss, gradients = net.loss_and_gradient(x, t)
        optimizer.update(net.params, gradients)
    assert float(loss) < 0.2
    assert net.generate(np.asarray([3, 4]), 7, temperature=0).tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_what_is_written_does_not_depend_on_the_state_of_training(backend, asarray):
    net, (x, t), prompt = model(), data(asarray), asarray(np.asarray([[0, 1], [2, 3]]))
    before = to_numpy(net.generate(prompt, 4, rng=Generator(3)))
    net.gradient(x, t)
    kept = {name: to_numpy(state) for name, state in net.states.items()}
    np.testing.assert_array_equal(to_numpy(net.generate(prompt, 4, rng=Generator(3))), before)
    for name, state in net.states.items():
        np.testing.assert_array_equal(to_numpy(state), kept[name])
    assert before.shape == (2, 6)


def test_dropout_is_off_in_prediction():
    net, plain, (x, t) = model(dropout_ratio=0.5), model(), data()
    plain.params.update(net.params)
    assert float(net.loss(x, t, predict=True)) == float(plain.loss(x, t))
    assert float(net.loss(x, t)) != float(plain.loss(x, t))


def test_draws_follow_the_shares_of_the_scores():
    net, prompts = model(layers=1), np.tile(np.asarray([[1, 2]]), (4000, 1))
    drawn = net.generate(prompts, 1, temperature=0.5, rng=Generator(0))[:, -1]
    shares = softmax(net.predict(prompts[:1])[0, -1].astype(np.float64) / 0.5)
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 4000, shares, atol=0.03)


@TIED
def test_a_model_comes_back_from_its_file(tied, tmp_path):
    net, (x, _) = model(tied, dropout_ratio=0.1), data()
    xn.save(tmp_path / "model", net)
    again = xn.load_network(tmp_path / "model")
    assert repr(again) == repr(net)
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


def test_bad_sizes_and_texts_are_refused():
    net = model()
    with pytest.raises(ArgumentError, match="RecurrentLM: layers must be a positive integer, got 0"):
        RecurrentLM(5, 4, 0)
    with pytest.raises(ArgumentError, match="perplexity: length must be a positive integer, got 0"):
        net.perplexity(*data(), length=0)
    for shape in ((3,), (3, 0)):
        with pytest.raises(ShapeError, match=r"perplexity: x must be \(N, L\) with at least one step"):
            net.perplexity(np.zeros(shape, dtype=int), np.zeros(shape, dtype=int))
    with pytest.raises(ArgumentError, match=r"RecurrentLM\.generate: prompt must hold indices from 0 to 4, got 9"):
        net.generate(np.asarray([9]), 1)
