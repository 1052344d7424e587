"""The language model: its gradients, what it generates, and its tied form."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DivergenceError, DtypeError, ShapeError
from xpnet.networks import TransformerLM
from xpnet.optimizers import Adam
from xpnet.random import Generator


def model(tied: bool = False, **options) -> TransformerLM:
    return TransformerLM(5, 4, 4, 2, 2, hidden=3, tied=tied, init=0.3, rng=Generator(0), **options)


def data(asarray=np.asarray):
    symbols = np.random.default_rng(0).integers(0, 5, (3, 5))
    return asarray(symbols[:, :-1]), asarray(symbols[:, 1:])


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_agree_with_numerical_differentiation(tied):
    xn.gradient_check(model(tied), *data(), mode="directions", directions=3).raise_if_failed()


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_agree_with_the_graph_of_the_loss(tied, backend, asarray, tolerance, defer_to_variables):
    net, (x, t) = model(tied), data(asarray)
    expected = net.gradient(x, t)

    def loss(params):
        with net.using(params):
            return net.loss(x, t)

    found = xn.grad(loss)(dict(net.params))
    for name, gradient in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(gradient), atol=10 * tolerance)


def test_names_are_paths():
    assert list(model().params)[:6] == [
        *("Embedding1.W", "PositionalEmbedding1.W"),
        *("Block1.LayerNormalization1.gamma", "Block1.LayerNormalization1.beta"),
        *("Block1.Attention1.Wq", "Block1.Attention1.Wk"),
    ]
    assert set(model().params) - set(model(tied=True).params) == {"MatMul1.W"}


def test_scores_do_not_depend_on_what_follows(backend, asarray):
    net, (x, _) = model(), data()
    other = x.copy()
    other[:, 2:] = (other[:, 2:] + 1) % 5
    y, moved = to_numpy(net.predict(asarray(x))), to_numpy(net.predict(asarray(other)))
    np.testing.assert_array_equal(y[:, :2], moved[:, :2])
    assert (y[:, 2:] != moved[:, 2:]).any()


@pytest.mark.parametrize("tied", [False, True])
def test_training_lowers_the_loss_and_generation_repeats_what_was_learnt(tied):
    net, cycle = model(tied), np.tile(np.arange(5), 3)
    x, t = (np.stack([cycle[i + j : i + j + 4] for i in range(5)]) for j in (0, 1))
    optimizer = Adam(0.02)
    for _ in range(80):
        loss, gradients = net.loss_and_gradient(x, t)
        optimizer.update(net.params, gradients)
    assert float(loss) < 0.2
    assert net.generate(np.asarray([3, 4]), 7, temperature=0).tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_dropout_is_off_in_prediction_and_makes_training_noisy():
    net, plain, (x, t) = model(dropout_ratio=0.5), model(), data()
    plain.params.update(net.params)
    assert float(net.loss_and_gradient(x, t)[0]) != float(net.loss_and_gradient(x, t)[0])
    assert float(net.loss(x, t)) == float(net.loss(x, t))
    assert float(net.loss(x, t, predict=True)) == float(plain.loss(x, t))


PROMPT = np.asarray([[0, 1], [2, 3]])


def test_generated_symbols_are_the_same_for_a_seed_on_every_backend(backend, dtype, asarray):
    net = model()
    found = to_numpy(net.generate(asarray(PROMPT), 4, rng=Generator(3)))
    with xn.use_backend("numpy", dtype=dtype):
        expected = model().generate(PROMPT, 4, rng=Generator(3))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[:, :2], PROMPT)


def test_generation_ends_and_begins_as_asked():
    net = model()
    one = net.generate(PROMPT[0], 6, rng=Generator(3))
    assert one.shape == (8,)
    assert one.dtype == np.int64
    rng = Generator(3)
    assert (net.generate(PROMPT[0], 6, rng=rng) == one).all()
    assert (net.generate(PROMPT[0], 60, rng=rng) != net.generate(PROMPT[0], 60, rng=rng)).any()


def test_the_highest_score_is_taken_at_temperature_0_and_for_k_1():
    net = model()
    greedy = net.generate(PROMPT, 8, temperature=0)
    np.testing.assert_array_equal(net.generate(PROMPT, 8, top_k=1), greedy)
    np.testing.assert_array_equal(net.generate(PROMPT, 8, temperature=1e-6), greedy)
    for step in range(2, 10):
        scores = net.predict(greedy[:, max(0, step - 4) : step])[:, -1]
        np.testing.assert_array_equal(np.argmax(scores, axis=1), greedy[:, step])


@pytest.mark.parametrize(("temperature", "top_k"), [(1e-310, None), (np.float32(1e-6), 100), (0, 3)])
def test_the_smallest_temperatures_are_greedy_whatever_k_is(temperature, top_k):
    net = model()
    greedy = net.generate(PROMPT, 8, temperature=0)
    np.testing.assert_array_equal(net.generate(PROMPT, 8, temperature, top_k), greedy)


@pytest.mark.parametrize("integer", ["uint8", "int32", "uint64"])
def test_the_integers_of_a_prompt_do_not_matter(backend, asarray, integer):
    net = model()
    prompt = asarray(np.asarray([1, 2, 3, 4, 0, 1, 2], dtype=integer))  # longer than the context
    found, expected = (net.generate(x, 3, temperature=0) for x in (prompt, asarray(to_numpy(prompt).astype(np.int64))))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


def test_prompts_of_other_symbols_are_refused_on_every_backend(backend, asarray):
    for wrong in (-1, 5):
        must = rf"TransformerLM.generate: prompt must hold indices from 0 to 4, got {wrong}; encode it"
        with pytest.raises(ArgumentError, match=must):
            model().generate(asarray(np.asarray([wrong, 1, 2, 3, 4])), 1)


def test_scores_that_are_not_finite_end_the_generation(backend, asarray):
    net = model()
    net.params["MatMul1.W"] = asarray(np.full((4, 5), np.nan))
    with pytest.raises(DivergenceError, match="scores must be finite, got nan; look for"):
        net.generate(asarray(PROMPT), 3)


def test_draws_follow_the_shares_of_the_k_highest():
    net = model()
    prompts = np.tile(np.asarray([[1, 2]]), (4000, 1))
    drawn = net.generate(prompts, 1, temperature=0.5, top_k=3, rng=Generator(0))[:, -1]
    scores = net.predict(prompts[:1])[0, -1].astype(np.float64) / 0.5
    shares = np.where(scores >= np.sort(scores)[-3], np.exp(scores), 0.0)
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 4000, shares / shares.sum(), atol=0.03)


def test_bad_prompts_and_options_are_refused():
    net = model()
    cases = (
        ((np.ones((1, 2)), 1), {}, DtypeError, "prompt must be integer indices, got float64"),
        ((np.ones((1, 0), dtype=int), 1), {}, ShapeError, r"prompt must be \(L,\) or \(N, L\) with at least one index"),
        ((PROMPT.tolist(), 1), {}, DtypeError, "prompt must be an array, got list"),
        ((PROMPT, 0), {}, ArgumentError, "count must be a positive integer, got 0"),
        ((PROMPT, 1), {"temperature": -1.0}, ArgumentError, "temperature must be finite and not negative, got -1.0"),
        ((PROMPT, 1), {"temperature": float("nan")}, ArgumentError, "temperature must be finite"),
        ((PROMPT, 1), {"top_k": 0}, ArgumentError, "top_k must be a positive integer, got 0"),
        ((PROMPT, 1), {"rng": 3}, DtypeError, "rng must be a Generator"),
    )
    for args, options, kind, text in cases:
        with pytest.raises(kind, match=text):
            net.generate(*args, **options)
    with pytest.raises(ShapeError, match="PositionalEmbedding1: x must have at most 4 positions, got 5"):
        net.predict(np.ones((1, 5), dtype=int))
    with pytest.raises(ArgumentError, match="TransformerLM: layers must be a positive integer, got 0"):
        TransformerLM(5, 4, 4, 2, 0)
    with pytest.raises(ArgumentError, match="TransformerLM: vocabulary must be a positive integer, got 'abc'"):
        TransformerLM("abc", 4, 4, 2, 1)
    with pytest.raises(ArgumentError, match="heads must divide the width 4, got 3"):
        TransformerLM(5, 4, 4, 3, 1)


def test_weights_come_back_from_disk(tmp_path):
    for tied in (False, True):
        net, other = model(tied), TransformerLM(5, 4, 4, 2, 2, hidden=3, tied=tied, rng=Generator(1))
        xn.save(tmp_path / "model.safetensors", net)
        xn.load(tmp_path / "model.safetensors", other)
        np.testing.assert_array_equal(other.predict(PROMPT), net.predict(PROMPT))
