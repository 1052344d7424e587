"""A library that xpnet has never heard of trains by its namespace alone."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import device_of, make_backend, to_numpy
from xpnet.errors import BackendError, LibraryError
from xpnet.layers import Affine
from xpnet.networks import Sequential
from xpnet.random import Generator

strict = pytest.importorskip("array_api_strict")


@pytest.fixture
def unknown_library(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A library with arrays of its own, as a stranger would write one: array-api-strict under another name."""
    name, home = "arrays_of_a_stranger", Path(strict.__file__).parent
    spec = importlib.util.spec_from_file_location(name, home / "__init__.py", submodule_search_locations=[str(home)])
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    array_class = sys.modules[f"{name}._array_object"].Array
    monkeypatch.setattr(array_class, "__array_namespace__", lambda self, api_version=None: module)
    yield module
    for loaded in [loaded for loaded in sys.modules if loaded.startswith(f"{name}.")]:
        del sys.modules[loaded]


def test_an_unknown_library_trains_by_its_namespace_alone(unknown_library) -> None:
    x, t = Generator(0).normal((8, 3), "x"), np.asarray([0, 1] * 4)
    losses = {}
    for library in (unknown_library, "numpy"):
        with xn.use_backend(library, dtype="float64") as backend:
            net = Sequential(Affine.create(3, 2, rng=Generator(0)), loss=xn.layers.SoftmaxWithLoss())
            data = backend.asarray(x), backend.asarray(t)
            losses[backend.name] = []
            for _ in range(5):
                loss, gradients = net.loss_and_gradient(*data)
                losses[backend.name].append(float(to_numpy(loss)))
                for name in net.params:
                    net.params[name] -= 0.5 * gradients[name]
            assert type(net.params["Affine1.W"]).__module__.partition(".")[0] == backend.xp.__name__
            xn.gradient_check(net, *data).raise_if_failed()
    np.testing.assert_allclose(losses["arrays_of_a_stranger"], losses["numpy"], rtol=1e-12)
    assert losses["numpy"][-1] < losses["numpy"][0]


def test_an_unknown_library_s_devices_come_from_its_inspection(unknown_library) -> None:
    backend = make_backend(unknown_library, device=1)
    assert backend.device == unknown_library.__array_namespace_info__().devices()[1]
    assert device_of(backend.asarray([1.0])) == backend.device
    count = len(unknown_library.__array_namespace_info__().devices())
    with pytest.raises(BackendError, match=r"backend arrays_of_a_stranger: device must be one of .*CPU_DEVICE"):
        make_backend(unknown_library, device=count)


def test_arrays_of_an_unknown_library_do_not_mix_with_others(unknown_library) -> None:
    layer = Affine(unknown_library.ones((2, 2)), unknown_library.zeros(2))
    with pytest.raises(
        LibraryError, match=r"Affine: W and x must be on one library, got arrays_of_a_stranger and numpy"
    ):
        layer(np.ones((1, 2)))
