"""A captured step trains as it does without a capture, bit for bit."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cuda_on_cpu import COMPILER, pretend_cupy
from graphs_on_cpu import TAPES, Tape, pretend_graphs

import xpnet as xn
from xpnet import kernels
from xpnet.backend import namespace as spaces
from xpnet.backend.libraries import LIBRARIES
from xpnet.errors import BackendError, DtypeError, StateError
from xpnet.layers import LSTM, Affine, Reshape, SoftmaxWithLoss
from xpnet.networks import MultiLayerNetExtend, ResNet, Sequential, SimpleConvNet, TransformerLM, TwoLayerNet
from xpnet.optimizers import SGD, Adam, AdamW, Momentum, Optimizer, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine
from xpnet.training import Trainer

pytestmark = [pytest.mark.journey, pytest.mark.skipif(COMPILER is None, reason="no C++ compiler is here")]

CONV = {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}
EVERYTHING = {"weight_decay_lambda": 0.1, "use_batchnorm": True, "use_dropout": True}
LM = {"hidden": 3, "dropout_ratio": 0.5, "tied": True}
UNDECAYED = {"*.b": {"weight_decay": 0.0}, "*.gamma": {"lr": 0.01}}
TRAININGS = {
    "TwoLayerNet": (lambda rng: TwoLayerNet(36, 5, 3, weight_init_std=0.5, rng=rng), lambda: SGD(Cosine(0.1, 10))),
    "MultiLayerNetExtend": (lambda rng: MultiLayerNetExtend(36, [5, 4], 3, **EVERYTHING, rng=rng), lambda: Adam(0.1)),
    "SimpleConvNet": (lambda rng: SimpleConvNet((1, 6, 6), CONV, 4, 3, weight_init_std=0.5, rng=rng), Adam),
    "ResNet": (lambda rng: ResNet((1, 6, 6), channels=(2, 3), output_size=3, rng=rng), Momentum),
    "LSTM": (
        lambda rng: Sequential(
            Reshape(12, 3),
            LSTM.create(3, 4, stateful=True, return_sequences=False, rng=rng),
            Affine.create(4, 3, rng=rng),
            loss=SoftmaxWithLoss(),
        ),
        lambda: Momentum(0.5),
    ),
    "TransformerLM": (
        lambda rng: TransformerLM(5, 4, 4, 2, 2, **LM, rng=rng),
        lambda: AdamW(Cosine(0.1, 10), groups=UNDECAYED),
    ),
}
NUMBERS = {  # that are new in every step: those of the optimizer for each set of options, and one for each dropout
    "TwoLayerNet": 2,
    "MultiLayerNetExtend": 6 + 2,
    "SimpleConvNet": 6,
    "ResNet": 3,
    "LSTM": 3,
    "TransformerLM": 3 * 6 + 4,
}
DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal((6, 5, 1, 6, 6)).astype("float32"), DRAW.integers(0, 3, (6, 5))
SYMBOLS = DRAW.integers(0, 5, (6, 5, 4)), DRAW.integers(0, 5, (6, 5, 4))


@pytest.fixture(scope="module")
def cupy():
    """The stand-in for cupy, with graphs."""
    gone = ("cuda", "cupy", "cupy_backends", "nvmath")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in gone}
    made = pretend_graphs(pretend_cupy())
    with xn.use_backend("numpy", dtype="float32"):
        yield made
    del spaces._NAMESPACES[made.ndarray]
    LIBRARIES["cupy"]._namespace = None
    for name in list(sys.modules):
        if name.split(".")[0] in gone or name.startswith("xpnet.kernels.cupy"):
            del sys.modules[name]
    sys.modules.update(before)
    for kernel in vars(kernels).values():
        getattr(kernel, "bodies", {}).pop("cupy", None)


class Training:
    """A network on the stand-in, its optimizer, and a step of training."""

    def __init__(self, cupy, name="TwoLayerNet", optimizer=None):
        make, usual = TRAININGS[name]
        self.net, self.optimizer = make(Generator(0)), (optimizer or usual)()
        self.cupy, self.data = cupy, SYMBOLS if name == "TransformerLM" else IMAGES
        for values in (self.net.params, self.net.states):
            for key, value in list(values.items()):
                if isinstance(value, np.ndarray):
                    values[key] = cupy.array(np.ascontiguousarray(value))

    def step(self, x, t):
        loss, gradients = self.net.loss_and_gradient(x, t)
        self.optimizer.update(self.net.params, clip_by_norm(gradients, 1.0))
        return loss

    def run(self, step, count=6, rows=5, between=lambda done: None):
        losses = []
        for done, (x, t) in enumerate(zip(*self.data, strict=True)):
            if done < count:
                losses.append(step(self.cupy.array(x[:rows]), self.cupy.array(t[:rows])))
                between(done)
        return [float(loss) for loss in losses]

    def lasting(self):
        both = {**self.net.params, **self.net.states, **self.optimizer.state}
        return {key: np.array(value) for key, value in both.items()}


def same(captured, eager):
    assert captured.keys() == eager.keys()
    for key, value in eager.items():
        np.testing.assert_array_equal(captured[key], value, err_msg=key)


def both(cupy, name="TwoLayerNet", optimizer=None, **run):
    """A training without and one with a capture, after the same steps, and the captured step."""
    eager, training = Training(cupy, name, optimizer), Training(cupy, name, optimizer)
    step = xn.capture(training.step)
    expected = eager.run(eager.step, **{key: value(eager) if key == "between" else value for key, value in run.items()})
    found = training.run(step, **{key: value(training) if key == "between" else value for key, value in run.items()})
    assert found == expected
    same(training.lasting(), eager.lasting())
    return training, step


@pytest.mark.parametrize("name", TRAININGS)
def test_losses_parameters_and_state_are_those_without_a_capture(cupy, name):
    training, step = both(cupy, name)
    (graph,) = step.graphs.values()
    assert training.optimizer.steps == 6
    assert TAPES[graph.run - 1].products > 0
    assert graph.size == NUMBERS[name]
    assert repr(step) == "capture(Training.step, 1 recorded)"


def test_a_rate_set_by_hand_holds_in_the_next_replay_without_a_new_record(cupy):
    seen = []

    def between(training):
        def halve(done):
            training.optimizer.lr /= 2

        return halve

    training, step = both(cupy, optimizer=lambda: Momentum(0.1), between=between)
    seen += step.graphs.values()
    assert len(seen) == 1
    assert seen[0].values()[0] == training.optimizer.lr == 0.1 / 2**6


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
    np.testing.assert_array_equal(np.asarray(more), IMAGES[0][0] + 1)


def refused(cupy, training, step, error, text):
    """The second call, which records, fails; everything is as after the first, and trains on."""
    x, t = (cupy.array(part[0]) for part in training.data)
    captured = xn.capture(step)
    captured(x, t)
    before = training.lasting()
    for _ in range(2):
        with pytest.raises(error, match=text):
            captured(x, t)
        assert Tape.now is None
        same(training.lasting(), before)
    training.step(x, t)


def test_a_step_that_reads_a_value_is_refused(cupy):
    training = Training(cupy, "MultiLayerNetExtend")

    def step(x, t):
        loss = training.step(x, t)
        return loss if float(loss) < 100 else loss * 0

    text = "capture: a step must stay on the device, got cudaErrorStreamCaptureUnsupported.*; read values, and what"
    refused(cupy, training, step, StateError, text)


@pytest.mark.parametrize("what", ["an array from a list", "more than eight arrays in one"])
def test_a_step_that_fetches_from_the_host_is_refused(cupy, what):
    training = Training(cupy)

    def step(x, t):
        if what == "an array from a list":
            x = x + cupy.asarray([[[[1.0]]]], dtype="float32")
        else:
            x = np.stack([x] * 9)[0]
        return training.step(x, t)

    text = "capture: a step must find all it needs on the device, got a copy from the host; make arrays before"
    refused(cupy, training, step, StateError, text)


def test_a_product_that_cannot_be_captured_is_refused(cupy):
    training = Training(cupy)

    def step(x, t):
        if Tape.now is not None:
            raise NotImplementedError("calling cuSOLVER API during stream capture is currently unsupported")
        return training.step(x, t)

    text = "capture: a step must do what CuPy can capture, got calling cuSOLVER API during .*; flatten products"
    refused(cupy, training, step, StateError, text)


def test_an_error_of_the_step_itself_is_told_as_it_is(cupy):
    training = Training(cupy)
    calls = []

    def step(x, t):
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("mine")
        return training.step(x, t)

    refused(cupy, training, step, KeyError, "mine")


def test_an_optimizer_without_kernels_is_refused(cupy):
    class Halved(Optimizer):
        def __init__(self):
            super().__init__(lr=0.1)

        def step(self, W, dW, rate):
            return W - rate * 0.5 * dW

    training = Training(cupy, optimizer=Halved)
    text = "capture: the learning rate, which is new in every step, must go to a CUDA kernel, got a computation with it"
    refused(cupy, training, training.step, StateError, text)


def test_a_rate_that_python_computes_is_refused_with_the_loss_scale_of_float16(cupy):
    training = Training(cupy)

    class Gradients(dict):
        finite = cupy.array(np.array(True))

    def step(x, t):
        loss, gradients = training.net.loss_and_gradient(x, t)
        training.optimizer.update(training.net.params, Gradients(gradients))
        return loss

    refused(cupy, training, step, StateError, "SGD: a captured step must have gradients that do not overflow")


def test_what_is_neither_an_array_nor_a_count_must_not_change(cupy):
    training = Training(cupy, "MultiLayerNetExtend")
    name, _ = next(iter(training.net.states.items()))
    layer, attribute = training.net.states.place(name)

    def step(x, t):
        loss, _ = training.net.loss_and_gradient(x, t)
        setattr(layer, attribute, None)
        return loss

    captured = xn.capture(step)
    x, t = (cupy.array(part[0]) for part in training.data)
    captured(x, t)
    setattr(layer, attribute, cupy.zeros(5, dtype="float32"))
    with pytest.raises(StateError, match=f"only arrays and counts, got {attribute} from ndarray to NoneType"):
        captured(x, t)


def test_arguments_and_results_are_arrays(cupy):
    x = cupy.zeros(3)
    with pytest.raises(DtypeError, match="capture: a step must be given arrays alone, got float; let it find"):
        xn.capture(lambda x, k: x * k)(x, 2.0)
    captured = xn.capture(lambda x: {"y": x})
    captured(x)
    with pytest.raises(DtypeError, match="capture: a step must return an array or arrays, got dict; return the loss"):
        captured(x)


def test_products_need_a_binding_that_can_be_captured(cupy, monkeypatch):
    training = Training(cupy)
    monkeypatch.setitem(sys.modules, "nvmath.bindings", None)
    text = "capture: nvmath-python must be installed, for matrix products, got .*; pip install nvmath-python"
    refused(cupy, training, training.step, BackendError, text)


def test_a_trainer_captures_its_steps(cupy):
    records = []
    for capture in (False, True):
        training = Training(cupy, "MultiLayerNetExtend")
        data = tuple(cupy.array(np.concatenate(part)[:28]) for part in IMAGES)
        trainer = Trainer(training.net, training.optimizer, data, batch_size=5, clip_norm=1.0, capture=capture)
        records.append([record.loss for record in trainer.run(3)])
    assert records[0] == records[1]


def test_on_other_libraries_the_step_runs_as_it_is():
    calls = []

    def step(x):
        calls.append(x)
        return x + 1

    captured, x = xn.capture(step), np.zeros(2)
    for _ in range(3):
        np.testing.assert_array_equal(captured(x), x + 1)
    assert [call is x for call in calls] == [True] * 3
    assert captured.__name__ == "step"


@pytest.mark.parametrize("wrong", [3, None, SoftmaxWithLoss])
def test_a_step_is_a_function(wrong):
    with pytest.raises(xn.XpnetError, match="capture: step must be a function of arrays, got"):
        xn.capture(wrong)
