"""The Transformer of an encoder and a decoder, and the shapes of GPT-2."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.networks import GPT2, Transformer, TransformerLM
from xpnet.optimizers import Adam
from xpnet.random import Generator

KINDS = {
    "one table": {},
    "tied, with padding": {"tied": True, "pad": 0},
    "two tables, rotary": {"target_vocabulary": 4, "positions": "rotary", "kv_heads": 1, "bias": False},
}


def model(**options) -> Transformer:
    return Transformer(6, 3, 5, 4, 2, 1, hidden=3, init=0.5, rng=Generator(0), **options)


def data(targets: int = 4):
    rng = np.random.default_rng(0)
    source, target = rng.integers(1, 6, (3, 3)), rng.integers(0, targets, (3, 6))
    source[0, 2] = 0
    return np.concatenate([source, target[:, :-1]], axis=1), target[:, 1:]


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_numerical_differentiation(kind):
    xn.gradient_check(model(**KINDS[kind]), *data(), mode="directions", directions=1).raise_if_failed()


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_goes_on_as_the_whole_network_says(kind, asarray, tolerance):
    net, (x, _) = model(**KINDS[kind]), data()
    source = asarray(x[:, :3])
    found = to_numpy(net.generate(source, 5, start=1, temperature=0))
    whole = asarray(np.concatenate([x[:, :3], np.ones((3, 1), dtype=np.int64), found[:, :-1]], axis=1))
    scores = to_numpy(net.predict(whole))
    chosen = np.take_along_axis(scores, found[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(chosen, np.max(scores, axis=2), atol=10 * tolerance)


def test_all_beams_find_the_best_target_and_one_finds_the_greedy_one():
    net, (x, _) = model(target_vocabulary=4), data()
    source = x[:, :3]
    np.testing.assert_array_equal(
        net.generate(source, 4, start=1, beams=1), net.generate(source, 4, start=1, temperature=0)
    )
    texts = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    begun = np.concatenate([np.ones((64, 1), dtype=np.int64), texts], axis=1)
    for row in range(3):
        scores = net.predict(np.concatenate([np.tile(source[row], (64, 1)), begun[:, :-1]], axis=1)).astype(np.float64)
        logs = scores - np.log(np.sum(np.exp(scores), axis=2, keepdims=True))
        best = texts[np.argmax(np.sum(np.take_along_axis(logs, texts[:, :, None], axis=2), axis=(1, 2)))]
        np.testing.assert_array_equal(net.generate(source, 3, start=1, beams=16)[row], best)


def test_nothing_attends_to_padding_and_a_padded_label_does_not_count():
    net, (x, t) = model(pad=0), data()
    y = net.predict(x)
    net.params["PositionalEmbedding1.W"][2, 0] += 1.0  # only the padding of the first source is there
    np.testing.assert_allclose(net.predict(x)[0], y[0], rtol=1e-6)
    assert (net.predict(x)[1] != y[1]).any()
    ignored = np.where(np.arange(5) < 3, t, 0)
    assert float(net.loss(x, ignored)) == pytest.approx(float(net.loss(x[:, :6], ignored[:, :3])), rel=1e-5)


def test_it_learns_to_turn_a_sequence_around():
    rng = np.random.default_rng(0)
    source = rng.integers(1, 6, (64, 3))
    x, t = np.concatenate([source, np.zeros((64, 1), dtype=int), source[:, :0:-1]], axis=1), source[:, ::-1]
    net, optimizer = Transformer(6, 3, 3, 16, 2, 1, init=0.2, rng=Generator(0)), Adam(0.02)
    for _ in range(60):
        optimizer.update(net.params, net.gradient(x, t))
    assert (net.generate(source, 3, start=0, temperature=0) == t).mean() > 0.9


def test_copies_and_files_compute_the_same(tmp_path):
    net, (x, _) = model(**KINDS["two tables, rotary"]), data()
    y = net.predict(x)
    np.testing.assert_array_equal(copy.deepcopy(net).predict(x), y)
    xn.save(tmp_path / "net.safetensors", net)
    np.testing.assert_array_equal(xn.load_network(tmp_path / "net.safetensors").predict(x), y)
    np.testing.assert_allclose(net.astype("float64").predict(x), y, rtol=1e-4, atol=1e-5)
    net.compute_in("float16")
    np.testing.assert_allclose(net.predict(x), y, rtol=0.05, atol=0.05)


def test_what_is_wrong_is_named():
    net, (x, _) = model(), data()
    with pytest.raises(ShapeError, match=r"Transformer: x must be \(N, 3 \+ L\) with at least one symbol"):
        net.predict(x[:, :3])
    with pytest.raises(ShapeError, match=r"generate: source must be \(3,\) or \(N, 3\), got \(2,\); fill it up"):
        net.generate(x[:, :2], 2, start=0)
    with pytest.raises(ArgumentError, match="start must be a symbol from 0 to 5, got 6"):
        net.generate(x[:, :3], 2, start=6)
    with pytest.raises(ArgumentError, match="count must be at most 5, the context of the decoder, got 6"):
        net.generate(x[:, :3], 6, start=0)
    with pytest.raises(ArgumentError, match="pad must be a symbol from 0 to 3, got 4"):
        model(target_vocabulary=4, pad=4)


@pytest.mark.parametrize(
    ("size", "name", "shape"),
    [
        ("124M", "gpt2", (768, 12, 12)),
        ("355M", "gpt2-medium", (1024, 16, 24)),
        ("774M", "gpt2-large", (1280, 20, 36)),
        ("1558M", "gpt2-xl", (1600, 25, 48)),
    ],
)
def test_the_shapes_of_gpt_2(size, name, shape, monkeypatch):
    made = []
    monkeypatch.setattr(TransformerLM, "__init__", lambda self, *sizes, **_: made.append(sizes))
    GPT2(size)
    GPT2(name)
    assert made == [(50257, 1024, *shape)] * 2
    with pytest.raises(ArgumentError, match="GPT2: size must be one of 124M, 355M, 774M, 1558M, got '7B'"):
        GPT2("7B")
