"""What a batch of a stream may hold, and what is refused, by its number."""

from __future__ import annotations

import numpy as np
import pytest
from small_net import small_net, values
from small_streams import ROWS, T, X, batches, loaders, trained

from xpnet.backend import to_numpy
from xpnet.datasets import Dataset, Stream
from xpnet.errors import ArgumentError, DataError, DtypeError, ShapeError
from xpnet.layers import Affine, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Trainer


def test_targets_take_the_shape_and_dtype_of_the_loss(asarray) -> None:
    y = (X[:, 0] > 0).astype(float)
    losses = []
    for loss in (MeanSquaredError, SigmoidWithLoss):
        for t in (y, y[:, None], y.astype(np.int64), y > 0):
            net = Sequential(Affine(asarray(np.ones((4, 1))), asarray(np.zeros(1))), loss=loss())
            losses.append(trained([(X[rows], t[rows]) for rows in ROWS], net=net)[1][-1].loss)
        assert losses == [losses[0]] * 4
        losses = []


def test_weights_of_rows(data, asarray) -> None:
    weights = np.arange(30) % 3
    _, found = trained([(X[rows], T[rows], weights[rows]) for rows in ROWS], net=(net := small_net()))
    _, expected = trained(
        (*data, asarray(weights.astype(float))), net=(same := small_net()), batch_size=7, shuffle=False
    )
    assert [record.loss for record in found] == [record.loss for record in expected]
    np.testing.assert_array_equal(values(net)["W1"], values(same)["W1"])


def test_tables_in_parts_are_encoded_as_a_part_of_them_was() -> None:
    labels = np.asarray(["cat", "dog", "hen"])[T]
    tables = [{name: X[rows, i].tolist() for i, name in enumerate("abcd")} for rows in ROWS]
    some = Dataset.of({**tables[0], "label": labels[ROWS[0]].tolist()}, "label", validation=None)
    pairs = [(table, labels[rows].tolist()) for table, rows in zip(tables, ROWS, strict=True)]
    trainer, history = trained(Stream(lambda: iter(pairs), encoding=some.encoding))
    assert history[-1].loss < history[0].loss
    assert set(trainer.predict(tables[1])) <= {"cat", "dog", "hen"}


def test_a_stream_for_validation_is_read_once(data) -> None:
    trainer, found = trained(data, 2, validation=batches())
    assert to_numpy(trainer.validation[0]).shape == (30, 4)
    _, expected = trained(data, 2, validation=data)
    assert [record.test_loss for record in found] == [record.test_loss for record in expected]


BAD = [
    (
        [(X[:7], T[:7]), (X[:7], T[:6])],
        ShapeError,
        "batch 2 of epoch 1: x and t must have the same number",
    ),
    ([(X[:7], T[:7]), (X[:0], T[:0])], ShapeError, "batch 2 of epoch 1: a batch must have rows, got none"),
    (
        [(X[:7], T[:7]), (X[:7] * np.inf, T[:7])],
        ArgumentError,
        "batch 2 of epoch 1: x must be finite, got -?inf in r",
    ),
    ([(X[:7], T[:7]), (X[:7], T[:7] + 1)], ArgumentError, "t must be class indices from 0 to 2, got 3 in row"),
    ([(X[:7], T[:7], T[:7]), (X[:7], T[:7], T[:7] - 5)], ArgumentError, "weights must be finite and not negative"),
    (
        lambda: iter([X[:7]]),
        DtypeError,
        r"batch 1 of epoch 1: a batch must be \(x, t\) or .*, got ndarray",
    ),
    (lambda: iter([{"x": 1}]), DtypeError, "a batch must be .*, got dict; let the source yield x, t"),
    (lambda: zip(X, T, strict=True), ShapeError, "x and t must have the same number of rows"),
    (
        lambda: iter([(X[:2], ["a", "b"])]),
        DtypeError,
        "t must be numbers, got text; number the classes, or",
    ),
    (lambda: iter([([["a"], ["b"]], [0, 1])]), DtypeError, "batch 1 of epoch 1: x must be numbers, got text"),
    (lambda: iter([([[1.0], [1.0, 2.0]], [0, 1])]), ShapeError, "x must have rows of one length"),
    (lambda: None, DtypeError, "the function must return batches to loop over, got NoneType; let it yield them"),
    (lambda: iter([]), DataError, "the source must give batches, got none"),
    (
        lambda a, b: None,
        DtypeError,
        "the function must take nothing, or the number of the",
    ),
    (range(3), DtypeError, "a batch must be .* got int"),
]


@pytest.mark.parametrize(("source", "kind", "text"), BAD, ids=[text for *_, text in BAD])
def test_bad_batches_are_refused_by_their_number(source, kind: type, text: str) -> None:
    with pytest.raises(kind, match=text):
        trained(source, 1)
    assert not loaders()


def test_options_that_a_stream_does_not_have_are_refused() -> None:
    for options, text in (
        ({"validation": 0.2}, "validation must be separate rows with a stream, got a share, 0.2"),
        ({"batch_size": 32}, "batch_size must be left out with a stream, got 32"),
        ({"drop_last": True}, "drop_last must be left out with a stream"),
        ({"class_weight": "balanced"}, "class_weight must be left out with a stream"),
    ):
        with pytest.raises(ArgumentError, match=text):
            Trainer(small_net(), SGD(0.5), batches, **options)
    for make, kind, text in (
        (lambda: Stream((X, T)), DtypeError, "source must give batches in a loop, got tuple"),
        (lambda: Stream(batches, batches=0), ArgumentError, "batches must be a positive integer, got 0"),
        (lambda: Stream(batches, ahead=-1), ArgumentError, "ahead must be a whole number from 0, got -1"),
    ):
        with pytest.raises(kind, match=text):
            make()
    with pytest.raises(DataError, match="the length of a stream must be known, got one of unknown length"):
        len(Trainer(small_net(), SGD(0.5), batches).batches)


def test_scores_under_softmax_may_be_shares() -> None:
    shares = np.eye(3)[T]
    net = Sequential(Affine(np.ones((4, 3), np.float32), np.zeros(3, np.float32)), loss=SoftmaxWithLoss())
    _, history = trained([(X[rows], shares[rows]) for rows in ROWS], net=net)
    assert history[-1].loss < history[0].loss
