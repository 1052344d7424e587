"""Batches from generators, functions, lists and loaders train as the rows that they hold, and go on where they were."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from small_net import small_net, values
from small_streams import BATCHES, ROWS, T, X, batches, loaders, trained

from xpnet.backend import get_backend
from xpnet.datasets import Stream
from xpnet.datasets.augment import Augmentation
from xpnet.errors import DataError
from xpnet.optimizers import SGD
from xpnet.training import Trainer


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
