"""Kernels run where their arrays are, whichever device is the current one."""

from __future__ import annotations

import numpy as np
import pytest
from captured_training import Training, same
from cuda_device import is_pretended, run_again

import xpnet as xn
from xpnet import kernels
from xpnet.backend import to_numpy
from xpnet.errors import LibraryError
from xpnet.layers import Relu, SigmoidWithLoss, Softmax, SoftmaxWithLoss
from xpnet.layers.bodies import body_for, libraries_for
from xpnet.layers.stage import Stage


@pytest.fixture
def two(cupy):
    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one device is here: PRETEND_CUDA_DEVICES=2 pretends two")


def test_two_devices_in_a_process_of_its_own(cupy):
    if is_pretended(cupy) and cupy.cuda.runtime.getDeviceCount() == 1:
        run_again(__file__, DEVICES="2")


@pytest.mark.parametrize("name", ["TwoLayerNet", "SimpleConvNet", "TransformerLM"])
def test_trainings_on_the_second_device_are_those_on_the_first(cupy, two, name):
    found = []
    for device in (0, 1):
        with xn.use_backend("cupy", device=device, dtype="float32"):
            training = Training(cupy, name)
            found.append((training.run(training.step, 2), training.lasting()))
            assert {array.device.id for array in training.net.params.values()} == {device}
    assert found[0][0] == found[1][0]
    same(found[1][1], found[0][1])


def test_a_kernel_runs_on_the_device_of_its_array_while_another_is_current(cupy, two):
    with cupy.cuda.Device(1):
        x = cupy.linspace(-2, 2, 12, dtype="float32").reshape(3, 4)
    y = kernels.erf(x)
    assert (y.device.id, cupy.cuda.Device().id) == (1, 0)
    np.testing.assert_allclose(to_numpy(y), kernels.erf.reference(to_numpy(x)), rtol=1e-5)


@pytest.mark.parametrize("layer", [Relu(), Softmax(), SoftmaxWithLoss()], ids=repr)
def test_a_body_runs_on_the_device_of_its_arrays_while_another_is_current(cupy, two, layer):
    with cupy.cuda.Device(1):
        x, t = cupy.linspace(-2, 2, 12, dtype="float32").reshape(3, 4), cupy.asarray([0, 3, 1])
    inputs = (x, t) if layer.takes_a_number else (x,)
    stage = Stage((layer,), body_for((layer,), libraries_for(type(x))))
    y = stage(*inputs)
    dx = stage.backward(1.0 if layer.takes_a_number else y)
    assert (y.device.id, dx.device.id, cupy.cuda.Device().id) == (1, 1, 0)
    own = layer.copy()
    np.testing.assert_allclose(to_numpy(y), own.forward(*map(to_numpy, inputs)), rtol=1e-5)
    np.testing.assert_allclose(to_numpy(dx), own.backward(1.0 if layer.takes_a_number else to_numpy(y)), atol=1e-6)


def test_a_step_is_captured_and_replayed_where_its_arrays_are(cupy, two):
    with cupy.cuda.Device(1):
        x = cupy.ones((3, 4), dtype="float32")
    step = xn.capture(kernels.erf)
    for _ in range(3):
        y = step(x)
    assert (y.device.id, step.graphs[next(iter(step.graphs))].device.id) == (1, 1)
    np.testing.assert_allclose(to_numpy(y), kernels.erf.reference(np.ones((3, 4))), rtol=1e-6)


def test_arrays_of_two_devices_are_refused(cupy, two):
    x = cupy.ones((3, 4), dtype="float32")
    with cupy.cuda.Device(1):
        y = cupy.ones((3, 4), dtype="float32")
    layer = SigmoidWithLoss()
    body = body_for((layer,), libraries_for(type(x)))(layer)
    with pytest.raises(LibraryError, match="arrays must be on one device, got cuda:0 and cuda:1; copy one with"):
        body.forward(x, y)
