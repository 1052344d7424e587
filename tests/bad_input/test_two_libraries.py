"""Arrays of two libraries or devices do not mix; libraries and devices that are not there."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

import xpnet as xn
from xpnet.backend import array_namespace, device_of, library_of
from xpnet.errors import ArgumentError, BackendError, LibraryError
from xpnet.layers import AddLayer, Affine, Relu
from xpnet.networks import TwoLayerNet


def foreign_to(backend):
    """An array of another library and that library's name."""
    other = "array-api-strict" if backend.name == "numpy" else "numpy"
    if other not in xn.available_backends():
        pytest.skip(f"needs {other}")
    with xn.use_backend(other) as chosen:
        return chosen.asarray, other


def test_arrays_of_two_libraries(affine, net, backend, asarray) -> None:
    make, other = foreign_to(backend)
    x, t = make(np.ones((2, 4), dtype=np.float32)), make([0, 1])
    text = rf"^Affine1?: W and x must be on one library, got {backend.name} and {other}; convert x with xn.asarray"
    for call in (lambda: affine(x), lambda: net.predict(x), lambda: net.gradient(x, t)):
        refused(call, LibraryError, TypeError, text)
    own = asarray(np.ones((2, 4)))
    text = rf"x and t must be on one library, got {backend.name} and {other}; convert t"
    refused(lambda: net.gradient(own, t), LibraryError, TypeError, text)
    refused(lambda: net.accuracy(own, t), LibraryError, TypeError, f"{backend.name} and {other}")
    refused(lambda: Affine(affine.W, make(np.ones(3))), LibraryError, TypeError, "W and b must be on one library")
    refused(lambda: AddLayer()(own, x), LibraryError, TypeError, "x and y must be on one library")
    affine(own)
    dout = make(np.ones((2, 3)))
    refused(lambda: affine.backward(dout), LibraryError, TypeError, "y and dout must be on one library")


@pytest.fixture
def two_devices():
    strict = pytest.importorskip("array_api_strict")
    with xn.use_backend("array-api-strict", device="device1"):
        yield lambda values: strict.asarray(np.asarray(values), device=strict.Device("device2"))


def test_arrays_of_two_devices(two_devices) -> None:
    layer, net = Affine.create(4, 3), TwoLayerNet(4, 5, 3)
    x, t = two_devices(np.ones((2, 4), dtype=np.float32)), two_devices([0, 1])
    text = r"^Affine1?: W and x must be on one device, got device1 and device2; move x with xn.asarray"
    for call in (lambda: layer(x), lambda: net.predict(x), lambda: net.gradient(x, t)):
        refused(call, LibraryError, TypeError, text)
    own = xn.get_backend().asarray(np.ones((2, 4)))
    refused(lambda: net.gradient(own, t), LibraryError, TypeError, "x and t must be on one device, got device1")
    refused(lambda: net.accuracy(own, t), LibraryError, TypeError, "one device")
    refused(lambda: xn.datasets.check_data(own, t, 3), LibraryError, TypeError, "x and t must be on one device")
    layer(own)
    dout = two_devices(np.ones((2, 3), dtype=np.float32))
    refused(lambda: layer.backward(dout), LibraryError, TypeError, "y and dout must be on one device")


def test_nothing_is_moved_between_devices(two_devices) -> None:
    x = two_devices(np.ones((2, 4), dtype=np.float32))
    y = Relu()(x)
    assert str(device_of(y)) == str(device_of(x))
    assert library_of(array_namespace(y)).name == "array-api-strict"


def test_backends_that_cannot_be_had() -> None:
    refused(lambda: xn.set_backend("nunpy"), ArgumentError, ValueError, "^set_backend: backend must be one of numpy")
    refused(lambda: xn.set_backend("numpy", device=1), BackendError, RuntimeError, "^backend numpy: device must be")
    refused(lambda: xn.set_backend("numpy", dtype="int8"), ArgumentError, ValueError, "dtype must be a floating dtype")
    if "cupy" not in xn.available_backends():
        refused(lambda: xn.set_backend("cupy"), BackendError, RuntimeError, "^backend cupy: .*choose the backend numpy")


@pytest.mark.parametrize("device", [99, "99", -1, "gpu:7"])
def test_a_device_that_this_machine_has_not(device: object, where) -> None:
    refused(
        lambda: xn.set_backend(where.library, device=device),
        BackendError,
        RuntimeError,
        rf"^backend {where.library}: device must be .*, got .*(name|index)",
    )
