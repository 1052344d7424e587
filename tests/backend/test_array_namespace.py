"""Which library some arrays are of, and what an array says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import Backend, array_namespace, backend_of, device_of, dtype_kind, dtype_name, is_array, size_of
from xpnet.errors import DtypeError, LibraryError

strict = pytest.importorskip("array_api_strict")


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
        r"^array_namespace: arrays must be of one library, got numpy and array-api-strict; convert one with xn.asarray"
    )
    with pytest.raises(LibraryError, match=expected) as raised:
        array_namespace(np.ones(2), 1.0, strict.ones(2))
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize("arrays", [(), (1.0, None), ([1.0],), ("x",), (np.ones(2), [1.0]), (object(),)])
def test_without_an_array_it_is_an_error(arrays: tuple[object, ...]) -> None:
    with pytest.raises(DtypeError, match=r"array_namespace: .* must be an array.*convert it with xn.asarray\(x\)"):
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
