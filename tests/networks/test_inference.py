"""``predict``, ``accuracy`` and the loss of inference."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_networks import small

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, IdentityWithLoss, Layer, Relu, SoftmaxWithLoss
from xpnet.layers.base import leaves
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator


def test_predict_takes_any_number_of_rows_a_batch_at_a_time(asarray, tolerance) -> None:
    rows = []

    class Counting(Relu):
        def forward(self, x):
            rows.append(x.shape[0])
            return super().forward(x)

    net = Sequential(Affine.create(4, 5, rng=Generator(0)), Counting(), Affine.create(5, 3, rng=Generator(1)))
    x = asarray(normal("x", 23, 4))
    whole = to_numpy(net(x))
    rows.clear()
    np.testing.assert_allclose(to_numpy(net.predict(x, batch_size=5)), whole, rtol=tolerance, atol=tolerance)
    assert rows == [5, 5, 5, 5, 3]
    rows.clear()
    for batch_size in (23, 24, 1024):
        np.testing.assert_array_equal(to_numpy(net.predict(x, batch_size=batch_size)), whole)
    assert rows == [23] * 3


def test_predict_holds_a_thousand_rows_at_a_time_unless_told_otherwise() -> None:
    rows = []

    class Counting(Relu):
        def forward(self, x):
            rows.append(x.shape[0])
            return super().forward(x)

    net = Sequential(Counting())
    x = np.ones((5000, 2), dtype=np.float32)
    assert net.predict(x).shape == (5000, 2)
    assert max(rows) <= 1024
    rows.clear()
    Sequential(Sequential(Counting()), loss=SoftmaxWithLoss()).accuracy(x, np.zeros(5000, dtype=np.int64))
    assert max(rows) <= 1024


def test_predict_of_no_rows(asarray) -> None:
    assert TwoLayerNet(4, 3, 2).predict(asarray(np.zeros((0, 4)))).shape == (0, 2)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_a_bad_batch_size_is_refused(batch_size: object) -> None:
    with pytest.raises(ArgumentError, match="Sequential: batch_size must be"):
        Sequential(Relu()).predict(np.ones((3, 2)), batch_size=batch_size)


def test_predict_leaves_nothing_behind(data) -> None:
    net = small()
    nodes = [net, net.last_layer, *leaves(net).values()]
    before = [dict(vars(node)) for node in nodes]
    net.predict(data[0])
    net.accuracy(*data)
    net.loss(*data, predict=True)
    for node, attributes in zip(nodes, before, strict=True):
        assert vars(node).keys() == attributes.keys()
        assert all(vars(node)[name] is value for name, value in attributes.items())


def test_predict_between_forward_and_backward_disturbs_nothing(data, asarray) -> None:
    net, other = small(), small()
    net.loss(*data)
    net.predict(asarray(normal("z", 2, 4)))
    net.backward(net.last_layer.backward(1.0))
    other.loss(*data)
    other.backward(other.last_layer.backward(1.0))
    for name, g in net.grads.items():
        np.testing.assert_array_equal(to_numpy(g), to_numpy(other.grads[name]))


class Training(Layer):
    """Twice in training, once in inference."""

    def forward(self, x):
        return 2.0 * x if self.training else 1.0 * x

    def backward(self, dout):
        return 2.0 * dout


def test_predict_infers_and_forward_trains(asarray) -> None:
    net = Sequential(Training(), Sequential(Training()), loss=IdentityWithLoss())
    x, t = asarray([[1.0, 2.0]]), asarray([[0.0, 0.0]])
    assert to_numpy(net(x)).tolist() == [[4.0, 8.0]]
    assert to_numpy(net.predict(x)).tolist() == [[1.0, 2.0]]
    assert float(to_numpy(net.loss(x, t))) == 40.0
    assert float(to_numpy(net.loss(x, t, predict=True))) == 2.5
    assert net.layers["Training1"].training


def test_accuracy_counts_the_rows_whose_highest_score_is_at_the_label(asarray) -> None:
    net = Sequential(Relu(), loss=SoftmaxWithLoss())
    x, t = asarray([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 5.0, 1.0], [9.0, 0.0, 1.0]]), np.asarray([0, 2, 1, 1])
    for labels in (t, t.astype(np.int32), t.astype(np.uint8), np.eye(3)[t]):
        found = net.accuracy(x, asarray(labels))
        assert type(found) is float
        assert found == 0.75


def test_accuracy_leaves_ignored_rows_out(asarray) -> None:
    x = asarray([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 5.0, 1.0], [9.0, 0.0, 1.0]])
    for ignored in (-1, 2, 7):
        net = Sequential(Relu(), loss=SoftmaxWithLoss(ignore_index=ignored))
        assert net.accuracy(x, asarray([0, ignored, 0, ignored])) == 0.5
        assert net.accuracy(x, asarray([0, ignored, 1, ignored])) == 1.0
        assert np.isnan(net.accuracy(x, asarray([ignored] * 4)))
    assert net.accuracy(x, asarray(np.asarray([0, 7, 0, 7], dtype=np.uint8))) == 0.5
    assert (
        Sequential(Relu(), loss=SoftmaxWithLoss(ignore_index=-100)).accuracy(x, asarray(np.uint8([0, 2, 1, 1]))) == 0.75
    )
    images = asarray(np.zeros((1, 2, 3)))
    assert net.accuracy(images, asarray([[0, 7]])) == 1.0


@pytest.mark.parametrize(
    "t", [np.asarray([0, 1]), np.zeros((4, 2)), np.zeros((3, 3)), np.zeros((4, 3), dtype=int), np.asarray(1)]
)
def test_accuracy_refuses_labels_that_do_not_fit(t: np.ndarray, asarray) -> None:
    with pytest.raises(ArgumentError, match=r"^Sequential: (integer|floating) t must be .*, got .*; (give|cast) "):
        Sequential(Relu()).accuracy(asarray(np.ones((4, 3))), asarray(t))


def test_accuracy_refuses_labels_out_of_range() -> None:
    for label in (3, -1):
        with pytest.raises(ArgumentError, match=rf"^Sequential: labels must be from 0 to 2, got {label};"):
            Sequential(Relu()).accuracy(np.ones((2, 3)), np.asarray([0, label]))
        with pytest.raises(ArgumentError, match=rf"^Sequential: labels must be from 0 to 2 or -7, got {label};"):
            Sequential(Relu(), loss=SoftmaxWithLoss(ignore_index=-7)).accuracy(np.ones((2, 3)), np.asarray([-7, label]))


def test_accuracy_of_no_rows_is_refused(asarray) -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        Sequential(Relu()).accuracy(asarray(np.ones((0, 3))), asarray(np.zeros(0, dtype=np.int64)))
