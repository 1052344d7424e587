"""A captured step trains as it does without a capture, bit for bit."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from captured_training import IMAGES, NUMBERS, TRAININGS, Training, both, same

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.optimizers import LAMB, SAM, Adafactor, Lookahead, Muon, NAdam, RAdam
from xpnet.training import Trainer

pytestmark = pytest.mark.journey

WITHOUT_A_KERNEL = {
    "Adafactor": lambda: Adafactor(0.1),
    "Muon": Muon,
    "RAdam": lambda: RAdam(0.1, beta2=0.5),
    "SAM(Lookahead(NAdam))": lambda: SAM(Lookahead(NAdam(0.1), every=2)),
    "Lookahead(LAMB)": lambda: Lookahead(LAMB(0.1), every=3),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_losses_parameters_and_state_are_those_without_a_capture(cupy, name):
    training, step = both(cupy, name)
    (graph,) = step.graphs.values()
    assert training.optimizer.steps == 6
    assert graph.size == NUMBERS[name]
    assert repr(step) == "capture(Training.step, 1 captured)"


@pytest.mark.parametrize("make", WITHOUT_A_KERNEL.values(), ids=WITHOUT_A_KERNEL)
def test_optimizers_without_a_kernel_are_captured_too(cupy, make):
    """Their formulas take the numbers that are new in every step as arrays."""
    training, _ = both(cupy, optimizer=make)
    assert training.optimizer.steps == 6


def test_each_shape_of_a_batch_has_a_graph(cupy):
    eager, training = Training(cupy, "MultiLayerNetExtend"), Training(cupy, "MultiLayerNetExtend")
    step = xn.capture(training.step)
    for rows in (5, 3, 5, 3):
        assert training.run(step, 3, rows) == eager.run(eager.step, 3, rows)
    same(training.lasting(), eager.lasting())
    assert len(step.graphs) == 2
    assert None not in step.graphs.values()


def test_a_training_goes_on_without_the_capture_and_with_it_again(cupy):
    eager, training = Training(cupy, "MultiLayerNetExtend"), Training(cupy, "MultiLayerNetExtend")
    step = xn.capture(training.step)
    for taken in (step, training.step, step):
        assert training.run(taken, 4) == eager.run(eager.step, 4)
    same(training.lasting(), eager.lasting())


def test_equal_shapes_of_other_dtypes_have_graphs_of_their_own(cupy):
    step = xn.capture(lambda x: x + 1)
    for values in ([2**40] * 3, [0.5] * 3):
        for _ in range(3):
            y = step(cupy.array(values))
        np.testing.assert_array_equal(to_numpy(y), np.asarray(values) + 1)
    assert len(step.graphs) == 2


def test_a_batch_that_was_given_stays_as_it_was(cupy):
    training = Training(cupy)
    step = xn.capture(training.step)
    batches = [tuple(map(cupy.array, batch)) for batch in zip(*IMAGES, strict=True)]
    for x, t in batches:
        step(x, t)
    for (x, t), before in zip(batches, zip(*IMAGES, strict=True), strict=True):
        np.testing.assert_array_equal(to_numpy(x), before[0])
        np.testing.assert_array_equal(to_numpy(t), before[1])


def test_a_captured_step_within_another_is_part_of_it(cupy):
    eager, training = Training(cupy), Training(cupy)
    inner = xn.capture(training.step)
    step = xn.capture(lambda x, t: inner(x, t) * 2)
    expected = [loss * 2 for loss in eager.run(eager.step)]
    assert training.run(step) == expected
    assert len(step.graphs) == 1
    assert inner.graphs == {next(iter(step.graphs)): None}


def calls(monkeypatch, runtime, name):
    """The arguments of every call of a function of CUDA from now on."""
    function, seen = getattr(runtime, name), []

    def noted(*args):
        seen.append(args)
        return function(*args)

    monkeypatch.setattr(runtime, name, noted)
    return seen


def test_a_graph_goes_with_its_step(cupy, monkeypatch):
    destroyed = calls(monkeypatch, cupy.cuda.runtime, "graphExecDestroy")
    training = Training(cupy)
    step = xn.capture(training.step)
    training.run(step, 3)
    (graph,) = step.graphs.values()
    executable = graph.executable
    assert destroyed == []
    del step, graph
    gc.collect()
    assert destroyed == [(executable,)]


def test_what_a_replay_returned_stays(cupy):
    training = Training(cupy)
    step = xn.capture(training.step)
    x, t = (cupy.array(part[0]) for part in IMAGES)
    step(x, t)
    losses = [step(x, t) for _ in range(3)]
    first = float(losses[0])
    step(x, t)
    assert float(losses[0]) == first
    assert len({float(loss) for loss in losses}) == 3


def test_several_arrays_come_back_as_they_were_returned(cupy):
    training = Training(cupy)
    step = xn.capture(lambda x, t: (training.step(x, t), x + 1))
    x, t = (cupy.array(part[0]) for part in IMAGES)
    for _ in range(3):
        loss, more = step(x, t)
    assert loss.shape == ()
    np.testing.assert_array_equal(to_numpy(more), IMAGES[0][0] + 1)


def test_a_trainer_captures_its_steps_anew_in_every_epoch(cupy, monkeypatch):
    losses, launched = [], calls(monkeypatch, cupy.cuda.runtime, "graphLaunch")
    for capture in (False, True):
        training = Training(cupy, "MultiLayerNetExtend")
        data = tuple(cupy.array(np.concatenate(part)[:28]) for part in IMAGES)
        trainer = Trainer(training.net, training.optimizer, data, batch_size=5, clip_norm=1.0, capture=capture)
        losses.append([])
        launched.clear()
        for record in trainer.run(3):
            losses[-1].append(record.loss)
            trainer.clip_norm = 0.01
        assert len(launched) == 3 * 4 * capture  # of 6 batches the first runs, and the last, of 3 rows
    assert losses[0] == losses[1]
