"""Batches from generators, functions, lists and loaders train as the rows that they hold, and go on where they were."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.backend import get_backend, to_numpy
from xpnet.datasets import Dataset, Stream
from xpnet.datasets.augment import Augmentation
from xpnet.errors import ArgumentError, DataError, DivergenceError, DtypeError, ShapeError
from xpnet.layers import Affine, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Trainer

X = normal("x", 30, 4)
T = np.argmax(X[:, :3], axis=1)
ROWS = [slice(start, min(start + 7, 30)) for start in range(0, 30, 7)]
BATCHES = [(X[rows], T[rows]) for rows in ROWS]


def batches():
    yield from BATCHES


def numbered(epoch):
    order = np.roll(np.arange(30), epoch)
    for rows in ROWS:
        yield X[order[rows]], T[order[rows]]


class Loader:
    """What a loader of torch is to others: it can be looped over again, and has a length."""

    def __len__(self) -> int:
        return len(BATCHES)

    def __iter__(self):
        return (list(batch) for batch in BATCHES)


def in_one_memory():
    """A loader that writes every batch into the same memory."""
    x, t = np.empty((7, 4)), np.empty(7, dtype=np.int64)
    for rows in ROWS:
        count = rows.stop - rows.start
        x[:count], t[:count] = X[rows], T[rows]
        yield x[:count], t[:count]


SOURCES = {
    "function": batches,
    "list": BATCHES,
    "loader": Loader(),
    "lists": lambda: ((x.tolist(), t.tolist()) for x, t in BATCHES),
    "float64": lambda: ((x.astype(np.float64), t.astype(np.uint8)) for x, t in BATCHES),
    "columns": lambda: ((x, t[:, None]) for x, t in BATCHES),
    "functions": lambda: (partial(lambda rows: (X[rows], T[rows]), rows) for rows in ROWS),
    "one memory": in_one_memory,
    "own arrays": lambda: ((get_backend().asarray(x), get_backend().asarray(t)) for x, t in BATCHES),
    "nothing ahead": Stream(batches, ahead=0),
    "far ahead": Stream(in_one_memory, ahead=9),
}


def trained(train, epochs: int = 2, net=None, **options):
    net = small_net() if net is None else net
    trainer = Trainer(net, SGD(0.5), train, **options)
    return trainer, trainer.fit(epochs)


@pytest.mark.parametrize("source", SOURCES)
def test_a_stream_trains_as_its_rows_do(source: str, asarray, data) -> None:
    net, same = small_net(), small_net()
    _, found = trained(SOURCES[source], net=net, validation=data)
    _, expected = trained(data, net=same, validation=data, batch_size=7, shuffle=False)
    for a, b in zip(found, expected, strict=True):
        assert (a.loss, a.test_loss, a.test_accuracy) == (b.loss, b.test_loss, b.test_accuracy)
    for name, array in values(same).items():
        np.testing.assert_array_equal(values(net)[name], array)
    assert not loaders()


def loaders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("xpnet loader")]


def test_every_pass_has_its_number_and_may_be_of_another_length() -> None:
    seen = []

    def source(epoch):
        seen.append(epoch)
        yield from BATCHES[: 5 - epoch]

    trainer, history = trained(source, 3)
    assert seen == [0, 1, 2]
    assert len(trainer.batches) == 3
    assert len(history) == 3


def test_a_generator_is_read_once() -> None:
    trainer, _ = trained(batches(), 1)
    with pytest.raises(DataError, match="epoch 2 must have batches, got a source that has ended; give a function"):
        trainer.fit(1)
    assert len(trainer.history) == 1


def test_an_epoch_of_so_many_batches_goes_on_where_the_last_ended(data) -> None:
    def endless():
        while True:
            yield from BATCHES

    for source in (endless(), endless, batches):
        trainer, found = trained(Stream(source, batches=3), 5)
        assert len(trainer.batches) == 3
        trained(BATCHES, 3, net=(same := small_net()))
        for name, array in values(same).items():
            np.testing.assert_array_equal(values(trainer.network)[name], array)
        assert len(found) == 5


def test_a_stream_that_ends_early_trains_on_what_it_had() -> None:
    trainer, history = trained(Stream(batches(), batches=4), 2)
    assert trainer.batches.sizes == (2, 2)
    assert len(history) == 2
    with pytest.raises(DataError, match="epoch 3 must have batches, got a source that has ended"):
        trainer.fit(1)


@pytest.mark.parametrize(
    "source", [numbered, Stream(batches, batches=3), Stream(numbered, batches=7)], ids=["passes", "three", "seven"]
)
def test_a_stopped_training_goes_on_to_the_same_bits(source, tmp_path: Path, backend) -> None:
    def again():
        return Stream(source.source, source.batches) if isinstance(source, Stream) else source

    _, whole = trained(again(), 4, net=(net := small_net()))
    first = Trainer(small_net(), SGD(0.5), again())
    first.fit(2, folder=tmp_path / "run")
    second = Trainer(small_net(seed=1), SGD(0.5), again())
    found = second.fit(4, folder=tmp_path / "run", resume=True)
    assert [record.loss for record in found] == [record.loss for record in whole]
    for name, array in values(net).items():
        np.testing.assert_array_equal(values(second.network)[name], array)


def test_a_source_that_is_shorter_than_before_is_refused(tmp_path: Path) -> None:
    Trainer(small_net(), SGD(0.5), Stream(batches(), batches=3)).fit(1, folder=tmp_path / "run")
    other = Trainer(small_net(), SGD(0.5), Stream(iter(BATCHES[:2]), batches=3))
    with pytest.raises(DataError, match="the source must have the 3 batches that were trained on, got 2"):
        other.fit(2, folder=tmp_path / "run", resume=True)


def test_augmentation_is_named_by_the_step_whatever_the_length(backend) -> None:
    def moved(seen: list[float]) -> Augmentation:
        def change(x, t, draw):
            seen.append(float(draw("u", (1,))[0]))
            return x, t

        return change

    found: list[list[float]] = [[], []]
    for seen, ahead in zip(found, (0, 2), strict=True):
        trained(Stream(batches, ahead=ahead), 2, augment=[moved(seen)])
    assert found[0] == found[1]
    assert len(set(found[0])) == 10


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


class Broken(Exception):
    """What a loader of a user's may raise."""


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("functions", [False, True])
def test_what_a_loader_raises_comes_as_it_is_and_no_thread_is_left(ahead: int, functions: bool) -> None:
    def load(rows):
        if rows.start == 14:
            raise Broken("file 14 is torn")
        return X[rows], T[rows]

    def source():
        for rows in ROWS:
            yield partial(load, rows) if functions else load(rows)

    seen: list[int] = []
    trainer = Trainer(small_net(), SGD(0.5), Stream(source, ahead=ahead))
    with pytest.raises(Broken, match="file 14 is torn") as raised:
        trainer.fit(1, on_batch=seen.append)
    assert seen == [1, 2]
    assert raised.traceback[-1].name == "load"
    assert not loaders()


