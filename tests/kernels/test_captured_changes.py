"""What changes from step to step, and what is assigned between two, is seen by a captured step."""

from __future__ import annotations

import numpy as np
import pytest
from captured_training import IMAGES, Training, both, same

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.layers import RNN, Affine, Layer
from xpnet.optimizers import SGD, Adam, Momentum, Optimizer
from xpnet.random import Generator
from xpnet.schedules import Cosine

pytestmark = pytest.mark.journey


def test_a_rate_set_by_hand_holds_in_the_next_replay_without_a_new_record(cupy):
    seen = []

    def between(training):
        def halve(done):
            training.optimizer.lr /= 2

        return halve

    training, step = both(cupy, optimizer=lambda: Momentum(0.1), between=between)
    seen += step.graphs.values()
    assert len(seen) == 1
    assert seen[0].values()[0][1][0] == training.optimizer.lr == 0.1 / 2**6


@pytest.mark.parametrize("change", ["an option", "a parameter", "the state of the optimizer", "a running mean"])
def test_what_is_assigned_between_two_steps_is_seen(cupy, change):
    def between(training):
        def assign(done):
            if done != 3:
                return
            if change == "an option":
                training.optimizer.beta1 = 0.5
            elif change == "a parameter":
                name, value = next(iter(training.net.params.items()))
                training.net.params[name] = value * 2
            elif change == "the state of the optimizer":
                training.optimizer.state = {**training.optimizer.state, "steps": 1}
            else:
                name, value = next(iter(training.net.states.items()))
                training.net.states[name] = value + 1

        return assign

    both(cupy, "MultiLayerNetExtend", between=between)


def train(cupy, make, name="TwoLayerNet", optimizer=None, between=lambda training, done: None, count=6):
    """Two trainings, without and with a capture of the step that ``make(training)`` gives: they must be the same."""
    found = []
    for captured in (False, True):
        training = Training(cupy, name, optimizer)
        step = make(training)
        step = xn.capture(step) if captured else step
        losses = training.run(step, count, between=lambda done, training=training: between(training, done))
        found.append((losses, training.lasting()))
    assert found[1][0] == found[0][0]
    same(found[1][1], found[0][1])
    return step


def test_two_updates_in_a_step_have_the_rates_of_two_steps(cupy):
    def make(training):
        def step(x, t):
            training.step(x, t)
            return training.step(x, t)

        return step

    train(cupy, make, optimizer=lambda: SGD(Cosine(0.5, 12)))
    train(cupy, make, "MultiLayerNetExtend")


def test_steps_that_were_left_out_do_not_count_for_adam(cupy):
    def make(training):
        training.optimizer.steps, training.optimizer.skipped = 5, 3
        return training.step

    train(cupy, make, optimizer=Adam)


def test_an_optimizer_that_begins_later_is_recorded_after_its_first_step(cupy):
    def between(training, done):
        if done == 0:
            training.optimizer = Momentum(0.1)

    step = train(cupy, lambda training: training.step, optimizer=lambda: Momentum(0.1), between=between)
    assert None not in step.graphs.values()


def test_a_slot_of_an_own_optimizer_goes_on(cupy):
    class Own(Optimizer):
        slots = ("v",)

        def __init__(self):
            super().__init__(lr=Cosine(0.3, 6))

        def step(self, W, dW, v, rate):
            v = v * 0.5 + dW
            return W - rate * v, v

    train(cupy, lambda training: training.step, optimizer=Own)


def test_an_optimizer_of_one_s_own_is_captured_by_its_formula(cupy):
    class Halved(Optimizer):
        def __init__(self):
            super().__init__(lr=Cosine(0.3, 6))

        def step(self, W, dW, rate):
            return W - rate * 0.5 * dW

    train(cupy, lambda training: training.step, optimizer=Halved)


