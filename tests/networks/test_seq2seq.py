"""From questions to answers: gradients, what is written, what is looked at, and files."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError
from xpnet.networks import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from xpnet.optimizers import Adam
from xpnet.random import Generator

KINDS = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]
on_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
QUESTIONS = np.asarray([[1, 2, 0], [3, 4, 4]])
ANSWERS = np.asarray([[0, 2, 1], [0, 4, 3]])


def data(asarray=np.asarray):
    return (asarray(QUESTIONS), asarray(ANSWERS[:, :-1])), asarray(ANSWERS[:, 1:])


@on_every_kind
def test_gradients_agree_with_numerical_differentiation(kind):
    net = kind(5, 3, 4, rng=Generator(0))
    xn.gradient_check(net, *data(), mode="directions", directions=2).raise_if_failed()


def test_gradients_of_answers_agree_with_the_graph_of_the_loss(backend, asarray, tolerance, defer_to_variables):
    net, (x, t) = AttentionSeq2seq(5, 3, 4, rng=Generator(0)), data(asarray)
    expected = net.gradient(x, t)

    def loss(params):
        with net.using(params):
            return net.loss(x, t)

    found = xn.grad(loss)(dict(net.params))
    for name, gradient in expected.items():
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(gradient), atol=10 * tolerance)


@on_every_kind
def test_a_reversal_is_learnt_and_written(kind):
    x = np.stack(np.meshgrid(*[np.arange(1, 4)] * 2), axis=-1).reshape(-1, 2)
    a = np.concatenate([np.zeros_like(x[:, :1]), x[:, ::-1]], axis=1)
    net, optimizer = kind(4, 4, 12, rng=Generator(0)), Adam(0.03)
    for _ in range(150):
        loss, grads = net.loss_and_gradient((x, a[:, :-1]), a[:, 1:])
        optimizer.update(net.params, grads)
    assert float(loss) < 0.1
    np.testing.assert_array_equal(net.generate(x, 0, 2), a[:, 1:])
    np.testing.assert_array_equal(net.generate(x[3], 0, 2), a[3, 1:])


@on_every_kind
def test_each_symbol_written_has_the_highest_score_after_those_before(kind, backend, asarray):
    net, x = kind(5, 3, 4, rng=Generator(1)), asarray(QUESTIONS)
    written = to_numpy(net.generate(x, 0, 3))
    seen = np.concatenate([np.zeros((2, 1), dtype=np.int64), written], axis=1)
    scores = to_numpy(net.predict((x, asarray(seen[:, :-1]))))
    np.testing.assert_array_equal(written, scores.argmax(axis=-1))


def test_beams_find_an_answer_that_is_at_least_as_likely_and_stop_ends_it():
    net, x = AttentionSeq2seq(5, 3, 4, rng=Generator(1)), QUESTIONS

    def log_share(answers):
        seen = np.concatenate([np.zeros((2, 1), dtype=np.int64), answers[:, :-1]], axis=1)
        scores = net.predict((x, seen)).astype(np.float64)
        shares = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
        return np.take_along_axis(shares, answers[..., None], axis=-1).sum(axis=(1, 2))

    greedy, found = net.generate(x, 0, 3), net.generate(x, 0, 3, beams=5)
    assert (log_share(found) >= log_share(greedy) - 1e-6).all()
    first = int(greedy[0, 0])
    ended = net.generate(x[0], 0, 3, stop=first)
    assert ended.tolist() == [first]


def test_attention_is_a_share_of_the_question(backend, asarray):
    net, (inputs, _) = AttentionSeq2seq(5, 3, 4, rng=Generator(0)), data(asarray)
    shares = to_numpy(net.attention(*inputs))
    assert shares.shape == (2, 2, 3)
    assert (shares > 0.0).all()
    np.testing.assert_allclose(shares.sum(axis=-1), 1.0, rtol=1e-5)


@on_every_kind
def test_a_network_comes_back_from_its_file(kind, tmp_path):
    net, (inputs, _) = kind(5, 3, 4, rng=Generator(0)), data()
    xn.save(tmp_path / "net", net)
    again = xn.load_network(tmp_path / "net")
    assert repr(again) == repr(net)
    np.testing.assert_array_equal(again.predict(inputs), net.predict(inputs))
    np.testing.assert_array_equal(again.generate(QUESTIONS, 0, 3), net.generate(QUESTIONS, 0, 3))


def test_low_precision_changes_little():
    (low, net), (x, t) = (AttentionSeq2seq(5, 3, 4, rng=Generator(0)) for _ in range(2)), data()
    found, expected = low.compute_in("float16").gradient(x, t), net.gradient(x, t)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, atol=2e-3)


def test_bad_questions_and_sizes_are_refused():
    net = Seq2seq(5, 3, 4)
    cases = (
        ((QUESTIONS, 0, 0), ArgumentError, "Seq2seq.generate: count must be a positive integer, got 0"),
        ((QUESTIONS, 7, 1), ArgumentError, "Seq2seq.generate: start must be a symbol from 0 to 4, got 7"),
        ((QUESTIONS, "_", 1), ArgumentError, "Seq2seq.generate: start must be a symbol from 0 to 4, got '_'"),
        ((QUESTIONS + 3, 0, 1), ArgumentError, "x must hold indices from 0 to 4, got"),
        ((np.ones((1, 2)), 0, 1), DtypeError, "must be integer indices"),
    )
    for args, kind, text in cases:
        with pytest.raises(kind, match=text):
            net.generate(*args)
    with pytest.raises(ArgumentError, match="PeekySeq2seq: hidden must be a positive integer, got 0"):
        PeekySeq2seq(5, 3, 0)
