"""Recurrent layers: the state they keep, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet import gradient_check
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import GRU, LSTM, RNN
from xpnet.random import Generator

KINDS = pytest.mark.parametrize("kind", [RNN, LSTM, GRU])


@KINDS
def test_a_sequence_in_segments_gives_the_states_of_the_whole(kind, backend, asarray, tolerance):
    x = np.random.default_rng(0).normal(size=(2, 6, 3))
    whole = kind.create(3, 4, rng=Generator(0))
    segments = kind.create(3, 4, stateful=True, rng=Generator(0))
    y = [to_numpy(segments(asarray(part))) for part in np.split(x, [1, 4], axis=1)]
    np.testing.assert_allclose(np.concatenate(y, axis=1), to_numpy(whole(asarray(x))), atol=tolerance)
    segments.reset_state()
    np.testing.assert_array_equal(to_numpy(segments(asarray(x[:, :1]))), y[0])


@KINDS
def test_predict_starts_at_the_kept_state_and_leaves_it(kind, backend, asarray):
    x = asarray(np.random.default_rng(0).normal(size=(2, 3, 3)))
    layer = kind.create(3, 4, stateful=True, rng=Generator(0))
    layer(x)
    kept = dict(layer.states)
    y = to_numpy(layer.predict(x))
    assert all(layer.states[name] is value for name, value in kept.items())
    np.testing.assert_array_equal(to_numpy(layer(x)), y)


@KINDS
def test_a_kept_state_takes_the_dtype_of_what_follows(kind, backend, asarray):
    x = asarray(np.ones((2, 3, 3)))
    layer = kind.create(3, 4, stateful=True, rng=Generator(0))
    layer(x)
    for name, value in layer.states.items():
        layer.states[name] = backend.xp.astype(value, backend.xp.float32)  # as a network in low precision leaves it
    assert layer(x).dtype == backend.dtype
    layer.backward(1.0)
    assert layer.dWh.dtype == backend.dtype


@KINDS
def test_stateless_layers_keep_nothing(kind):
    layer = kind.create(3, 4)
    layer(np.ones((2, 3, 3), dtype=np.float32))
    assert set(layer.states.values()) == {None}


@KINDS
def test_another_number_of_rows_than_the_kept_state_is_refused(kind):
    layer = kind.create(3, 4, stateful=True)
    layer(np.ones((2, 3, 3), dtype=np.float32))
    must = r"x must have 2 rows, as the state kept from the call before, got 5; call reset_state\(\)"
    with pytest.raises(ShapeError, match=f"{kind.__name__}: {must}"):
        layer(np.ones((5, 3, 3), dtype=np.float32))
    layer.reset_state()
    assert layer(np.ones((5, 3, 3), dtype=np.float32)).shape == (5, 3, 4)


@KINDS
def test_the_last_state_alone_passes_the_gradient_check(kind):
    layer = kind.create(2, 3, return_sequences=False, rng=Generator(0))
    x = np.random.default_rng(0).normal(size=(2, 4, 2))
    gradient_check(layer, x).raise_if_failed()
    assert layer.predict(x.astype(np.float32)).shape == (2, 3)


@KINDS
def test_a_sequence_without_steps_is_refused(kind):
    with pytest.raises(ShapeError, match=rf"{kind.__name__}: x must have at least one step, got \(2, 0, 3\)"):
        kind.create(3, 4)(np.ones((2, 0, 3), dtype=np.float32))


def test_weights_of_another_width_are_refused():
    with pytest.raises(ShapeError, match=r"LSTM: Wh must be \(3, 12\), 4 blocks of H columns, got \(3, 9\)"):
        LSTM(np.ones((2, 9)), np.ones((3, 9)), np.ones(9))
    with pytest.raises(ShapeError, match=r"GRU: bh must be \(9,\), got \(8,\)"):
        GRU(np.ones((2, 9)), np.ones((3, 9)), np.ones(9), np.ones(8))
    with pytest.raises(ArgumentError, match="GRU: hidden must be a positive integer, got 0"):
        GRU.create(2, 0)


def test_the_forget_gate_starts_open():
    assert LSTM.create(2, 3).b.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


def test_switches_are_truth_values():
    for name in ("stateful", "return_sequences"):
        with pytest.raises(DtypeError, match=rf"GRU: {name} must be True or False, got 'no'; choose one"):
            GRU.create(2, 3, **{name: "no"})
    assert RNN.create(2, 3, stateful=np.bool_(True)).stateful
