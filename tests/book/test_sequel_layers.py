"""The second volume's layers: values and gradients in the lists, against NumPy and differences."""

from __future__ import annotations

import numpy as np
import pytest
from sequel_in_numpy import lstm, sigmoid

from xpnet.backend import to_numpy
from xpnet.book.gradient import numerical_gradient
from xpnet.book.sequel import layers, time_layers
from xpnet.book.sequel.time_layers import GRU, LSTM, RNN, TimeBiLSTM, TimeGRU, TimeLSTM, TimeRNN

N, T, D, H = 2, 3, 2, 3
rng = np.random.default_rng(0)


def arrays(*shapes):
    return [rng.normal(size=shape) for shape in shapes]


def recurrent(gates):
    return arrays((D, gates * H), (H, gates * H), (gates * H,))


def rnn(x, Wx, Wh, b, h=None):
    h, states = np.zeros((len(x), H)) if h is None else h, []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x, Wx, Wh, b, h=None):
    """z and r before the product of ``r h``, and z as the share of the new."""
    h, states = np.zeros((len(x), H)) if h is None else h, []
    for t in range(x.shape[1]):
        (xz, xr, xg), (Wz, Wr, Wg) = np.split(x[:, t] @ Wx + b, 3, axis=1), np.split(Wh, 3, axis=1)
        z, r = sigmoid(xz + h @ Wz), sigmoid(xr + h @ Wr)
        h = (1.0 - z) * h + z * np.tanh(xg + (r * h) @ Wg)
        states.append(h)
    return np.stack(states, axis=1)


def both_ways(x, *params):
    return np.concatenate([lstm(x, *params[:3]), lstm(x[:, ::-1], *params[3:])[:, ::-1]], axis=2)


def agree_with_differences(layer, x, dout):
    """The gradients that backward writes into the lists, and dx."""
    held = list(layer.grads)
    layer.forward(x)
    dx = layer.backward(dout)

    def along(_):
        return np.sum(layer.forward(x) * dout)

    for W, dW, before in zip(layer.params, layer.grads, held, strict=True):
        assert dW is before
        np.testing.assert_allclose(dW, numerical_gradient(along, W), atol=1e-6)
    if dx is not None:
        np.testing.assert_allclose(dx, numerical_gradient(along, x), atol=1e-6)


OVER_TIME = {
    "TimeRNN": (TimeRNN, 1, rnn),
    "TimeLSTM": (TimeLSTM, 4, lstm),
    "TimeGRU": (TimeGRU, 3, gru),
}


@pytest.mark.parametrize(("kind", "gates", "oracle"), OVER_TIME.values(), ids=OVER_TIME)
def test_recurrent_layers_are_the_book_s(kind, gates, oracle):
    params, (x, dout) = recurrent(gates), arrays((N, T, D), (N, T, H))
    layer = kind(*params)
    np.testing.assert_allclose(layer.forward(x), oracle(x, *params), rtol=1e-10)
    agree_with_differences(layer, x, dout)


@pytest.mark.parametrize(("kind", "gates", "oracle"), OVER_TIME.values(), ids=OVER_TIME)
def test_a_stateful_layer_goes_on_and_tells_the_derivative_of_where_it_began(kind, gates, oracle):
    params, (x, h, dout) = recurrent(gates), arrays((N, T, D), (N, H), (N, T, H))
    layer, whole = kind(*params, stateful=True), oracle(x, *params)
    for first, last in ((0, 2), (2, 3)):
        np.testing.assert_allclose(layer.forward(x[:, first:last]), whole[:, first:last], rtol=1e-10)
    layer.reset_state()
    np.testing.assert_allclose(layer.forward(x), whole, rtol=1e-10)

    def along(h):
        layer.set_state(h)
        return np.sum(layer.forward(x) * dout)

    layer.set_state(h)
    np.testing.assert_allclose(layer.forward(x), oracle(x, *params, h=h), rtol=1e-10)
    layer.backward(dout)
    np.testing.assert_allclose(layer.dh, numerical_gradient(along, h), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "over_time", "gates"),
    [(RNN, TimeRNN, 1), (LSTM, TimeLSTM, 4), (GRU, TimeGRU, 3)],
    ids=["RNN", "LSTM", "GRU"],
)
def test_steps_one_after_another_are_the_layer_over_time(kind, over_time, gates):
    params, (x, dh) = recurrent(gates), arrays((N, 2, D), (N, H))
    whole, first, second = over_time(*params), kind(*params), kind(*params)
    zeros = np.zeros((N, H))
    one = first.forward(x[:, 0], *[zeros] * (2 if kind is LSTM else 1))
    one = one if isinstance(one, tuple) else (one,)
    two = second.forward(x[:, 1], *one)
    h = two[0] if isinstance(two, tuple) else two
    np.testing.assert_allclose(h, whole.forward(x)[:, 1], rtol=1e-10)
    dxs = whole.backward(np.stack([np.zeros_like(dh), dh], axis=1))
    dx, *before = second.backward(dh, *[zeros] * (len(one) - 1))
    np.testing.assert_allclose(dx, dxs[:, 1], atol=1e-12)
    dx, *_ = first.backward(*before)
    np.testing.assert_allclose(dx, dxs[:, 0], atol=1e-12)
    for found, other, expected in zip(first.grads, second.grads, whole.grads, strict=True):
        np.testing.assert_allclose(found + other, expected, atol=1e-12)


def test_two_directions():
    params, (x, dout) = [*recurrent(4), *recurrent(4)], arrays((N, T, D), (N, T, 2 * H))
    layer = TimeBiLSTM(*params)
    np.testing.assert_allclose(layer.forward(x), both_ways(x, *params), rtol=1e-10)
    agree_with_differences(layer, x, dout)


