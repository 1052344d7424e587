"""What follows a prompt: the same scores as without a past, and the options of the choice."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import MultiHeadAttention
from xpnet.networks import TransformerLM
from xpnet.networks.choice import Choice, log_softmax
from xpnet.networks.generation import with_pasts
from xpnet.random import Generator

PROMPT = np.asarray([[0, 1], [2, 3]])
KINDS = {
    "learned positions": {"tied": True},
    "rotary": {"positions": "rotary", "kv_heads": 1, "window": 3, "bias": False},
    "alibi": {"positions": "alibi"},
}


def model(context: int = 20, **options) -> TransformerLM:
    return TransformerLM(5, context, 4, 2, 2, hidden=3, init=0.5, rng=Generator(0), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_gives_the_scores_of_the_whole_sequence(kind, asarray, tolerance):
    net = model(**KINDS[kind])
    symbols = np.random.default_rng(0).integers(0, 5, (2, 19))  # more than there is room for at first
    whole, going_on = to_numpy(net.predict(asarray(symbols))), net._continued()
    for length in (1, 3, 4, 5, 16, 17, 18, 19):
        if length in (5, 18):
            going_on.choose(np.asarray([1, 0]))
            symbols, whole = symbols[::-1], whole[::-1]
        if length == 16:
            going_on = net._continued()
        found = going_on.scores(symbols[:, :length])
        np.testing.assert_allclose(found, whole[:, length - 1], rtol=10 * tolerance, atol=10 * tolerance)


def test_generation_in_low_precision_goes_on_as_well():
    net = model()
    net.compute_in("float16")
    found = net.generate(PROMPT, 12, temperature=0)
    scores = np.sort(net.predict(found[:, :-1])[:, 1:], axis=2)
    chosen = np.take_along_axis(net.predict(found[:, :-1])[:, 1:], found[:, 2:, None], axis=2)[..., 0]
    assert (chosen >= scores[..., -1] - 0.01).all()


def test_as_many_beams_as_there_are_texts_find_the_best_text():
    net = model()
    texts = np.asarray(list(product(range(5), repeat=3)))
    whole = np.concatenate([np.tile(PROMPT[:1], (len(texts), 1)), texts], axis=1)
    scores = net.predict(whole[:, :-1])[:, 1:].astype(np.float64)
    logs = log_softmax(scores.reshape(-1, 5)).reshape(scores.shape)
    best = np.argmax(np.sum(np.take_along_axis(logs, texts[:, :, None], axis=2), axis=(1, 2)))
    np.testing.assert_array_equal(net.generate(PROMPT, 3, beams=25)[0], whole[best])
    np.testing.assert_array_equal(net.generate(PROMPT, 3, beams=1), net.generate(PROMPT, 3, temperature=0))


def test_a_beam_that_has_ended_keeps_its_sum_and_is_compared_by_its_length():
    class Fixed:
        """After 0 comes 1 (share 0.6) or 2 (0.4); 1 leads to shares of 0.5, and 2 is where texts stop."""

        def scores(self, symbols):
            table = np.log([[1e-9, 0.6, 0.4, 1e-9], [1e-9, 1e-9, 0.5, 0.5], [0.25] * 4, [1e-9, 1e-9, 1.0, 1e-9]])
            return table[symbols[:, -1]]

        def choose(self, rows):
            pass

    from xpnet.networks.generation import searched

    def found(**options):
        return searched("test", Fixed(), np.asarray([[0]]), 4, Choice(stop=2, beams=4, **options))[0].tolist()

    assert found() == [0, 2]  # 0.4 against 0.3
    assert found(length_penalty=1.0) == [0, 1, 3, 2]  # log 0.3 / 3 against log 0.4 / 1


def test_a_text_ends_with_its_stop_and_the_rest_of_its_row_is_filled():
    net = model()
    free = net.generate(PROMPT, 12, rng=Generator(3))
    stop = int(free[0, 4])
    found = net.generate(PROMPT, 12, rng=Generator(3), stop=stop)
    for row, whole in zip(found, free, strict=True):
        ends = np.flatnonzero(whole[2:] == stop)
        end = 3 + ends[0] if ends.size else len(whole)
        np.testing.assert_array_equal(row[:end], whole[:end])
        assert (row[end:] == stop).all()
    one = net.generate(PROMPT[0], 12, rng=Generator(3), stop=stop)
    assert one.shape[0] <= 5
    assert one[-1] == stop


@pytest.mark.parametrize("options", [{"temperature": 0}, {"beams": 2}], ids=["greedy", "beams"])
def test_prompts_of_a_list_go_on_as_each_would_alone(options):
    net = model()
    prompts = [np.asarray(prompt) for prompt in ([1, 2, 3, 4, 0], [3], [2, 2, 1])]
    found = net.generate(prompts, 4, **options)
    for prompt, row in zip(prompts, found, strict=True):
        np.testing.assert_array_equal(row, net.generate(prompt, 4, **options))


def test_top_p_draws_from_the_fewest_that_reach_it():
    scores = np.log(np.tile([[0.15, 0.5, 0.05, 0.3]], (2000, 1)))
    u = Generator(0).uniform((2000, 1), "u")
    for p, seen in ((0.5, {1}), (0.51, {1, 3}), (0.79, {1, 3}), (0.81, {0, 1, 3}), (1.0, {0, 1, 2, 3})):
        drawn = Choice(top_p=p).drawn(scores, u)[:, 0]
        assert set(drawn.tolist()) == seen
    shares = np.bincount(Choice(top_p=0.79).drawn(scores, u)[:, 0], minlength=4) / 2000
    np.testing.assert_allclose(shares, [0, 0.625, 0, 0.375], atol=0.03)


def test_the_penalty_lowers_the_scores_of_symbols_that_occur():
    scores = np.asarray([[2.0, -1.0, 4.0, -3.0]])
    found = Choice(repetition_penalty=2.0).penalized(scores, np.asarray([[0, 1, 0]]))
    np.testing.assert_array_equal(found, [[1.0, -2.0, 4.0, -3.0]])
    net, choice = model(), Choice(repetition_penalty=1.5)
    greedy = net.generate(PROMPT, 6, temperature=0, repetition_penalty=1.5)
    for length in range(2, 8):
        before = greedy[:, :length]
        scores = choice.penalized(net.predict(before)[:, -1].astype(np.float64), before)
        np.testing.assert_array_equal(np.argmax(scores, axis=1), greedy[:, length])


def test_options_that_mean_nothing_are_refused():
    net = model()
    cases = (
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0; 1 leaves all symbols"),
        ({"repetition_penalty": 0}, "repetition_penalty must be above 0 and finite, got 0; 1 leaves scores"),
        ({"stop": 5}, "stop must be a symbol from 0 to 4, got 5; encode it"),
        ({"beams": 0}, "beams must be a positive integer, got 0"),
        ({"beams": 2, "top_p": 0.5}, "beams must be searched without temperature, top_k and top_p"),
        ({"length_penalty": 1.0}, "length_penalty must go with beams, got no beams; leave it out"),
    )
    for options, text in cases:
        with pytest.raises(ArgumentError, match=f"TransformerLM.generate: {text}"):
            net.generate(PROMPT, 2, **options)
    with pytest.raises(ShapeError, match=r"each prompt of a list must be \(L,\), got \(2, 2\)"):
        net.generate([PROMPT], 2)
    with pytest.raises(DtypeError, match="prompt must be an array, got list"):
        net.generate([[0, 1]], 2)
    with pytest.raises(ArgumentError, match="MultiHeadAttention: attention must be causal where a sequence goes on"):
        with_pasts(MultiHeadAttention.create(4, 2))
    with pytest.raises(ArgumentError, match="positions must be 'learned', 'rotary' or 'alibi', got 'sines'"):
        model(positions="sines")


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_every_kind_agree_with_numerical_differentiation(kind):
    x, t = (np.random.default_rng(seed).integers(0, 5, (2, 4)) for seed in (0, 1))
    xn.gradient_check(model(**KINDS[kind]), x, t, mode="directions", directions=1).raise_if_failed()
