"""A Trainer on several ranks: the first one writes and calls, and what goes wrong on one is told to all."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from ranks_in_threads import on_ranks
from small_trainings import BACKEND, T, X, network, trainer

from xpnet.distributed import synchronized
from xpnet.errors import ArgumentError, DataError, DivergenceError, StateError
from xpnet.optimizers import SGD


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
