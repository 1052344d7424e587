"""The book's pickles of weights, read without running any code in them.

``from xpnet.book import pickle`` replaces ``import pickle``: arrays are on the current backend, and are written as
NumPy's.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy

from xpnet.backend import get_backend, is_array, to_numpy
from xpnet.errors import DataError

__all__ = ["dump", "dumps", "load", "loads"]


class Kind:
    """The dtype of an array in a pickle: a kind of number and an order of bytes, and nothing else."""

    def __init__(self, text: str, *_: Any) -> None:
        self.dtype: numpy.dtype[Any] = numpy.dtype(str(text))
        if self.dtype.kind not in "biufc":
            must, remedy = "arrays in a pickle must hold numbers", "write arrays of numbers"
            raise DataError("load", must, self.dtype, remedy)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Bytes:
    """An array in a pickle, of which NumPy's functions would believe everything: it is made of its bytes here."""

    array: numpy.ndarray[Any, Any]

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, data = state
        self.array = of_bytes(data, kind, shape, "F" if fortran else "C")


def of_bytes(data: Any, kind: Kind, shape: Any, order: Any, *_: Any) -> numpy.ndarray[Any, Any]:
    """Return an array of its own, of the numbers in bytes."""
    return numpy.ndarray(shape, kind.dtype, bytes(memoryview(data)), order=order).copy(order="K")


def number_of(kind: Kind, data: Any) -> Any:
    """Return one of NumPy's numbers."""
    return of_bytes(data, kind, (), "C")[()]


# What stands for the names that NumPy 1 and 2 put into the pickle of an array
MADE: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): Bytes for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): number_of for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): of_bytes for core in ("core", "_core")},
    ("numpy", "dtype"): Kind,
    ("collections", "OrderedDict"): OrderedDict,
}


class Unpickler(pickle.Unpickler):
    """An unpickler of dicts, lists, tuples, numbers, strings and NumPy's arrays of numbers; it calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the function that stands for one of NumPy's, made anew: a pickle may write on it.

        Raises: ``DataError`` for any other function or class.
        """
        if (module, name) == ("numpy", "ndarray"):
            return "ndarray"  # only named, never called
        made = _latin_bytes if (module, name) == ("_codecs", "encode") else MADE.get((module, name))
        if made is None:
            must, got = "a pickle must hold arrays, numbers and containers alone", f"{module}.{name}"
            raise DataError("load", must, got, "do not open it otherwise unless you trust who wrote it")
        return lambda *arguments: made(*arguments)


def load(file: BinaryIO) -> Any:
    """Return the content of a pickle, with arrays on the current backend in their own dtype.

    Raises: ``DataError`` for a file that is damaged, or holds anything but arrays, numbers, strings and containers.

    >>> import os, pickle, xpnet.book.pickle
    >>> with open("bad.pkl", "wb") as file:
    ...     pickle.dump(os.getcwd, file)  # a pickle that names a function
    >>> with open("bad.pkl", "rb") as file:
    ...     try:
    ...         xpnet.book.pickle.load(file)
    ...     except OSError as error:
    ...         print(error.got)
    posix.getcwd
    """
    return load_as(file, lambda array: get_backend().asarray(array, dtype=array.dtype.name))


def load_as(file: BinaryIO, made: Callable[[Any], Any]) -> Any:
    """Return the content of a pickle, with what ``made`` returns for each array of NumPy.

    Raises: as ``load``.
    """
    try:
        found = Unpickler(file).load()
    except DataError:
        raise
    except Exception as error:  # damaged bytes may raise any kind
        remedy = "give the file that save_params wrote"
        raise DataError("load", "the file must be a pickle", f"{type(error).__name__}: {error}", remedy) from error
    return _with_arrays(found, made)


def loads(data: bytes) -> Any:
    """Read a pickle as ``load`` does, from bytes.

    Raises: as ``load``.

    >>> import xpnet.book.pickle as pickle
    >>> pickle.loads(pickle.dumps({"b": np.zeros(2)}))
    {'b': array([0., 0.])}
    """
    return load(io.BytesIO(data))


def dump(obj: Any, file: BinaryIO, protocol: int | None = None) -> None:
    """Write arrays in dicts, lists and tuples as a pickle of NumPy's arrays.

    >>> import xpnet.book.pickle as pickle
    >>> with open("params.pkl", "wb") as file:
    ...     pickle.dump({"W1": np.array([1.0, 2.0])}, file)
    >>> with open("params.pkl", "rb") as file:
    ...     pickle.load(file)
    {'W1': array([1., 2.])}
    """
    pickle.dump(_on_the_host(obj), file, protocol)


def dumps(obj: Any, protocol: int | None = None) -> bytes:
    """Write a pickle as ``dump`` does, into bytes.

    >>> import xpnet.book.pickle as pickle
    >>> pickle.loads(pickle.dumps([np.array([1.0]), "a"]))
    [array([1.]), 'a']
    """
    return pickle.dumps(_on_the_host(obj), protocol)


def _latin_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes of old protocols, which are stored as Latin-1 text; no other codec is allowed."""
    if encoding != "latin1":
        raise ValueError(encoding)
    return text.encode("latin1")


def _with_arrays(value: Any, made: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return type(value)((name, _with_arrays(item, made)) for name, item in value.items())
    if type(value) in (list, tuple):
        return type(value)(_with_arrays(item, made) for item in value)
    if isinstance(value, Bytes):
        value = value.array
    if callable(value) or isinstance(value, Kind):
        raise DataError("load", "a pickle must hold arrays, numbers and containers", "a function", "write arrays")
    return made(value) if isinstance(value, numpy.ndarray) else value


def _on_the_host(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _on_the_host(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_on_the_host, value))
    return numpy.array(to_numpy(value)) if is_array(value) and not isinstance(value, numpy.generic) else value
