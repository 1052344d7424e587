"""Recurrent layers: the state they keep, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet import gradient_check
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import GRU, LSTM, RNN, Linear, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.layers.drawn import drawing_in
from xpnet.networks import Sequential
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
def test_dropout_between_steps_is_one_mask_of_the_sequence_named_by_the_seed(kind, backend, asarray, tolerance):
    """At each step the product sees the state times the mask; the next call draws the next mask."""
    plain = kind.create(2, 3, return_sequences=False, rng=Generator(7))
    options = {"return_sequences": False, "recurrent_dropout": 0.5}
    layer = kind(*plain.params.values(), **options, rng=Generator(7))
    x = asarray(np.ones((2, 1, 2)))
    for call in range(2):
        mask = Generator(7).mask((2, 3), 0.5, f"{kind.__name__}1", call) / 0.5
        assert layer.step == call
        layer(asarray(np.ones((2, 4, 2))))
        np.testing.assert_allclose(to_numpy(layer.dropout_mask), mask, rtol=tolerance)
    np.testing.assert_array_equal(to_numpy(layer.predict(x)), to_numpy(plain(x)))
    assert layer.step == 2
    frozen = layer.copy().freeze()
    np.testing.assert_array_equal(to_numpy(frozen(x)), to_numpy(plain(x)))


def test_without_dropout_between_steps_a_layer_draws_nothing_and_takes_no_name():
    rng = Generator(0)
    net = Sequential(LSTM.create(2, 3, rng=rng), GRU.create(3, 2, recurrent_dropout=0.5, rng=rng))
    assert drawing_in(net).keys() == {"GRU1"}
    assert rng.next_name("GRU") == "GRU4"  # after LSTM1, the weights GRU2 and the masks GRU3
    assert list(net.states) == ["LSTM1.h", "LSTM1.c", "GRU1.h", "GRU1.step"]


def test_a_stack_with_dropout_between_steps_and_layers_passes_the_gradient_check():
    stack = RNN.stacked(2, 1, 2, bidirectional=True, dropout_ratio=0.2, recurrent_dropout=0.4, rng=Generator(0))
    assert {layer.recurrent_dropout for layer in leaves(stack).values() if isinstance(layer, RNN)} == {0.4}
    x = np.random.default_rng(0).normal(size=(2, 2, 2))
    gradient_check(stack, x, np.asarray([2, 1])).raise_if_failed()


def test_a_saved_layer_goes_on_with_its_masks(tmp_path):
    def net():
        gru = GRU.create(2, 3, bias=False, recurrent_dropout=0.5, reset_after=False, rng=Generator(3))
        return Sequential(gru, Linear.create(3, 2), loss=SoftmaxWithLoss())

    first, x, t = net(), np.ones((4, 3, 2), "float32"), np.zeros((4, 3), int)
    first.gradient(x, t)
    xn.save(tmp_path / "net.safetensors", first)
    loaded = xn.load_network(tmp_path / "net.safetensors")
    assert repr(loaded.layers["GRU1"]) == repr(first.layers["GRU1"])
    for own, expected in zip(loaded.gradient(x, t).values(), first.gradient(x, t).values(), strict=True):
        np.testing.assert_array_equal(own, expected)


def test_a_ratio_that_keeps_nothing_is_refused():
    with pytest.raises(ArgumentError, match=r"LSTM: recurrent_dropout must be from 0 to below 1, got 1.0; it is the"):
        LSTM.create(2, 3, recurrent_dropout=1.0)
    with pytest.raises(DtypeError, match=r"GRU: reset_after must be True or False, got 1"):
        GRU.create(2, 3, reset_after=1)


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
    for name in ("stateful", "return_sequences", "return_state", "reverse"):
        with pytest.raises(DtypeError, match=rf"GRU: {name} must be True or False, got 'no'; choose one"):
            GRU.create(2, 3, **{name: "no"})
    assert RNN.create(2, 3, stateful=np.bool_(True)).stateful


@KINDS
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_changes_nothing_whatever_it_holds(kind, reverse, asarray, tolerance):
    """And a state given before the first step comes out of a row without steps."""
    x, h0 = np.random.default_rng(0).normal(size=(3, 3, 2)), np.random.default_rng(1).normal(size=(3, 3))
    x[1, 1:] = x[2] = np.nan
    layer = kind.create(2, 3, reverse=reverse, return_state=True, rng=Generator(0))
    y, h, *_ = layer(asarray(x), asarray(np.asarray([3, 1, 0])), asarray(h0))
    dx, dh0, *_ = layer.backward(1.0, 1.0)
    arrays = map(to_numpy, (y, h, dx, dh0, *layer.grads.values()))
    y, h, dx, dh0, *gradients = arrays
    np.testing.assert_array_equal(y[1, 1:], 0.0)
    np.testing.assert_array_equal(dx[1, 1:], 0.0)
    assert not y[2].any()
    assert not dx[2].any()
    np.testing.assert_allclose((h[2], dh0[2]), (h0[2], np.ones(3)), rtol=tolerance)
    sums = [0.0] * len(gradients)
    for row, steps in ((0, 3), (1, 1)):
        alone, h_alone, *_ = layer(asarray(x[row : row + 1, :steps]), None, asarray(h0[row : row + 1]))
        np.testing.assert_allclose(y[row, :steps], to_numpy(alone)[0], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(h[row], to_numpy(h_alone)[0], rtol=tolerance, atol=tolerance)
        layer.backward(1.0, 1.0)
        sums = [total + to_numpy(d) for total, d in zip(sums, layer.grads.values(), strict=True)]
    for total, d in zip(sums, gradients, strict=True):
        np.testing.assert_allclose(d, total, rtol=10 * tolerance, atol=10 * tolerance)


@KINDS
def test_states_in_and_out_pass_the_gradient_check(kind):
    layer = kind.create(2, 3, return_state=True, rng=Generator(0))
    rng = np.random.default_rng(0)
    states = [rng.normal(size=(2, 3)) for _ in layer.state]
    gradient_check(layer, rng.normal(size=(2, 3, 2)), np.asarray([3, 2]), *states).raise_if_failed()
    assert layer.differentiable == ("x", *[f"{name}0" for name in layer.state])


@KINDS
def test_gradients_go_from_a_decoder_through_its_first_state_into_the_encoder(
    kind, asarray, tolerance, defer_to_variables
):
    """By the hand-written backward of both, and by the graph of their steps."""
    encoder, decoder = (kind.create(2, 3, return_state=state, rng=Generator(0)) for state in (True, False))
    source, target = asarray(np.ones((2, 3, 2))), asarray(np.full((2, 2, 2), 0.5))
    lengths = asarray(np.asarray([3, 2]))

    def loss(run, Wh):
        with encoder.using({"Wh": Wh}):
            _, *states = run(encoder)(source, lengths)
            y = run(decoder)(target, None, *states)
        return (y * y).sum()

    node, recorded = (xn.Variable(encoder.Wh) for _ in range(2))
    loss(lambda layer: layer, node).backward()
    loss(lambda layer: layer.forward, recorded).backward()
    assert to_numpy(node.grad).any()
    np.testing.assert_allclose(to_numpy(node.grad), to_numpy(recorded.grad), rtol=tolerance, atol=tolerance)


def test_a_frozen_layer_passes_the_gradients_of_its_states(asarray, tolerance):
    layer, x = LSTM.create(2, 3, return_state=True, rng=Generator(0)), asarray(np.ones((1, 2, 2)))
    states = [asarray(np.full((1, 3), 0.3))] * 2
    layer(x, None, *states)
    expected = layer.backward(0.0, 0.0, 2.0)
    layer.freeze()
    layer(x, None, *states)
    for found, wanted in zip(layer.backward(0.0, 0.0, 2.0), expected, strict=True):
        np.testing.assert_allclose(to_numpy(found), to_numpy(wanted), rtol=tolerance, atol=tolerance)


def test_states_of_16_bits_keep_their_dtype():
    layer = GRU.create(2, 3, return_state=True, rng=Generator(0)).astype("float16")
    x, h0 = np.ones((1, 2, 2), "float16"), np.ones((1, 3), "float16")
    results = layer(x, None, h0)
    assert {array.dtype for array in (*results, *layer.backward(*results), layer.dWh)} == {np.dtype("float16")}


def test_a_derivative_of_another_shape_than_the_last_state_is_refused():
    layer = RNN.create(2, 3, return_state=True)
    layer(np.ones((1, 2, 2), "float32"))
    with pytest.raises(ShapeError, match=r"RNN: dout must be \(1, 3\), the shape of forward's output, got \(3,\)"):
        layer.backward(1.0, np.ones(3, "float32"))


WRONG = {
    "numbers": (np.ones((2, 3)), DtypeError, "mask must be bool, or lengths of integers, got float64; compare first"),
    "another shape": (
        np.ones((3, 2), bool),
        ShapeError,
        r"mask must be \(2, 3\) of bool, or lengths \(2,\), got \(3, 2\)",
    ),
    "too many": (np.asarray([3]), ShapeError, r"or lengths \(2,\), got \(1,\)"),
    "too long": (np.asarray([3, 4]), ArgumentError, "lengths must be from 0 to 3, the steps of x, got 4; cut them"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mask_that_does_not_fit_is_refused(wrong):
    mask, kind, text = WRONG[wrong]
    with pytest.raises(kind, match=text):
        LSTM.create(2, 3)(np.ones((2, 3, 2), "float32"), mask)


def test_gates_in_the_order_of_the_book_s_sequel_come_in_ours_and_back(asarray, tolerance):
    """As its class LSTM computes a step: f, g, i and o are the blocks of one product."""
    rng = np.random.default_rng(0)
    Wx, Wh, b, x = (rng.normal(size=shape) for shape in ((2, 12), (3, 12), (12,), (2, 3, 2)))
    h = c = np.zeros((2, 3))
    for t in range(3):
        f, g, i, o = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        f, i, o = (1 / (1 + np.exp(-gate)) for gate in (f, i, o))
        c = f * c + np.tanh(g) * i
        h = o * np.tanh(c)
    layer = LSTM(*[LSTM.reorder(asarray(W), "fgio") for W in (Wx, Wh, b)], return_sequences=False)
    np.testing.assert_allclose(to_numpy(layer(asarray(x))), h, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(to_numpy(LSTM.reorder(layer.Wx, "ifgo", "fgio")), to_numpy(asarray(Wx)))


def test_an_order_of_gates_must_have_each_once():
    with pytest.raises(ArgumentError, match=r"LSTM.reorder: before must be an order of i, f, g, o, got 'fgi'; try"):
        LSTM.reorder(np.ones(4), "fgi")
    with pytest.raises(ShapeError, match=r"the last axis must be 4 blocks of H columns, got 6"):
        LSTM.reorder(np.ones(6), "fgio")


def test_several_layers_are_named_by_their_place():
    stack = LSTM.stacked(2, 3, 2, bidirectional=True, dropout_ratio=0.2, return_sequences=False, rng=Generator(0))
    assert list(stack.layers) == ["Concat1", "Dropout1", "Concat2"]
    assert stack.params["Concat2.LSTM2.Wx"].shape == (6, 12)
    assert stack.predict(np.ones((1, 4, 2), "float32")).shape == (1, 6)
    with pytest.raises(ArgumentError, match=r"LSTM.stacked: layers must be a positive integer, got 0"):
        LSTM.stacked(2, 3, 0)


def test_lengths_of_eight_bits_are_those_of_sequences_of_more_steps():
    x, lengths = np.random.default_rng(0).normal(size=(2, 300, 1)).astype("float32"), np.asarray([200, 7])
    layer = RNN.create(1, 1, rng=Generator(0))
    np.testing.assert_array_equal(layer(x, lengths.astype("uint8")), layer(x, lengths))
