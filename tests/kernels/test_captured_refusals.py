"""Steps that cannot be captured are refused, and leave everything as it was."""

from __future__ import annotations

import sys
from itertools import cycle
from types import SimpleNamespace

import numpy as np
import pytest
from captured_training import Training, refused
from captures_on_cpu import TO_HOST, Tape

import xpnet as xn
from xpnet.errors import BackendError, DtypeError, ShapeError, StateError
from xpnet.kernels import recording
from xpnet.layers import SoftmaxWithLoss
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import Optimizer
from xpnet.random import Generator

pytestmark = pytest.mark.journey


def test_a_step_that_reads_a_value_is_refused(cupy):
    training = Training(cupy, "MultiLayerNetExtend")

    def step(x, t):
        loss = training.step(x, t)
        return loss if float(loss) < 100 else loss * 0

    text = "capture: a step must stay on the device, got cudaErrorStreamCaptureUnsupported.*; read values, and what"
    refused(cupy, training, step, StateError, text)


@pytest.mark.parametrize("what", ["an array from a list", "more than eight arrays in one", "a copy to the host"])
def test_a_step_that_fetches_from_the_host_is_refused(cupy, what):
    training = Training(cupy)

    def step(x, t):
        if what == "an array from a list":
            x = x + cupy.asarray([[[[1.0]]]], dtype="float32")
        elif what == "a copy to the host":  # which does not wait, as get(blocking=False)
            if Tape.now is not None:
                Tape.now.nodes.append(TO_HOST)
        else:
            x = np.stack([x] * 9)[0]
        return training.step(x, t)

    text = "capture: a step must find all it needs on the device, got a copy from the host, or to it; make"
    refused(cupy, training, step, StateError, text)


def test_a_loss_scale_that_adapts_is_refused():
    net = TwoLayerNet(4, 5, 3, rng=Generator(0)).compute_in("float16")
    with (
        pytest.raises(
            StateError, match='capture: a step must not adapt a loss scale, got loss_scale="dynamic"; give a'
        ),
        recording.Recording().running(),
    ):
        net.gradient(np.ones((2, 4), "float32"), np.asarray([0, 1]))
    assert recording.current is None


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


def test_state_of_another_shape_is_refused(cupy):
    training = Training(cupy, "MultiLayerNetExtend")
    layer, attribute = training.net.states.place(next(iter(training.net.states)))

    def step(x, t):
        loss, _ = training.net.loss_and_gradient(x, t)
        if Tape.now is not None:
            setattr(layer, attribute, cupy.zeros((1, 5), dtype="float32"))
        return loss

    text = rf"capture: {attribute} must stay \(5,\), got \(1, 5\); change it outside of the step"
    refused(cupy, training, step, ShapeError, text)


def test_memory_that_ends_is_told_before_the_pool_gives_away_what_the_graph_uses(cupy, monkeypatch):
    training, sizes = Training(cupy), cycle([100, 200, 200, 50])
    pool = SimpleNamespace(malloc=lambda size: size, total_bytes=lambda: next(sizes))
    monkeypatch.setattr(cupy.cuda, "MemoryPool", lambda: pool)

    def step(x, t):
        if Tape.now is not None:
            for _ in range(2):
                cupy.cuda.allocator(8)
        return training.step(x, t)

    refused(cupy, training, step, StateError, "capture: a step must fit into the memory that is left, got 8 bytes too")


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
    text = "capture: nvmath-python must work, for matrix products, got .*; pip install nvmath-python"
    refused(cupy, training, training.step, BackendError, text)


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


def test_a_method_is_captured_where_it_is_bound():
    class Model:
        @xn.capture
        def step(self, x):
            return x

        def other(self, x):
            return x + 1

    text = r"capture: a method must be captured where it is bound, got one of Model in its class; write self.step = cap"
    with pytest.raises(xn.XpnetError, match=text):
        Model().step(np.zeros(2))
    model = Model()
    model.other = xn.capture(model.other)
    assert model.other(np.zeros(2)).tolist() == [1.0, 1.0]
