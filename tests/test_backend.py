"""The switch, the conversions, and the question which library some arrays are of."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import (
    LIBRARIES,
    Backend,
    array_namespace,
    backend_of,
    device_of,
    dtype_kind,
    dtype_name,
    is_array,
    library_of,
    make_backend,
    missing,
    size_of,
    switch,
    to_numpy,
)
from xpnet.errors import ArgumentError, BackendError, DtypeError, LibraryError, XpnetError
from xpnet.layers import Affine
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator

strict = pytest.importorskip("array_api_strict")


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which nobody has called set_backend yet."""
    monkeypatch.setattr(switch, "_process", None)
    monkeypatch.delenv("XPNET_BACKEND", raising=False)


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "XPNET_BACKEND"} | variables
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)


# The switch


def test_the_default_is_numpy_in_float32() -> None:
    backend = xn.get_backend()
    assert (backend.name, backend.device, backend.dtype, backend.xp) == ("numpy", "cpu", np.float32, np)
    assert str(backend) == f"numpy {np.__version__}, cpu, float32"


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


# XPNET_BACKEND


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
    assert done.stdout.startswith("ArgumentError set_backend: backend must be one of numpy, cupy, torch"), done.stderr
    assert "got 'nunpy'; run `xpnet backends`" in done.stdout


# Names, namespaces and libraries that xpnet has never heard of


@pytest.mark.parametrize("name", ["array-api-strict", "array_api_strict", "Array-API-Strict"])
def test_names_are_forgiving(name: str) -> None:
    assert make_backend(name).name == "array-api-strict"


def test_a_namespace_stands_for_its_library() -> None:
    assert make_backend(np).name == "numpy"
    assert make_backend(strict).name == "array-api-strict"
    assert make_backend(importlib.import_module("array_api_compat.numpy")).name == "numpy"


def test_torch_by_its_module_or_by_the_wrapper_of_it() -> None:
    torch = pytest.importorskip("torch")
    wrapper = importlib.import_module("array_api_compat.torch")
    assert make_backend(torch).name == make_backend(wrapper).name == "torch"
    assert array_namespace(torch.ones(2)) is make_backend(torch).xp


def test_jax_by_its_namespace() -> None:
    jnp = pytest.importorskip("jax.numpy")
    assert make_backend(jnp).name == "jax"


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


@pytest.mark.parametrize("wanted", ["pandas", "", 3, None, types, object()])
def test_what_is_no_backend_is_refused(wanted: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"backend must be one of numpy, .*, or an array API namespace, got .*xpnet"
    ):
        xn.set_backend(wanted)
    with pytest.raises(ValueError, match="backend must be one of"), xn.use_backend(wanted):
        pass


@pytest.mark.parametrize("dtype", ["int32", "float128", "complex64", "float", "", np.int64, "bfloat16"])
def test_a_dtype_that_is_not_floating_or_not_there_is_refused(dtype: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"^backend numpy: dtype must be a floating dtype that it has, got .*float32"
    ):
        make_backend("numpy", dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64")])
def test_a_dtype_by_name_or_object(dtype: object) -> None:
    assert make_backend("numpy", dtype=dtype).dtype == np.float64


@pytest.mark.parametrize("device", [1, -1, "1", "cuda", "cuda:0", 7.5])
def test_a_device_that_is_not_there_is_refused(device: object) -> None:
    with pytest.raises(BackendError, match=r"^backend numpy: device must be .*cpu.*, got "):
        xn.set_backend("numpy", device=device)
    assert xn.get_backend().device == "cpu"


@pytest.mark.parametrize("device", [1, "1", "device1", "object"])
def test_a_device_by_index_name_or_object(device: object) -> None:
    device = strict.Device("device1") if device == "object" else device
    assert make_backend("array-api-strict", device).device == strict.Device("device1")


def test_a_failed_choice_changes_nothing() -> None:
    xn.set_backend("array-api-strict")
    with pytest.raises(XpnetError):
        xn.set_backend("numpy", device=3)
    assert xn.get_backend().name == "array-api-strict"


# What is ready


def test_available_backends_are_those_that_lack_nothing() -> None:
    names = xn.available_backends()
    assert names[0] == "numpy"
    assert "array-api-strict" in names
    assert [name for name in LIBRARIES if not missing(LIBRARIES[name])] == list(names)


def forget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the library out of this process's memory, and out of the memory of what was tried."""
    monkeypatch.setattr(LIBRARIES[name], "_namespace", None)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)


