"""Steps that cannot be captured are refused, and leave everything as it was."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from captured_training import Training, refused

import xpnet as xn
from xpnet import capturing
from xpnet.errors import BackendError, DtypeError, ShapeError, StateError
from xpnet.layers import SoftmaxWithLoss
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

pytestmark = pytest.mark.journey


READS = {
    "a value": lambda cupy, x: x if float(cupy.sum(x)) < 100 else x * 0,
    "a condition": lambda cupy, x: x if (x == x).all() else x * 0,
    "a shape that hangs on values": lambda cupy, x: x + cupy.nonzero(x)[0].size,
    "an array on the host": lambda cupy, x: x + cupy.asnumpy(x)[0, 0, 0, 0].item(),
    "an array later": lambda cupy, x: x + x.get(blocking=False).ndim,
    "an array from a list": lambda cupy, x: x + cupy.asarray([[[[1.0]]]], dtype="float32"),
    "an array from one of NumPy's": lambda cupy, x: x + cupy.asarray(np.ones(6, "float32")),
    "more than eight arrays in one": lambda cupy, x: cupy.stack([x] * 9)[0],
    "a wait": lambda cupy, x: cupy.cuda.Device().synchronize() or x,
}


@pytest.mark.parametrize("what", READS)
def test_a_step_that_leaves_the_device_is_refused(cupy, what):
    training = Training(cupy)

    def step(x, t):
        return training.step(READS[what](cupy, x), t)

    text = "capture: a step must stay on the device, got .*captur.*; read values, and wait, only outside of it"
    refused(cupy, training, step, StateError, text)


@pytest.mark.parametrize("end", ["from the host", "to the host"])
def test_a_copy_that_only_the_graph_shows_is_refused(cupy, end):
    training, pinned = Training(cupy), cupy.cuda.alloc_pinned_memory(64)

    def step(x, t):
        ends = (x.data.ptr, pinned.ptr) if end == "from the host" else (pinned.ptr, x.data.ptr)
        kind = "memcpyHostToDevice" if end == "from the host" else "memcpyDeviceToHost"
        runtime, stream = cupy.cuda.runtime, cupy.cuda.get_current_stream()
        runtime.memcpyAsync(*ends, 64, getattr(runtime, kind), stream.ptr)
        return training.step(x, t)

    text = "capture: a step must find all it needs on the device, got a copy from the host, or to it; make"
    refused(cupy, training, step, StateError, text)


def test_a_loss_scale_that_adapts_is_refused():
    net = TwoLayerNet(4, 5, 3, rng=Generator(0)).compute_in("float16")
    with (
        pytest.raises(
            StateError, match='capture: a step must not adapt a loss scale, got loss_scale="dynamic"; give a'
        ),
        capturing.Capture().running(),
    ):
        net.gradient(np.ones((2, 4), "float32"), np.asarray([0, 1]))
    assert capturing.current is None


def test_what_cupy_cannot_capture_is_refused(cupy):
    training = Training(cupy)

    def step(x, t):
        return training.step(x + cupy.linalg.inv(cupy.eye(6, dtype="float32")), t)

    text = "capture: CuPy must be able to capture a step, got calling cuSOLVER API during .*; flatten products"
    refused(cupy, training, step, StateError, text)


@pytest.mark.parametrize("error", [KeyError("mine"), RuntimeError("mine")])
def test_an_error_of_the_step_itself_is_told_as_it_is(cupy, error):
    training = Training(cupy)
    calls = []

    def step(x, t):
        calls.append(1)
        if len(calls) > 1:
            raise error
        return training.step(x, t)

    refused(cupy, training, step, type(error), "mine")


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
        if capturing.current is not None:
            setattr(layer, attribute, cupy.zeros((1, 5), dtype="float32"))
        return loss

    text = rf"capture: {attribute} must stay \(5,\), got \(1, 5\); change it outside of the step"
    refused(cupy, training, step, ShapeError, text)


@pytest.mark.parametrize("limit", ["of the device", "of CuPy"])
def test_memory_that_ends_is_told_before_the_pool_gives_away_what_the_graph_uses(cupy, monkeypatch, limit):
    training = Training(cupy)
    if limit == "of CuPy":
        monkeypatch.setattr(cupy.cuda, "MemoryPool", limited(cupy.cuda.MemoryPool, 3 << 20))
    else:
        monkeypatch.setattr(cupy.cuda, "Memory", ending(cupy.cuda, 3 << 20))

    def step(x, t):
        for mebibytes in (1, 3):  # the first is free when the second is asked for, and the graph writes to it
            cupy.empty(mebibytes << 20, dtype="uint8").fill(1)
        return training.step(x, t)

    text = "capture: a step must fit into the memory that is left, got 3145728 bytes too many"
    refused(cupy, training, step, StateError, text)


def limited(pool, most):
    """Memory pools as CUPY_GPU_MEMORY_LIMIT makes them."""

    def make(*args):
        made = pool(*args)
        made.set_limit(size=most)
        return made

    return make


def ending(cuda, most):
    """Memory of a device that has so much for each graph."""
    memory, taken = cuda.Memory, []

    def take(size):
        taken.append(size)
        if sum(taken) > most:
            taken.clear()
            raise cuda.runtime.CUDARuntimeError(2)  # cudaErrorMemoryAllocation
        return memory(size)

    return take


def test_arguments_and_results_are_arrays(cupy):
    x = cupy.zeros(3)
    with pytest.raises(DtypeError, match="capture: a step must be given arrays alone, got float; keep everything"):
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
