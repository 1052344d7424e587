"""A Trainer on several ranks: the history, files and parameters of one process."""

from functools import partial

import numpy as np
import pytest
from ranks_in_threads import on_ranks, run_ranks
from small_trainings import BACKEND, RNG, T, X, alone, check_history, network, trainer

from xpnet.datasets.augment import mixup
from xpnet.distributed import synchronized
from xpnet.layers import GRU, Affine, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, AdamW
from xpnet.random import Generator
from xpnet.training import Trainer

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


def test_ranks_make_the_same_calls(tmp_path):
    """Else they would wait for each other for ever."""
    _, calls = run_ranks(3, BACKEND, lambda group: trainer(accumulate=2).fit(2, folder=tmp_path / "run", patience=1))
    assert calls[0] == calls[1] == calls[2]