def test_weights_are_tied_by_a_transpose_and_float32_stays(backend, asarray, tolerance):
    if backend.name != "numpy":
        pytest.skip("the switch is between NumPy and CuPy")
    W, b, x = asarray(rng.normal(size=(5, 3))), asarray(np.zeros(5)), asarray(rng.normal(size=(2, 2, 3)))
    layer = time_layers.TimeAffine(W.T, b)
    y = layer.forward(x)
    np.testing.assert_allclose(y, x @ W.T, rtol=10 * tolerance, atol=tolerance)
    assert y.dtype == W.dtype
    assert layer.params[0].base is W


LAYERS = {
    "MatMul": (layers.MatMul, [(3, 4)], (2, 3)),
    "Affine": (layers.Affine, [(3, 4), (4,)], (2, 3)),
    "TimeAffine": (time_layers.TimeAffine, [(3, 4), (4,)], (2, 2, 3)),
    "Softmax": (layers.Softmax, [], (2, 3)),
    "Sigmoid": (layers.Sigmoid, [], (2, 3)),
}


@pytest.mark.parametrize(("kind", "shapes", "of_x"), LAYERS.values(), ids=LAYERS)
def test_gradients_are_written_into_the_lists(kind, shapes, of_x):
    layer, (x,) = kind(*arrays(*shapes)), arrays(of_x)
    agree_with_differences(layer, x, rng.normal(size=layer.forward(x).shape))


@pytest.mark.parametrize("kind", [layers.Embedding, time_layers.TimeEmbedding])
def test_rows_of_a_matrix(kind):
    (W, dout), idx = arrays((4, 2), (2, 3, 2)), np.asarray([[0, 3, 0], [1, 0, 3]])
    layer = kind(W)
    np.testing.assert_array_equal(layer.forward(idx), W[idx])
    agree_with_differences(layer, idx, dout)


def test_integers_become_numbers_as_in_numpy():
    W = np.asarray([[1.0, 2.0], [3.0, 4.0]], dtype="f")
    assert layers.MatMul(W).forward(np.asarray([[1, 0]], dtype=np.int32)).tolist() == [[1.0, 2.0]]


def test_losses_take_labels_as_the_book_does():
    scores, labels = rng.normal(size=(2, 3, 4)), np.asarray([[1, -1, 0], [3, 2, 2]])
    y = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    kept = [(n, t) for n in range(2) for t in range(3) if labels[n, t] >= 0]
    expected = -np.mean([np.log(y[n, t, labels[n, t]]) for n, t in kept])
    layer = time_layers.TimeSoftmaxWithLoss()
    assert float(layer.forward(scores, labels)) == pytest.approx(expected)
    dx = layer.backward()
    assert not dx[0, 1].any()
    np.testing.assert_allclose(dx[1, 2], (y[1, 2] - np.eye(4)[2]) / 5, atol=1e-12)
    known = np.maximum(labels, 0)
    assert float(layer.forward(scores, np.eye(4, dtype=int)[known])) == float(layer.forward(scores, known))
    flat = layers.SoftmaxWithLoss()
    assert float(flat.forward(scores[0], known[0])) == float(flat.forward(scores[0], np.eye(4, dtype=int)[known[0]]))
    np.testing.assert_allclose(flat.y, y[0])


@pytest.mark.parametrize("kind", [layers.SigmoidWithLoss, time_layers.TimeSigmoidWithLoss])
def test_binary_labels_may_be_integers(kind):
    x, t = rng.normal(size=(3, 2)), np.asarray([[1, 0], [0, 0], [1, 1]], dtype=np.int32)
    y, layer = sigmoid(x), kind()
    expected = -np.mean(t * np.log(y) + (1 - t) * np.log(1 - y))
    assert float(layer.forward(x, t)) == pytest.approx(expected)
    np.testing.assert_allclose(layer.backward(), (y - t) / 6, rtol=1e-9)


def test_dropout_draws_where_the_book_does():
    x = np.ones((3, 4))
    layer = time_layers.TimeDropout(0.25)
    np.random.seed(1)
    kept = np.random.rand(3, 4) > 0.25
    np.random.seed(1)
    np.testing.assert_allclose(layer.forward(x), kept / 0.75)
    np.testing.assert_allclose(layer.backward(2.0 * x), 2.0 * kept / 0.75)
    layer.train_flg = False
    np.testing.assert_array_equal(layer.forward(x), x)
    old = layers.Dropout(0.25)
    np.random.seed(1)
    np.testing.assert_array_equal(old.forward(x), kept)
    np.testing.assert_allclose(old.forward(x, train_flg=False), 0.75)


def test_on_cupy(cupy):
    """The layers that chapters 4 to 8 are made of, in float32 on the device."""
    from xpnet.book.sequel.time_layers import np as twin

    params, (x, dout) = recurrent(4), arrays((N, T, D), (N, T, H))
    layer = TimeLSTM(*[twin.asarray(W.astype("f")) for W in params])
    hs = layer.forward(twin.asarray(x.astype("f")))
    assert type(hs) is cupy.ndarray
    np.testing.assert_allclose(to_numpy(hs), lstm(x, *params), atol=1e-5)
    layer.backward(twin.asarray(dout.astype("f")))
    on_host = TimeLSTM(*params)
    on_host.forward(x)
    on_host.backward(dout)
    for found, expected in zip(layer.grads, on_host.grads, strict=True):
        np.testing.assert_allclose(to_numpy(found), expected, atol=1e-4)
