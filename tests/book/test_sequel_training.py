"""The second volume's chapters, typed anew: words, optimizers on lists, trainers, and models that are measured."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.book import optimizer as first_volume
from xpnet.book.sequel import optimizer, util
from xpnet.book.sequel.layers import MatMul, SoftmaxWithLoss
from xpnet.book.sequel.time_layers import TimeAffine, TimeEmbedding, TimeLSTM, TimeSoftmaxWithLoss
from xpnet.book.sequel.trainer import RnnlmTrainer, Trainer, remove_duplicate
from xpnet.errors import ArgumentError, BackendError, StateError

TEXT = "You say goodbye and I say hello."


def test_words_and_counts_of_chapter_2():
    corpus, word_to_id, id_to_word = util.preprocess(TEXT)
    assert corpus.tolist() == [0, 1, 2, 3, 4, 1, 5, 6]
    assert [id_to_word[i] for i in range(7)] == ["you", "say", "goodbye", "and", "i", "hello", "."]
    assert all(id_to_word[number] == word for word, number in word_to_id.items())
    C = util.create_co_matrix(corpus, 7)
    assert C.dtype == np.int32
    assert C.tolist()[1] == [1, 0, 1, 0, 1, 1, 0]
    np.testing.assert_array_equal(C, C.T)
    assert float(util.cos_similarity(C[0], C[4])) == pytest.approx(0.7071067691154799)  # as the book prints
    M = util.ppmi(C)
    assert M.dtype == np.float32
    assert float(M[0, 1]) == pytest.approx(np.log2(1 * 14 / (4 * 1)), abs=1e-6)
    assert float(M[0, 0]) == 0.0


def test_a_word_beyond_the_corpus_has_no_information():
    M = util.ppmi(np.asarray([[0, 2, 0], [2, 0, 0], [0, 0, 0]]))
    assert np.isfinite(M).all()
    assert not M[2].any()


def test_contexts_and_targets_of_chapter_3():
    corpus, *_ = util.preprocess(TEXT)
    contexts, target = util.create_contexts_target(corpus)
    assert contexts.tolist() == [[0, 2], [1, 3], [2, 4], [3, 1], [4, 5], [1, 6]]
    assert target.tolist() == [1, 2, 3, 4, 1, 5]
    assert util.convert_one_hot(target, 7).tolist()[0] == [0, 1, 0, 0, 0, 0, 0]
    assert util.convert_one_hot(contexts, 7).shape == (6, 2, 7)


def test_similar_words_and_analogies_are_printed(capsys):
    words = ["king", "man", "queen", "woman", "car"]
    vectors = np.asarray([[2.0, 1.0], [1.0, 1.0], [2.0, 3.0], [1.0, 3.0], [-3.0, 0.1]])
    ids, names = {word: i for i, word in enumerate(words)}, dict(enumerate(words))
    util.most_similar("king", ids, names, vectors, top=2)
    util.most_similar("dog", ids, names, vectors)
    util.analogy("king", "man", "queen", ids, names, vectors, top=1, answer="woman")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["", "[query] king"]
    assert [line.split(":")[0] for line in lines[2:4]] == [" man", " queen"]
    assert float(lines[2].split(":")[1]) == pytest.approx(3.0 / np.sqrt(10.0))
    assert lines[4:7] == ["dog is not found", "", "[analogy] king:man = queen:?"]
    assert lines[7].startswith("==>woman:")
    assert lines[8].startswith(" woman: ")
    assert len(lines) == 9
    np.testing.assert_array_equal(vectors[0], [2.0, 1.0])


def test_rows_are_divided_by_their_length_in_place():
    rows = np.asarray([[3.0, 4.0], [0.0, 2.0]])
    assert util.normalize(rows) is rows
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, 1.0]])


def test_gradients_are_clipped_in_place():
    grads = [np.asarray([3.0]), np.asarray([[0.0, 4.0]])]
    util.clip_grads(grads, 10.0)
    assert grads[0].tolist() == [3.0]
    util.clip_grads(grads, 1.0)
    np.testing.assert_allclose([grads[0][0], grads[1][0, 1]], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("kind", optimizer.__all__[1:-1])
def test_optimizers_on_lists_are_those_of_the_first_volume(kind):
    rng = np.random.default_rng(0)
    W, gradients = rng.normal(size=(2, 3)), [rng.normal(size=(2, 3)) for _ in range(3)]
    ours, theirs = [W.copy(), W[0].copy()], {"W": W.copy(), "b": W[0].copy()}
    held, on_lists, by_name = list(ours), getattr(optimizer, kind)(), getattr(first_volume, kind)()
    for dW in gradients:
        on_lists.update(ours, [dW, dW[0]])
        by_name.update(theirs, {"W": dW, "b": dW[0]})
    assert all(a is b for a, b in zip(ours, held, strict=True))
    np.testing.assert_array_equal(ours[0], theirs["W"])
    np.testing.assert_array_equal(ours[1], theirs["b"])


def test_parameters_that_are_there_twice_are_one_with_the_sum_of_their_gradients():
    W, b = np.arange(6.0).reshape(2, 3), np.zeros(3)
    grads = [np.ones((2, 3)), np.ones(3), np.full((3, 2), 2.0), np.full((2, 3), 3.0)]
    params, kept = remove_duplicate([W, b, W.T, W], grads)
    assert params[0] is W
    assert params[1] is b
    assert len(params) == len(kept) == 2
    np.testing.assert_array_equal(kept[0], np.full((2, 3), 6.0))
    assert kept[0] is grads[0]


class SimpleCBOW:
    """The network of chapter 3 as a reader types it."""

    def __init__(self, vocab_size, hidden_size):
        W_in = 0.01 * np.random.randn(vocab_size, hidden_size).astype("f")
        W_out = 0.01 * np.random.randn(hidden_size, vocab_size).astype("f")
        self.in_layers = [MatMul(W_in), MatMul(W_in)]
        self.out_layer, self.loss_layer = MatMul(W_out), SoftmaxWithLoss()
        self.params, self.grads = [], []
        for layer in (*self.in_layers, self.out_layer):
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, contexts, target):
        h = sum(layer.forward(contexts[:, i]) for i, layer in enumerate(self.in_layers)) * 0.5
        return self.loss_layer.forward(self.out_layer.forward(h), target)

    def backward(self, dout=1):
        da = self.out_layer.backward(self.loss_layer.backward(dout)) * 0.5
        for layer in self.in_layers:
            layer.backward(da)


def test_the_trainer_learns_the_words_of_chapter_3(capsys):
    np.random.seed(0)
    corpus, word_to_id, _ = util.preprocess(TEXT)
    contexts, target = util.create_contexts_target(corpus)
    x, t = (util.convert_one_hot(ids, len(word_to_id)) for ids in (contexts, target))
    trainer = Trainer(SimpleCBOW(len(word_to_id), 5), optimizer.Adam(0.01))
    trainer.fit(x, t, max_epoch=200, batch_size=3, max_grad=5.0, eval_interval=2)
    assert trainer.loss_list[0] == pytest.approx(np.log(7), rel=1e-3)
    assert np.mean(trainer.loss_list[-10:]) < 0.9
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(trainer.loss_list) == 200
    assert re.fullmatch(r"\| epoch 1 \|  iter 1 / 2 \| time \d+\[s\] \| loss 1.95", lines[0])
    assert trainer.current_epoch == 200


class Rnnlm:
    """The language model of chapter 6 as a reader types it, with tied weights."""

    def __init__(self, V, H):
        rn = np.random.randn
        embed_W = (rn(V, H) / 10).astype("f")
        gates = [(rn(H, 4 * H) / np.sqrt(H)).astype("f") for _ in range(2)]
        self.lstm = TimeLSTM(*gates, np.zeros(4 * H, dtype="f"), stateful=True)
        self.layers = [TimeEmbedding(embed_W), self.lstm, TimeAffine(embed_W.T, np.zeros(V, dtype="f"))]
        self.loss_layer = TimeSoftmaxWithLoss()
        self.params = [W for layer in self.layers for W in layer.params]
        self.grads = [dW for layer in self.layers for dW in layer.grads]

    def forward(self, xs, ts):
        for layer in self.layers:
            xs = layer.forward(xs)
        return self.loss_layer.forward(xs, ts)

    def backward(self, dout=1):
        dout = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)


def test_the_language_model_s_trainer_learns_a_cycle(capsys):
    np.random.seed(0)
    corpus = np.tile(np.asarray([0, 1, 2, 1, 3]), 20)
    model = Rnnlm(4, 6)
    trainer = RnnlmTrainer(model, optimizer.Adam(0.05))
    xs, ts = corpus[:-1], corpus[1:]
    trainer.time_idx = 3
    batch_x, batch_t = trainer.get_batch(xs, ts, 2, 4)
    assert batch_x.tolist() == [xs[3:7].tolist(), xs[52:56].tolist()]
    assert batch_t.tolist() == [ts[3:7].tolist(), ts[52:56].tolist()]
    trainer.fit(xs, ts, max_epoch=12, batch_size=2, time_size=5, max_grad=1.0, eval_interval=9)
    assert trainer.ppl_list[0] == pytest.approx(4.0, rel=0.2)
    assert trainer.ppl_list[-1] < 1.2
    model.lstm.reset_state()
    assert util.eval_perplexity(model, corpus, batch_size=2, time_size=5) < 1.3
    assert "| perplexity " in capsys.readouterr().out
    with pytest.raises(ArgumentError, match="corpus must have more than 350 words, got 100"):
        util.eval_perplexity(model, corpus)


def test_plots_want_matplotlib_and_values(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match=r"Trainer\.plot: matplotlib must be installed"):
        Trainer(None, None).plot()
    with pytest.raises(StateError, match=r"RnnlmTrainer\.plot: fit must run before plot"):
        RnnlmTrainer(None, None).plot()


class Parrot:
    """A model that answers with what it was told to."""

    def __init__(self, answer):
        self.answer = answer

    def generate(self, question, start, count):
        assert (start, count) == (9, 2)
        return self.answer


def test_an_answer_is_right_or_wrong(capsys):
    letters = dict(enumerate("abcdefghi_"))
    question, correct = np.asarray([[0, 1]]), np.asarray([[9, 2, 3]])
    assert util.eval_seq2seq(Parrot([2, 3]), question, correct, letters, verbose=True, is_reverse=True) == 1
    assert util.eval_seq2seq(Parrot([2, 2]), question, correct, letters) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Q ba\nT cd\n")
    assert "☑" in shown


def test_the_switch_is_read_before_the_names_and_words_go_to_the_gpu_and_back(needs):
    needs("cupy")
    code = """
from xpnet.book.sequel import config
assert config.GPU is False
config.GPU = True
from xpnet.book.sequel.np import *
from xpnet.book.sequel.layers import Embedding, Affine
from xpnet.book.sequel.util import to_cpu, to_gpu
assert GPU and np.__name__ == "cupy"
layer = Affine(np.random.randn(2, 3).astype("f"), np.zeros(3).astype("f"))
y = layer.forward(to_gpu(__import__("numpy").ones((1, 2), dtype="f")))
layer.backward(y)
p = np.asarray([0.25, 0.75])
print(type(y).__module__, type(to_cpu(y)).__module__, np.random.choice(2, size=(2, 2), p=p).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["cupy", "numpy", "(2,", "2)"], done.stderr


def test_arrays_on_the_host_stay():
    x = np.ones(3)
    assert util.to_cpu(x) is x
    assert to_numpy(x) is x