def put_on_path(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    forget(name, monkeypatch)


def test_a_library_that_is_not_installed_names_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget("cupy", monkeypatch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        BackendError, match=r"^backend cupy: cupy must be installed, got none; pip install 'cupy-cuda13x\[ctk\]'"
    ):
        xn.set_backend("cupy")
    assert "cupy" not in xn.available_backends()
    assert xn.get_backend().name == "numpy"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "def is_available(): return False",
            r"a CUDA device and its driver must be present, got no usable device; run on",
        ),
        ("raise ImportError('libcudart.so.13')", r"cupy must import, got libcudart.so.13; pip install"),
        (
            "def is_available(): return True\ndef ones(*a, **k): raise RuntimeError('nvrtc is missing')",
            r"compiling and cuBLAS must work, got nvrtc is missing; pip install",
        ),
    ],
    ids=["no GPU", "no CUDA libraries", "no compiler"],
)
def test_cupy_that_cannot_compute_names_its_remedy(
    code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "cupy", code, monkeypatch)
    with pytest.raises(BackendError, match=f"^backend cupy: {text}") as raised, xn.use_backend("cupy"):
        pass
    assert "choose the backend numpy" in str(raised.value)
    assert isinstance(raised.value, RuntimeError)
    assert "cupy" not in xn.available_backends()
    sys.modules.pop("cupy", None)


@pytest.mark.parametrize("error", ["ImportError('libtorch.so')", "OSError('libtorch.so')"])
def test_a_library_that_does_not_import_is_missing_and_no_crash(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "jax", f"raise {error}", monkeypatch)
    assert "jax" not in xn.available_backends()
    with pytest.raises(BackendError, match=r"^backend jax: .*libtorch.so"):
        make_backend("jax")


def test_a_dtype_that_the_device_cannot_hold_fails_at_the_switch() -> None:
    pytest.importorskip("torch")
    with pytest.raises(BackendError, match=r"^backend torch: device must be .*, got 'meta'") as raised:
        make_backend("torch", device="meta")
    assert "cpu" in str(raised.value)


def test_float64_on_jax_for_a_block_and_for_good() -> None:
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    with xn.use_backend("jax", dtype="float64") as backend:
        assert backend.asarray([1.0]).dtype == np.float64
        assert (backend.asarray([1.0]) * 2.0).dtype == np.float64
    assert jax.config.jax_enable_x64 == before
    try:
        xn.set_backend("jax", dtype="float64")
        assert (jax.numpy.ones(2) * 1.0).dtype == np.float64
    finally:
        jax.config.update("jax_enable_x64", before)


# Conversions


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "uint8", "int32", "bool"])
def test_values_survive_the_way_there_and_back(kind: str, backend: Backend) -> None:
    if kind == "float16" and backend.name == "array-api-strict":
        kind = "float32"
    host = np.asarray([[0, 1, 2], [3, 1, 0]]).astype(kind)
    there = backend.asarray(host)
    assert array_namespace(there).__name__ == backend.xp.__name__
    assert device_of(there) == backend.device
    assert dtype_name(there.dtype) == (dtype_name(backend.dtype) if host.dtype.kind == "f" else kind)
    back = backend.to_numpy(there)
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, host)


@pytest.mark.parametrize("layout", ["transposed", "read-only", "reversed", "strided", "big-endian", "empty", "0-d"])
def test_arrays_of_every_layout_survive(layout: str, backend: Backend, dtype: str) -> None:
    host = np.arange(12.0).reshape(3, 4).astype(dtype)
    host = {
        "transposed": host.T,
        "read-only": np.broadcast_to(host[0], (2, 4)),
        "reversed": host[::-1, ::-1],
        "strided": host[:, ::2],
        "big-endian": host.astype(host.dtype.newbyteorder(">")),
        "empty": host[:0],
        "0-d": host[1, 1, ...],
    }[layout]
    there = backend.asarray(host)
    assert there.shape == host.shape
    assert there.dtype == backend.dtype
    np.testing.assert_array_equal(to_numpy(there), host)


def test_integers_of_another_byte_order_survive(backend: Backend) -> None:
    np.testing.assert_array_equal(to_numpy(backend.asarray(np.asarray([1, 258], dtype=">i4"))), [1, 258])


