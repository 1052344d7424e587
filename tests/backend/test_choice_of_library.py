"""A library, device and dtype by name or object, and those that are not there."""

from __future__ import annotations

import importlib
import types

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, make_backend
from xpnet.errors import ArgumentError, BackendError

strict = pytest.importorskip("array_api_strict")


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
