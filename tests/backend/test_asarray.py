"""``xn.asarray``: numbers from whatever holds them, in the dtype of the current backend."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import Backend, device_of, dtype_kind, dtype_name, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError

NUMBERS = [
    *(3, True, 2.5, np.float64(2.0), [1, 2], (1.5, 2), [[True], [False]], range(3), [np.float32(1.0), 2]),
    *(np.arange(3), np.ones(2, dtype="uint8"), np.eye(2, dtype="float16"), np.asarray([True, False])),
    *(np.asarray([1, 2.5], dtype=object)),
]


@pytest.mark.parametrize("values", NUMBERS, ids=lambda values: repr(values)[:24])
def test_numbers_take_the_dtype_of_the_backend(values: object, backend: Backend) -> None:
    array = xn.asarray(values)
    assert array.dtype == backend.dtype
    assert device_of(array) == backend.device
    np.testing.assert_array_equal(to_numpy(array), np.asarray(values).astype("float64"))


def test_arrays_of_every_library_are_taken(backend: Backend) -> None:
    for name in xn.available_backends():
        with xn.use_backend(name) as other:
            foreign = [other.asarray([[1, 2]]), other.asarray([[1.0, 2.0]]), other.asarray([[True, False]])]
        for array in map(xn.asarray, foreign):
            assert type(array) is type(backend.asarray([1.0]))
            assert array.dtype == backend.dtype

    class Exchanged:
        """What has nothing but the protocol of exchange."""

        def __dlpack__(self, **keywords: object) -> object:
            return np.arange(3.0).__dlpack__(**keywords)

        def __dlpack_device__(self) -> tuple[int, int]:
            return np.arange(3.0).__dlpack_device__()

    np.testing.assert_array_equal(to_numpy(xn.asarray(Exchanged())), [0.0, 1.0, 2.0])


def test_an_array_that_is_so_already_comes_back_as_it_is(backend: Backend) -> None:
    x = backend.asarray(np.ones((2, 3)))
    assert xn.asarray(x) is x
    v = xn.Variable(x)
    assert xn.asarray(v) is v


@pytest.mark.parametrize("wanted", ["int64", "int32", "uint8", "bool", int, bool, np.int32, np.dtype("int16")])
def test_a_dtype_that_is_named_is_kept_to(wanted: object, backend: Backend) -> None:
    for values in ([0, 1, 1], [0.0, 1.0, 1.0], backend.asarray([0, 1, 1])):
        array = xn.asarray(values, dtype=wanted)
        assert dtype_kind(array) == ("bool" if wanted in (bool, "bool") else "integer")
        np.testing.assert_array_equal(to_numpy(array), [0, 1, 1])


def test_complex_numbers_stay_complex(backend: Backend) -> None:
    assert dtype_kind(xn.asarray([1j])) == dtype_kind(xn.asarray(backend.asarray([1j]))) == "complex"
    with pytest.raises(DtypeError, match=r"x must be real to become int64, got complex128; take x.real"):
        xn.asarray([1j], dtype="int64")


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ("3", DtypeError, "x must hold numbers, got str; give an array, a list"),
        (None, DtypeError, "x must hold numbers, got NoneType"),
        ({"a": 1}, DtypeError, "x must hold numbers, got dict"),
        (iter([1, 2]), DtypeError, r"x must hold numbers, got list_iterator; give list\(x\)"),
        (["a", "b"], DtypeError, r"x must be numbers, got text; number it with np.unique"),
        (np.asarray(["a", 1], dtype=object), DtypeError, r"x must be numbers, got text; number it with np.unique"),
        ([[1], [1, 2]], ShapeError, "x must have rows of one length"),
        (np.ma.masked_array([1, 2], [0, 1]), DtypeError, r"x must have no mask, got a masked array; fill it"),
        (np.asarray(["2026-01-01"], dtype="M8[D]"), DtypeError, "x must be numbers, got dates or times"),
        (np.zeros(2, dtype=[("a", "f4")]), DtypeError, "x must be numbers, got records of named fields"),
        ([object()], DtypeError, "x must be numbers, got object"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_no_numbers_is_refused(values: object, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^asarray: {text}"):
        xn.asarray(values)
    with pytest.raises(kind, match=f"^asarray: {text}"):
        xn.get_backend().asarray(values)


def test_numbers_that_integers_cannot_hold_are_refused() -> None:
    for values in ([1.0, 2.5], [float("nan")], [float("inf")]):
        with pytest.raises(
            ArgumentError, match=r"x must be whole numbers to become int64, got (2.5|nan|inf); round it"
        ):
            xn.asarray(values, dtype="int64")
    with pytest.raises(ArgumentError, match=r"asarray: dtype must be one of bool, .*, got 'float128'"):
        xn.asarray([1.0], dtype="float128")


def test_sparse_matrices_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse").eye_array(3)
    with pytest.raises(DtypeError, match=r"x must be dense, got a sparse dia_array; make it dense with x.toarray\(\)"):
        xn.asarray(sparse)
    np.testing.assert_array_equal(xn.asarray(sparse.toarray()), np.eye(3))


def test_tables_of_pandas(backend: Backend) -> None:
    pd = pytest.importorskip("pandas")
    nan = float("nan")
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, nan], "c": [True, False], "d": pd.array([3, None], dtype="Int64")})
    found = to_numpy(xn.asarray(frame))
    np.testing.assert_array_equal(found, [[1.0, 0.5, 1.0, 3.0], [2.0, nan, 0.0, nan]])
    assert found.dtype == dtype_name(backend.dtype)
    assert dtype_kind(xn.asarray(frame["a"], dtype="int64")) == "integer"
    frame["colour"] = ["red", "blue"]
    with pytest.raises(DtypeError, match=r"every column must be numbers, got 'red' in column colour; leave the column"):
        xn.asarray(frame)
    np.testing.assert_array_equal(np.unique(frame["colour"], return_inverse=True)[1], [1, 0])
    with pytest.raises(DtypeError, match=r"x must be numbers, got text; number it with np.unique"):
        xn.asarray(frame["colour"])


def test_tables_of_polars(backend: Backend) -> None:
    pl = pytest.importorskip("polars")
    nan = float("nan")
    frame = pl.DataFrame({"a": [1, 2], "b": [0.5, None], "c": [True, False]})
    np.testing.assert_array_equal(to_numpy(xn.asarray(frame)), [[1.0, 0.5, 1.0], [2.0, nan, 0.0]])
    assert dtype_kind(xn.asarray(frame["a"], dtype="int64")) == "integer"
    with pytest.raises(DtypeError, match=r"every column must be numbers, got 'red' in column colour; leave the column"):
        xn.asarray(frame.with_columns(pl.Series("colour", ["red", "blue"])))
