"""Conversion to numbers on the host, from a list, a table, or an array of any library."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from numbers import Number
from typing import Any

import numpy as np

from xpnet.backend.namespace import SCALARS, array_namespace, is_array, library_of, refuse_subclass
from xpnet.errors import ArgumentError, DtypeError, ShapeError

WHO = "asarray"


def to_numpy(array: Any) -> np.ndarray[Any, Any]:
    """Return the values of any library's array, a number or a list as a NumPy array on the host.

    Raises: ``DtypeError`` for a masked array, whose mask would be lost.

    >>> to_numpy([1, 2])
    array([1, 2])
    """
    if isinstance(array, np.ma.MaskedArray):
        refuse_subclass("to_numpy", array)
    if isinstance(array, (np.ndarray, np.generic, list, tuple, *SCALARS)):
        return np.asarray(array)
    return library_of(array_namespace(array)).to_numpy(array)


def on_host(values: Any) -> np.ndarray[Any, Any]:
    """Return the numbers of an array, list or table as a NumPy array on the host, with NaN for missing values.

    Raises: ``DtypeError`` for values without numbers, and where they have another meaning: text, dates, masked
    and sparse arrays; ``ShapeError`` for lists of different lengths.
    """
    host = _array_of(values)
    if host.dtype.kind == "O":
        host = _numbers_in(host, getattr(values, "columns", None))
    if host.dtype.kind in "US":
        raise DtypeError(WHO, "x must be numbers", "text", "number it with np.unique(x, return_inverse=True)[1]")
    if host.dtype.kind in "mM":
        raise DtypeError(WHO, "x must be numbers", "dates or times", "make numbers of them, such as days since one")
    if host.dtype.names:
        raise DtypeError(WHO, "x must be numbers", "records of named fields", "choose one field of it")
    return host


def _array_of(values: Any) -> np.ndarray[Any, Any]:
    kind = type(values)
    if isinstance(values, np.ma.MaskedArray):
        raise DtypeError(WHO, "x must have no mask", "a masked array", "fill it with x.filled(0.0)")
    if isinstance(values, np.ndarray | np.generic | Number):
        return np.asarray(values)
    if isinstance(values, list | tuple | range):
        try:
            return np.asarray(values)
        except TypeError:  # arrays that refuse an implicit copy to the host
            return np.asarray([_array_of(value) for value in values])
        except ValueError:
            got = "lists of different lengths inside one another"
            raise ShapeError(WHO, "x must have rows of one length", got, "cut or fill them to one length") from None
    if hasattr(values, "toarray"):
        raise DtypeError(WHO, "x must be dense", f"a sparse {kind.__name__}", "make it dense with x.toarray()")
    if hasattr(values, "iloc") or hasattr(values, "to_numpy"):  # pandas, polars
        return np.asarray(values.to_numpy())
    if is_array(values):
        return library_of(array_namespace(values)).to_numpy(values)
    if hasattr(values, "__dlpack__"):
        return np.from_dlpack(values, device="cpu")
    if hasattr(values, "__array__"):
        return np.asarray(values)
    remedy = "give list(x)" if isinstance(values, Iterator) else "give an array, a list, a number or a table"
    raise DtypeError(WHO, "x must hold numbers", kind.__name__, remedy)


def _numbers_in(host: np.ndarray[Any, Any], columns: Any) -> np.ndarray[Any, Any]:
    """Return objects that are numbers or missing as floating numbers."""
    found = np.empty(host.shape, dtype=np.float64)
    for at, value in np.ndenumerate(host):
        if isinstance(value, Number) and not isinstance(value, complex):
            found[at] = float(value)  # type: ignore[arg-type]
        elif value is None or type(value).__name__ == "NAType":
            found[at] = nan
        elif columns is None:
            text = isinstance(value, str)
            remedy = "number it with np.unique(x, return_inverse=True)[1]" if text else "make a number of it first"
            raise DtypeError(WHO, "x must be numbers", "text" if text else type(value).__name__, remedy)
        else:
            got = f"{value!r} in column {columns[at[-1]]}"
            raise DtypeError(WHO, "every column must be numbers", got, "leave the column out, or number its values")
    return found


def cast(host: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return the same numbers in another dtype.

    Raises: ``ArgumentError``, ``DtypeError`` where integers cannot hold them, or real numbers.
    """
    kind = np.dtype(dtype).kind
    if host.dtype.kind == "c" and kind != "c":
        raise DtypeError(WHO, f"x must be real to become {dtype}", host.dtype, "take x.real, or name a complex dtype")
    if host.dtype.kind == "f" and kind in "iu":
        wrong = host[~np.isfinite(host) | (host != np.trunc(host))]
        if wrong.size:
            must = f"x must be whole numbers to become {dtype}"
            raise ArgumentError(WHO, must, wrong.flat[0], "round it with np.round(x), and leave rows with NaN out")
    return host.astype(dtype, copy=False)