def test_parameters_that_a_step_binds_anew_go_on(cupy):
    def make(training):
        def step(x, t):
            loss, gradients = training.net.loss_and_gradient(x, t)
            for name, gradient in gradients.items():
                training.net.params[name] = training.net.params[name] - 0.1 * gradient
            return loss

        return step

    train(cupy, make)


def test_parameters_of_a_layer_that_a_step_binds_anew_go_on(cupy):
    outputs = []
    for wrap in (lambda step: step, xn.capture):
        layer = Affine(cupy.array(np.eye(3)), cupy.array(np.zeros(3)))

        def step(x, layer=layer):
            y = layer(x)
            layer.params["b"] = layer.b + 1.0
            return y

        step = wrap(step)
        outputs.append([float(step(cupy.array(np.zeros((1, 3))))[0, 0]) for _ in range(5)])
    assert outputs == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 2


def test_state_that_a_step_assigns_by_name_goes_on(cupy):
    def make(training):
        name, _ = next(iter(training.net.states.items()))

        def step(x, t):
            loss = training.step(x, t)
            training.net.states[name] = training.net.states[name] * 0.5
            return loss

        return step

    train(cupy, make, "MultiLayerNetExtend")


class Delay(Layer):
    """What came two calls before, ``y[k] = x[k-2]``."""

    state = ("last", "before")

    def __init__(self, zero):
        super().__init__()
        self.last = self.before = zero

    def forward(self, x):
        y, last = self.before, self.last
        self.last = x
        self.before = last
        return y

    def backward(self, dout):
        return dout


def test_state_that_moves_from_place_to_place_is_read_before_it_is_written(cupy):
    values = []
    for wrap in (lambda step: step, xn.capture):
        layer = Delay(cupy.zeros(3))
        layer.last = cupy.zeros(3)
        step = wrap(lambda x, layer=layer: layer(x))
        values.append([float(step(cupy.array(np.full(3, float(k))))[0]) for k in range(6)])
    assert values == [[0.0, 0.0, 0.0, 1.0, 2.0, 3.0]] * 2


def test_a_frozen_parameter_that_is_assigned_is_seen(cupy):
    (name, _), *_ = Training(cupy).net.params.items()

    def between(training, done):
        if done == 3:
            training.net.params[name] = training.net.params[name] * 2

    train(cupy, lambda training: training.step, optimizer=lambda: SGD(0.1, groups={name: None}), between=between)


def test_weights_that_are_assigned_are_seen_by_a_captured_prediction(cupy):
    net = Training(cupy).net
    predict, x = xn.capture(net.predict), cupy.array(IMAGES[0][0])
    for _ in range(3):
        predict(x)
    for name, value in net.params.items():
        net.params[name] = value * 2
    for _ in range(3):
        np.testing.assert_array_equal(to_numpy(predict(x)), to_numpy(net.predict(x)))
    assert None not in predict.graphs.values()


def test_an_equal_option_has_nothing_recorded_anew(cupy):
    training = Training(cupy, optimizer=lambda: Momentum(0.1))
    step, graphs = xn.capture(training.step), []

    def between(done):
        training.optimizer.momentum = float("0.9")
        graphs.append(next(iter(step.graphs.values())))

    training.run(step, between=between)
    assert len({id(graph) for graph in graphs[1:]}) == 1


def test_a_recurrent_state_that_begins_anew_is_seen(cupy):
    sums = []
    for wrap in (lambda step: step, xn.capture):
        layer = RNN.create(3, 4, stateful=True, rng=Generator(0))
        for name, value in layer.params.items():
            layer.params[name] = cupy.array(value)
        step, x = wrap(lambda x, layer=layer: layer(x)), cupy.array(np.ones((2, 3, 3), "float32"))
        sums.append([])
        for call in range(8):
            if call in (1, 5):
                layer.reset_state()
            sums[-1].append(float(step(x).sum()))
    np.testing.assert_allclose(sums[1], sums[0], rtol=1e-6)
