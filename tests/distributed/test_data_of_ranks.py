"""Streams and rows on disk are shared out among the ranks, and each reads its own alone."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from ranks_in_threads import on_ranks
from small_trainings import BACKEND, RNG, S, T, X, Y, alone, check_history, network, trainer

from xpnet.datasets import Stream, load_array
from xpnet.errors import StateError
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer


def in_parts(x=X, t=T, sizes=(9, 4, 11, 2, 15)):
    """A source that writes each batch into the same memory."""
    memory, start = (np.empty((15, 6)), np.empty(15, np.int64)), 0
    for size in sizes:
        for part, whole in zip(memory, (x, t), strict=True):
            part[:size] = whole[start : start + size]
        yield tuple(part[:size] for part in memory)
        start += size


STREAMS = {
    "one memory": (lambda: Stream(in_parts, ahead=0), {}),
    "accumulated": (lambda: Stream(in_parts), {"accumulate": 2}),
    "going on": (lambda: Stream(in_parts, batches=3), {"accumulate": 2}),
    "changed": (lambda: in_parts, {"augment": [lambda x, t, draw: (x + draw("noise", (6,)), t)]}),
    "weighted": (lambda: [(X[at], T[at], np.linspace(0, 1, 9)) for at in (slice(0, 9), slice(9, 18))], {}),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_shared_out_batch_by_batch(kind):
    """With a batch in which not all ranks have a row."""
    make, options = STREAMS[kind]

    def run(group=None):
        own = Trainer(network(), SGD(0.2), make(), (Y, S), rng=Generator(1), distributed=group is not None, **options)
        own.fit(3)
        return own

    expected = alone(run)
    for found in on_ranks(3, BACKEND, run):
        check_history(found, expected)
        assert found.batches.sizes == expected.batches.sizes


@pytest.mark.parametrize(("sizes", "got"), [((9, 5, 10), "5 on rank 1 and 4"), ((9,), "0 on rank 1 and 4")])
def test_ranks_must_have_the_same_stream(sizes, got):
    def run(group):
        own = in_parts if group.rank == 0 else partial(in_parts, sizes=sizes)
        Trainer(network(), SGD(0.2), own, distributed=True).fit(1)

    with pytest.raises(StateError, match=f"the same number of rows in batch 2, got {got} on rank 0"):
        on_ranks(2, BACKEND, run)


def test_a_stream_goes_on_with_another_number_of_ranks(tmp_path):
    def run(epochs, group=None):
        stream = Stream(in_parts, batches=3)
        own = Trainer(network(), SGD(0.2), stream, (Y, S), rng=Generator(1), distributed=group is not None)
        own.fit(epochs, folder=None if group is None else tmp_path / "run", resume=group is not None)
        return own

    on_ranks(2, BACKEND, partial(run, 2))
    expected = alone(partial(run, 4))
    for found in on_ranks(3, BACKEND, partial(run, 4)):
        check_history(found, expected)


def test_rows_on_disk_are_read_by_their_rank_alone(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", X[:40])
    read = []

    def run(group):
        x = load_array(tmp_path / "x.npy")
        take = type(x).__getitem__
        if group.rank == 0:
            monkeypatch.setattr(type(x), "__getitem__", lambda self, key: read.append(key) or take(self, key))
        own = trainer(train=(x, T[:40]), shuffle=False, evaluate_rows=4)
        group.communicator.barrier()
        if group.rank == 0:
            read.clear()
        group.communicator.barrier()
        return [batch[0].shape[0] for batch in own.batches_of_epoch(1)]

    assert on_ranks(2, BACKEND, run) == [[5] * 4] * 2
    assert sorted((key.start, key.stop) for key in read) == [(i, i + 5) for i in range(0, 40, 5)]


def test_an_epoch_over_a_file_takes_the_memory_of_some_batches(tmp_path):
    x = RNG.normal(size=(20_000, 50))
    np.save(tmp_path / "x.npy", x)
    t = (x[:, 0] > 0).astype(np.int64)
    size = x.nbytes
    del x

    def run(group):
        net = Sequential(Affine.create(50, 2, rng=Generator(0)), loss=SoftmaxWithLoss())
        rows = load_array(tmp_path / "x.npy"), t
        own = Trainer(net, SGD(0.1), rows, batch_size=500, evaluate_rows=100, distributed=True)
        return own.fit(1)[-1].train_accuracy

    tracemalloc.start()
    try:
        accuracies = on_ranks(2, BACKEND, run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert accuracies[0] == accuracies[1] > 0.8
    assert peak < size / 3  # two epochs' orders and the batches under way, of both ranks