@pytest.mark.parametrize("values", [[1.0, 2.5], (1, 2), [[1.0], [2.0]], 3.0, 3, True, [True, False], np.float64(2.0)])
def test_lists_and_numbers_become_arrays(values: object, backend: Backend) -> None:
    there = backend.asarray(values)
    np.testing.assert_array_equal(to_numpy(there), np.asarray(values))
    assert dtype_kind(there) == {"f": "real", "i": "integer", "b": "bool"}[np.asarray(values).dtype.kind]


def test_arrays_come_from_every_other_library(backend: Backend) -> None:
    for name in xn.available_backends():
        with xn.use_backend(name) as other:
            foreign = other.asarray([[1.0, 2.0], [3.0, 4.0]])
        there = backend.asarray(foreign)
        assert library_of(array_namespace(there)).name == backend.name
        assert there.dtype == backend.dtype
        np.testing.assert_array_equal(to_numpy(there), [[1.0, 2.0], [3.0, 4.0]])


def test_a_dtype_of_one_s_own(backend: Backend) -> None:
    assert dtype_name(backend.asarray([1, 0, 1], dtype="bool").dtype) == "bool"
    assert dtype_name(backend.asarray([1, 2], dtype=backend.dtype).dtype) == dtype_name(backend.dtype)
    assert dtype_name(backend.asarray([1.0], dtype="int32").dtype) == "int32"


def test_numpy_arrays_are_shared_with_numpy_and_copied_elsewhere(backend: Backend, dtype: str) -> None:
    host = np.ones(3, dtype=dtype)
    there = backend.asarray(host)
    host[0] = 7.0
    assert float(to_numpy(there)[0]) == (7.0 if backend.name == "numpy" else 1.0)


def test_torch_tensors_that_require_grad_are_read() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.ones(3, requires_grad=True)
    np.testing.assert_array_equal(to_numpy(tensor * 2.0), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(make_backend("numpy").asarray(tensor), [1.0, 1.0, 1.0])
    with xn.use_backend("torch") as backend:
        assert not backend.asarray(tensor).requires_grad


def test_synchronize_returns(backend: Backend) -> None:
    backend.synchronize()


# array_namespace


def test_one_library_is_found_beside_numbers_and_none(backend: Backend) -> None:
    x = backend.asarray([1.0])
    assert array_namespace(x, 1.0, None, True, 2, 1j) is array_namespace(None, 0.5, x, x)
    assert array_namespace(x).__name__ == backend.xp.__name__


def test_numpy_s_own_scalars_are_numpy() -> None:
    assert array_namespace(np.float64(1.0)) is np
    assert array_namespace(np.int64(1), np.ones(2), 1.0) is np
    with pytest.raises(LibraryError):
        array_namespace(np.float64(1.0), strict.ones(2))


def test_subclasses_of_numpy_arrays_are_numpy() -> None:
    assert array_namespace(np.ones(2).view(type("Mine", (np.ndarray,), {}))) is np


def test_two_libraries_are_an_error_that_names_both() -> None:
    expected = (
        r"^array_namespace: arrays must be of one library, got numpy and array-api-strict; convert one with backend"
    )
    with pytest.raises(LibraryError, match=expected) as raised:
        array_namespace(np.ones(2), 1.0, strict.ones(2))
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize("arrays", [(), (1.0, None), ([1.0],), ("x",), (np.ones(2), [1.0]), (object(),)])
def test_without_an_array_it_is_an_error(arrays: tuple[object, ...]) -> None:
    with pytest.raises(DtypeError, match=r"array_namespace: .* must be an array.*convert it with backend.asarray\(x\)"):
        array_namespace(*arrays)


def test_is_array(backend: Backend) -> None:
    assert is_array(backend.asarray([1.0]))
    assert not any(map(is_array, ([1.0], "x", None, 1.0, 2, object())))


def test_sizes_devices_and_kinds(backend: Backend) -> None:
    x = backend.asarray(np.ones((2, 3)))
    assert (size_of(x), size_of(x[:0, ...]), device_of(x)) == (6, 0, backend.device)
    assert [dtype_kind(a) for a in (x, backend.asarray([1]), backend.asarray([True]))] == ["real", "integer", "bool"]
    assert backend_of(x) == Backend(backend.library, backend.device, backend.dtype)
    assert dtype_name(backend_of(x, "float32").dtype) == "float32"


@pytest.mark.parametrize("values", [np.asarray(["a"]), np.asarray([None]), np.asarray(["2020-01-01"], dtype="M8[D]")])
def test_arrays_of_no_number_have_no_kind(values: np.ndarray) -> None:
    with pytest.raises(DtypeError, match="dtype must be floating, integer or bool"):
        dtype_kind(values)
