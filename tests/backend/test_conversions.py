"""Arrays from the host, from other libraries, and back."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import (
    Backend,
    array_namespace,
    device_of,
    dtype_kind,
    dtype_name,
    library_of,
    make_backend,
    to_numpy,
)


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
