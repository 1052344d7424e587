"""Files of the second volume's weights, in its own networks' form and in networks of xpnet."""

from __future__ import annotations

import os
import pickle as standard
from pathlib import Path

import numpy as np
import pytest
from sequel_in_numpy import better_rnnlm, better_rnnlm_params, lstm, numbers, seq2seq, seq2seq_params

from xpnet.backend import to_numpy
from xpnet.book.sequel.base_model import BaseModel
from xpnet.book.sequel.weights import load_weights
from xpnet.errors import DataError
from xpnet.networks import AttentionSeq2seq, PeekySeq2seq, RecurrentLM, Seq2seq
from xpnet.random import Generator

QUESTIONS, SEEN = np.asarray([[1, 2, 0], [3, 4, 4]]), np.asarray([[0, 2], [0, 4]])


def written(params, folder: Path) -> Path:
    """A file as the book's ``save_params`` writes it."""
    path = folder / "params.pkl"
    path.write_bytes(standard.dumps(params))
    return path


def scores_of(kind, folder, asarray=np.asarray):
    """The scores of a network of xpnet with the book's weights, and those of the book's equations."""
    params = seq2seq_params(kind.__name__)
    net = kind(5, 3, 4)
    load_weights(net, written(params, folder))
    expected = seq2seq(kind.__name__, [W.astype(np.float64) for W in params], QUESTIONS, SEEN)
    return to_numpy(net.predict((asarray(QUESTIONS), asarray(SEEN)))), expected


@pytest.mark.parametrize("kind", [Seq2seq, PeekySeq2seq], ids=lambda kind: kind.__name__)
def test_a_network_from_questions_to_answers_has_the_book_s_scores(kind, tmp_path):
    found, expected = scores_of(kind, tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_network_with_attention_has_the_book_s_scores(backend, asarray, tolerance, tmp_path):
    found, expected = scores_of(AttentionSeq2seq, tmp_path, asarray)
    np.testing.assert_allclose(found, expected, rtol=10 * tolerance, atol=10 * tolerance)


def test_the_better_language_model_has_the_book_s_scores(tmp_path):
    params = better_rnnlm_params()
    net = RecurrentLM(5, 4, rng=Generator(0))
    load_weights(net, written(params, tmp_path))
    expected = better_rnnlm([W.astype(np.float64) for W in params], QUESTIONS)
    np.testing.assert_allclose(net.predict(QUESTIONS), expected, rtol=1e-4, atol=1e-5)


def test_the_plain_language_model_has_the_book_s_scores(tmp_path):
    params = numbers((5, 4), (4, 16), (4, 16), (16,), (4, 5), (5,))
    net = RecurrentLM(5, 4, layers=1, tied=False)
    load_weights(net, written(params, tmp_path))
    embedding, Wx, Wh, b, W, bias = (W.astype(np.float64) for W in params)
    expected = lstm(embedding[QUESTIONS], Wx, Wh, b) @ W + bias
    np.testing.assert_allclose(net.predict(QUESTIONS), expected, rtol=1e-4, atol=1e-5)


class Model(BaseModel):
    """A network of the book's form."""

    def __init__(self):
        self.params = [np.ones((2, 3), dtype="f"), np.zeros(3, dtype="f")]
        self.grads = [np.zeros_like(W) for W in self.params]


def test_parameters_are_written_as_the_book_does_and_read_into_the_same_arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, other = Model(), Model()
    model.params[0][...] = np.arange(6).reshape(2, 3) / 3
    model.save_params()
    on_disk = standard.loads((tmp_path / "Model.pkl").read_bytes())
    assert [array.dtype for array in on_disk] == ["float16", "float16"]
    held = list(other.params)
    other.load_params("Model.pkl")
    assert all(a is b for a, b in zip(held, other.params, strict=True))
    np.testing.assert_allclose(held[0], model.params[0], atol=1e-3)
    assert held[0].dtype == np.float32


class Malicious:
    """What a pickle from a stranger may do on its way in."""

    def __reduce__(self):
        return os.system, ("touch stolen",)


@pytest.mark.parametrize(
    "read", [lambda path: Model().load_params(path), lambda path: load_weights(Seq2seq(2, 2, 2), path)]
)
def test_a_file_that_is_not_a_list_of_fitting_arrays_is_refused_and_not_run(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = (
        ([np.ones((2, 3)), Malicious()], "arrays, numbers and containers alone"),
        ({"W": np.ones(3)}, "must hold a list of arrays, got dict"),
        ([np.ones((2, 3))], "must hold arrays"),
        ([np.ones((2, 3)), "W"], "must hold a list of arrays, got list"),
    )
    for params, text in cases:
        with pytest.raises(DataError, match=text):
            read(written(params, tmp_path))
    with pytest.raises(DataError, match="must be readable"):
        read(tmp_path / "missing.pkl")
    assert not (tmp_path / "stolen").exists()


def test_a_failed_read_leaves_the_network_as_it_was(tmp_path):
    net = Seq2seq(5, 3, 4, rng=Generator(0))
    before = {name: W.copy() for name, W in net.params.items()}
    with pytest.raises(DataError):
        load_weights(net, written(seq2seq_params("PeekySeq2seq"), tmp_path))
    for name, W in net.params.items():
        np.testing.assert_array_equal(W, before[name])