def test_a_training_that_ends_early_leaves_no_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def source():
        try:
            while True:
                yield X[:7], T[:7]
        finally:
            closed.set()

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    trainer = Trainer(small_net(), SGD(0.5), source)
    with pytest.raises(KeyboardInterrupt) as raised:
        trainer.fit(1, on_batch=stop)
    assert not loaders()
    trainer.batches.stream.go_to(1, 0)
    assert closed.is_set()
    del raised


def test_batches_are_made_while_one_is_trained_on() -> None:
    """The second batch is made before the first has been trained on, and four functions are in their calls at once."""
    made, together = threading.Event(), threading.Barrier(4, timeout=30)

    def source():
        yield BATCHES[0]
        made.set()
        for rows in ROWS[:4]:
            yield partial(load, rows)

    def load(rows):
        together.wait()
        return X[rows], T[rows]

    trainer = Trainer(small_net(), SGD(0.5), Stream(source, ahead=4))
    trainer.fit(1, on_batch=lambda done: done > 1 or made.wait(30) or pytest.fail("nothing was made meanwhile"))


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


def test_a_loss_that_is_not_finite_ends_it_and_its_threads(backend) -> None:
    def source():
        while True:
            yield 1e30 * X[:7], 1e30 * X[:7, :3]

    net = Sequential(Affine(backend.asarray(np.ones((4, 3))), backend.asarray(np.zeros(3))), loss=MeanSquaredError())
    with pytest.raises(DivergenceError), pytest.warns(UserWarning, match="networks learn best from values near 1"):
        Trainer(net, SGD(1e8), Stream(source, batches=50)).fit(9)
    assert not loaders()


def test_progress_of_unknown_length(capsys) -> None:
    Trainer(small_net(), SGD(0.5), batches).fit(2, progress=True)
    assert "epoch 2/2" in capsys.readouterr().out


def test_a_training_moves_with_its_stream(needs) -> None:
    needs("torch")
    trainer = Trainer(small_net(), SGD(0.5), Stream(numbered, batches=3))
    same = Trainer(small_net(), SGD(0.5), Stream(numbered, batches=3))
    trainer.fit(1)
    same.fit(3)
    trainer.to("torch")
    found = trainer.fit(2)
    assert [record.loss for record in found] == pytest.approx([record.loss for record in same.history], rel=1e-5)


def test_a_loader_of_torch(needs) -> None:
    needs("torch")
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    rows = TensorDataset(torch.asarray(X), torch.asarray(T))
    _, found = trained(DataLoader(rows, batch_size=7))
    _, expected = trained(BATCHES)
    assert [record.loss for record in found] == [record.loss for record in expected]


def test_scores_under_softmax_may_be_shares() -> None:
    shares = np.eye(3)[T]
    net = Sequential(Affine(np.ones((4, 3), np.float32), np.zeros(3, np.float32)), loss=SoftmaxWithLoss())
    _, history = trained([(X[rows], shares[rows]) for rows in ROWS], net=net)
    assert history[-1].loss < history[0].loss
