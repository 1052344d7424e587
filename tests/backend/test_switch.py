"""The switch: for the process, for a block, for a thread, and by XPNET_BACKEND."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import Backend, array_namespace, device_of, library_of
from xpnet.errors import XpnetError
from xpnet.layers import Affine
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

strict = pytest.importorskip("array_api_strict")


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "XPNET_BACKEND"} | variables
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)


def test_the_default_is_numpy_in_float32() -> None:
    backend = xn.get_backend()
    assert (backend.name, backend.device, backend.dtype, backend.xp) == ("numpy", "cpu", np.float32, np)
    assert str(backend) == f"numpy {np.__version__}, cpu, float32"


def test_its_repr_tells_library_device_and_dtype() -> None:
    with xn.use_backend("array-api-strict", device="device1", dtype="float64") as backend:
        assert repr(backend) == "Backend('array-api-strict', device='device1', dtype='float64')"


def test_set_backend_holds_until_the_next() -> None:
    assert xn.set_backend("array-api-strict", device="device1", dtype="float64") is xn.get_backend()
    assert xn.get_backend().name == "array-api-strict"
    assert xn.get_backend().device == strict.Device("device1")
    assert xn.get_backend().dtype == strict.float64
    xn.set_backend("numpy")
    assert xn.get_backend().name == "numpy"


def test_use_backend_restores_in_nested_blocks_and_after_errors() -> None:
    xn.set_backend("numpy", dtype="float64")
    with xn.use_backend("array-api-strict") as outer:
        assert xn.get_backend() is outer
        with pytest.raises(ZeroDivisionError), xn.use_backend("numpy"):
            raise ZeroDivisionError
        with xn.use_backend("numpy") as inner:
            assert xn.get_backend() is inner
        assert xn.get_backend() is outer
    assert xn.get_backend().dtype == np.float64


def test_use_backend_again_with_a_backend_keeps_what_is_not_named() -> None:
    with xn.use_backend("array-api-strict", device="device1", dtype="float64") as first:
        pass
    with xn.use_backend(first) as same:
        assert same == first
    with xn.use_backend(first, dtype="float32") as other:
        assert (other.device, other.dtype) == (first.device, strict.float32)


def test_set_backend_inside_a_block_ends_with_it() -> None:
    xn.set_backend("numpy")
    with xn.use_backend("numpy", dtype="float64"):
        xn.set_backend("array-api-strict")
        assert xn.get_backend().name == "array-api-strict"
    assert (xn.get_backend().name, xn.get_backend().dtype) == ("numpy", np.float32)


def in_thread(ask) -> object:
    found = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_does_not_see_the_block_of_another() -> None:
    with xn.use_backend("array-api-strict"):
        assert in_thread(lambda: xn.get_backend().name) == "numpy"


def test_set_backend_is_seen_by_every_thread() -> None:
    xn.set_backend("array-api-strict")
    assert in_thread(lambda: xn.get_backend().name) == "array-api-strict"
    in_thread(lambda: xn.set_backend("numpy", dtype="float64"))
    assert xn.get_backend().dtype == np.float64


def test_threads_in_blocks_of_their_own_do_not_disturb_each_other() -> None:
    names = ["numpy", "array-api-strict"] * 4
    barrier, found = threading.Barrier(len(names)), []

    def work(name: str) -> None:
        with xn.use_backend(name):
            barrier.wait(timeout=30)
            weights = Affine.create(3, 2, rng=Generator(0)).W
            barrier.wait(timeout=30)
            found.append((name, library_of(array_namespace(weights)).name, xn.get_backend().name))

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((name, name, name) for name in names)


def test_tasks_do_not_see_each_other_s_blocks() -> None:
    async def work(name: str) -> str:
        with xn.use_backend(name):
            await asyncio.sleep(0)
            return xn.get_backend().name

    async def both() -> list[str]:
        return await asyncio.gather(work("numpy"), work("array-api-strict"))

    assert asyncio.run(both()) == ["numpy", "array-api-strict"]


def test_new_parameters_are_born_on_the_current_backend(backend: Backend) -> None:
    layer = Affine.create(3, 2)
    for array in (layer.W, layer.b):
        assert array_namespace(array).__name__ == backend.xp.__name__
        assert device_of(array) == backend.device
        assert array.dtype == backend.dtype


def test_layers_do_not_look_at_the_switch(backend: Backend) -> None:
    net = TwoLayerNet(3, 4, 2, rng=Generator(0))
    x, t = backend.asarray(np.ones((2, 3))), backend.asarray([0, 1])
    other = "array-api-strict" if backend.name == "numpy" else "numpy"
    with xn.use_backend(other):
        gradients = net.gradient(x, t)
        assert library_of(array_namespace(*gradients.values())).name == backend.name


def test_a_failed_choice_changes_nothing() -> None:
    xn.set_backend("array-api-strict")
    with pytest.raises(XpnetError):
        xn.set_backend("numpy", device=3)
    assert xn.get_backend().name == "array-api-strict"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("numpy", "numpy cpu"),
        ("array-api-strict", "array-api-strict array_api_strict.Device('CPU_DEVICE')"),
        ("array_api_strict:device1", "array-api-strict array_api_strict.Device('device1')"),
        ("NumPy:0", "numpy cpu"),
        ("", "numpy cpu"),
    ],
)
def test_the_variable_chooses_the_first_backend(value: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_BACKEND", value)
    backend = xn.get_backend()
    assert f"{backend.name} {backend.device}" == expected


def test_the_variable_in_a_process_of_its_own() -> None:
    code = "import xpnet as xn; b = xn.get_backend(); print(b.name, b.device); print(xn.set_backend('numpy').name)"
    done = run_python(code, XPNET_BACKEND="array-api-strict:device1")
    assert done.stdout.splitlines() == ["array-api-strict array_api_strict.Device('device1')", "numpy"], done.stderr


def test_an_unknown_name_in_the_variable_is_an_error_on_first_use() -> None:
    code = "import xpnet as xn\ntry:\n xn.get_backend()\nexcept ValueError as e: print(type(e).__name__, e)"
    done = run_python(code, XPNET_BACKEND="nunpy")
    assert done.stdout.startswith("ArgumentError XPNET_BACKEND=nunpy: backend must be one of numpy, cupy, torch"), (
        done.stderr
    )
    assert "got 'nunpy'; run `xpnet backends`" in done.stdout
