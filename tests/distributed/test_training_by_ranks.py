"""A Trainer on several ranks: the history, files and parameters of one process."""

import re
import tracemalloc
import warnings
from functools import partial

import numpy as np
import pytest
from ranks_in_threads import on_ranks, run_ranks

import xpnet as xn
from xpnet.backend import make_backend
from xpnet.datasets import Stream, load_array
from xpnet.datasets.augment import mixup
from xpnet.distributed import synchronized
from xpnet.errors import ArgumentError, DataError, DivergenceError, StateError
from xpnet.layers import GRU, Affine, BatchNormalization, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, AdamW
from xpnet.random import Generator
from xpnet.training import Trainer

BACKEND = make_backend("numpy", dtype="float64")
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(41, 6)), RNG.integers(0, 4, 41)  # batches of 10, and a last one of 1
Y, S = RNG.normal(size=(13, 6)), RNG.integers(0, 4, 13)


def network(norm=False):
    g = Generator(2)
    layers = [Affine.create(6, 8, rng=g), *([BatchNormalization.create(8)] if norm else []), Relu(), Dropout(0.2, g)]
    return Sequential(*layers, Affine.create(8, 4, rng=g), loss=SoftmaxWithLoss())


def trainer(net=None, optimizer=None, train=(X, T), distributed=True, **options):
    net = net or network()
    return Trainer(net, optimizer or SGD(0.2), train, (Y, S), 10, Generator(1), distributed=distributed, **options)


def alone(run):
    with xn.use_backend(BACKEND):
        return run()


def check_history(found, expected):
    assert len(found.history) == len(expected.history)
    for own, one in zip(found.history, expected.history, strict=True):
        for name in ("loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert getattr(own, name) == pytest.approx(getattr(one, name), rel=1e-10)
        assert own.metrics == pytest.approx(one.metrics)
    for name, W in expected.network.params.items():
        np.testing.assert_allclose(found.network.params[name], W, rtol=1e-9, atol=1e-12)


OPTIONS = {
    "plain": {},
    "clipped": {"clip_norm": 0.3},
    "accumulated": {"accumulate": 3},
    "averaged": {"average": 0.8},
    "weighted": {"class_weight": "balanced"},
    "measured": {"metrics": ["f1"], "schedule": lambda epoch: 0.3 / (epoch + 1)},
    "in order": {"shuffle": False, "drop_last": True},
}


def test_each_rank_has_its_rows_of_several_inputs():
    """Padded sequences and their lengths; with an augmentation, which is computed for the whole batch."""
    lengths = RNG.integers(1, 4, 41)
    x = (X.reshape(41, 3, 2), lengths), T

    def run(group=None, **options):
        g = Generator(2)
        layers = GRU.create(2, 3, return_sequences=False, rng=g), Affine.create(3, 4, rng=g)
        net, distributed = Sequential(*layers, loss=SoftmaxWithLoss()), group is not None
        own = Trainer(net, SGD(0.2), x, x, 10, Generator(1), distributed=distributed, **options)
        own.fit(2)
        return own

    for options in ({}, {"augment": [lambda x, t, draw: ((x[0] * 0.5, x[1]), t)]}):
        expected = alone(partial(run, **options))
        for found in on_ranks(3, BACKEND, partial(run, **options)):
            check_history(found, expected)


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_training_by_ranks_is_that_of_one(kind):
    """With a last batch in which all ranks but one have no row."""

    def run(group=None):
        own = trainer(distributed=group is not None, **OPTIONS[kind])
        own.fit(3)
        return own

    expected = alone(run)
    for found in on_ranks(3, BACKEND, run):
        check_history(found, expected)


def test_synchronized_normalization_trains_as_one():
    rows = (X[:40], T[:40])

    def run(group=None):
        net = network(norm=True)
        own = trainer(net if group is None else synchronized(net), train=rows, distributed=group is not None)
        own.fit(2)
        return own

    expected = alone(run)
    for found in on_ranks(2, BACKEND, run):
        check_history(found, expected)


def test_running_statistics_of_the_ranks_are_brought_together():
    def run(group):
        own = trainer(network(norm=True), train=(X[:40], T[:40]))
        own.fit(2)
        return own

    first, second = on_ranks(2, BACKEND, run)
    assert first.history[-1].test_loss == second.history[-1].test_loss
    for name, value in first.network.states.items():
        np.testing.assert_array_equal(value, second.network.states[name])


def test_augmentations_see_the_whole_batch():
    """``mixup`` mixes rows that are of different ranks."""
    images = (X[:40].reshape(40, 1, 2, 3), T[:40])

    def run(group=None):
        net = network()
        own = Trainer(net, SGD(0.2), images, None, 10, Generator(1), augment=[mixup(4)], distributed=group is not None)
        own.fit(2)
        return own

    expected = alone(run)
    for found in on_ranks(2, BACKEND, run):
        for name, W in expected.network.params.items():
            np.testing.assert_allclose(found.network.params[name], W, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", [(2, 3), (3, 1), (1, 2)])
def test_a_training_goes_on_with_another_number_of_ranks(tmp_path, sizes):
    """Also with a sharded optimizer, whose file is that of the whole; stopped early by patience or not."""

    def run(epochs, group):
        net = network()
        own = trainer(net, group.sharded(AdamW(0.02), net), average=0.9)
        own.fit(epochs, folder=tmp_path / "run", resume=True, patience=9)
        return own

    on_ranks(sizes[0], BACKEND, partial(run, 2))
    before = (tmp_path / "run" / "last.safetensors").read_bytes()

    def one():
        own = trainer(optimizer=AdamW(0.02), average=0.9, distributed=False)
        own.fit(4, patience=9)
        return own

    expected = alone(one)
    for found in on_ranks(sizes[1], BACKEND, partial(run, 4)):
        check_history(found, expected)
    assert (tmp_path / "run" / "last.safetensors").read_bytes() != before
    assert not list((tmp_path / "run").glob(".*"))


def test_the_first_rank_alone_writes_calls_and_warns(tmp_path, capsys):
    def run(group):
        called = []
        own = trainer(train=(1000.0 * X, T))
        own.fit(
            1, on_batch=called.append, callbacks=[called.append], folder=tmp_path / f"run{group.rank}", progress=True
        )
        return called

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        first, second = on_ranks(2, BACKEND, run)
    assert len(first) == 5 + 1
    assert second == []
    assert capsys.readouterr().out.count("epoch 1/1") == 1
    assert len(told) == len({str(warning.message) for warning in told})
    assert [path.name for path in tmp_path.iterdir()] == ["run0"]


def test_a_callback_of_the_first_rank_ends_all():
    def run(group):
        own = trainer()
        own.fit(5, callbacks=[lambda record: record.epoch == 2])
        return len(own.history)

    assert on_ranks(2, BACKEND, run) == [2, 2]


def test_an_error_of_the_first_rank_is_that_of_all(tmp_path):
    (tmp_path / "last.safetensors").write_bytes(b"of another training")
    with pytest.raises(DataError, match="must hold no other training"):
        on_ranks(2, BACKEND, lambda group: trainer().fit(1, folder=tmp_path))


def test_a_loss_that_is_not_finite_is_named_with_its_rank():
    """Row 33 of the data is the fourth of batch 4: the second of rank 1."""

    def run(group):
        own = trainer(train=(X[:40].copy(), T[:40]), shuffle=False)
        own.train[0][33] = np.inf
        own.fit(1)

    must = r"in epoch 1, step 4, x holds it in row 1 of the batch of rank 1"
    with pytest.raises(DivergenceError, match=must):
        on_ranks(5, BACKEND, run)


def test_of_gradients_that_are_held_the_bad_one_is_named():
    """Two batches come before the one that is added."""

    def run(group):
        own = trainer(train=(X[:40].copy(), T[:40]), shuffle=False, accumulate=3)
        own.train[0][9] = np.inf
        own.fit(1)

    must = r"in epoch 1, step 3, x holds it in row 4 of the batch of rank 1"
    with pytest.raises(DivergenceError, match=must):
        on_ranks(2, BACKEND, run)


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


def test_scores_are_computed_by_the_ranks_that_have_the_rows():
    seen = []

    class Counted(Sequential):
        def predict(self, x, batch_size=1024):
            seen.append(x.shape[0])
            return super().predict(x, batch_size)

    def run(group):
        g = Generator(2)
        own = trainer(Counted(Affine.create(6, 4, rng=g), loss=SoftmaxWithLoss()))
        seen.clear()
        group.communicator.barrier()
        own.fit(1)

    on_ranks(2, BACKEND, run)
    assert sorted(seen) == [6, 7, 20, 21]


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


def test_ranks_that_do_not_train_alike_are_told():
    def run(what, group):
        options = {"seed": {}, "data": {}, "optimizer": {}}
        options["optimizer"] = {"optimizer": SGD(0.1 * (1 + group.rank))}
        options["data"] = {"train": (X + (group.rank if what == "data" else 0), T)}
        return trainer(**options[what])

    with pytest.raises(StateError, match=re.escape("all ranks must have the same optimizer")):
        on_ranks(2, BACKEND, partial(run, "optimizer"))
    with pytest.raises(StateError, match=re.escape("all ranks must have the same data, part 0")):
        on_ranks(2, BACKEND, partial(run, "data"))


def test_batches_smaller_than_the_ranks_are_refused():
    with pytest.raises(ArgumentError, match="every batch must have a row for each of 11 ranks, got one of 10 rows"):
        on_ranks(11, BACKEND, lambda group: trainer())
    must = "every batch must have a row for each of 2 ranks, got one of 1 rows"
    with pytest.raises(ArgumentError, match=must):  # its row with weight 0 would be among those that are normalized by
        on_ranks(2, BACKEND, lambda group: trainer(synchronized(network(norm=True))))


def test_a_captured_step_is_of_one_process():
    with pytest.raises(ArgumentError, match="leave capture out"):
        on_ranks(2, BACKEND, lambda group: trainer(capture=True))


def test_ranks_make_the_same_calls(tmp_path):
    """Else they would wait for each other for ever."""
    _, calls = run_ranks(3, BACKEND, lambda group: trainer(accumulate=2).fit(2, folder=tmp_path / "run", patience=1))
    assert calls[0] == calls[1] == calls[2]
