"""``array_namespace``: the library of some arrays, cached because every call asks for it."""

from __future__ import annotations

from math import prod
from typing import Any

import array_api_compat
import numpy as np

from xpnet.backend.libraries import LIBRARIES
from xpnet.backend.library import Library
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import ArgumentError, DtypeError, LibraryError
from xpnet.typing import Namespace

SCALARS = NUMBERS

# type of an array -> its namespace; None for scalars, which have no library.
_NAMESPACES: dict[type, Namespace | None] = dict.fromkeys((*SCALARS, type(None)))


def array_namespace(*arrays: Any) -> Namespace:
    """Return the array API namespace that the arguments share.

    Python scalars and None are skipped. A Variable wins over the arrays of its library.

    Raises: ``LibraryError`` for arrays of two libraries; ``DtypeError`` where no argument is an array.

    >>> array_namespace(np.ones(2), 3.0).__name__
    'numpy'
    """
    found = None
    for array in arrays:
        kind = type(array)
        namespace = _NAMESPACES[kind] if kind in _NAMESPACES else _look_up(array)
        if namespace is not found and namespace is not None:
            if found is not None:
                if _base_of(found) is namespace:
                    continue
                if _base_of(namespace) is found:
                    found = namespace
                    continue
                raise LibraryError(
                    "array_namespace",
                    "arrays must be of one library",
                    f"{library_name(found)} and {library_name(namespace)}",
                    "convert one with xn.asarray(x)",
                )
            found = namespace
    if found is None:
        got = ", ".join(type(array).__name__ for array in arrays) or "nothing"
        raise DtypeError(
            "array_namespace", "at least one argument must be an array", got, "convert it with xn.asarray(x)"
        )
    return found


def _base_of(space: Namespace) -> Namespace | None:
    """Return the namespace over which one of Variables is, not asking NumPy, which takes long to say no."""
    return getattr(space, "__dict__", {}).get("differentiates")


def _look_up(array: Any) -> Namespace:
    kind = type(array)
    if hasattr(kind, "differentiates"):  # Variables and batches: one type, a namespace for each library
        return array.__array_namespace__()
    if isinstance(array, np.ndarray | np.generic):
        refuse_subclass("array_namespace", array)
        namespace: Namespace = np  # NumPy 2.1 is the standard itself; the wrappers of compat cost 0.5 us a call
    else:
        try:
            namespace = array_api_compat.array_namespace(array)
            if (library := library_of(namespace)).repairs:
                namespace = library.namespace()
        except TypeError as error:
            raise DtypeError(
                "array_namespace",
                "every argument must be an array of the array API standard",
                f"{kind.__module__}.{kind.__qualname__}",
                "convert it with xn.asarray(x)",
            ) from error
    _NAMESPACES[kind] = namespace
    return namespace


# What NumPy derives from its arrays and computes with in another way, and what to do with it
OTHER_ARRAYS = {
    "matrix": "make it an array with numpy.asarray(x), in which * is by element and rows have one axis",
    "MaskedArray": "fill masked values, x.filled(0.0), and give them weights of 0",
}


def refuse_subclass(who: str, array: Any) -> None:
    """Raise DtypeError for a NumPy matrix or masked array, whose operators have another meaning.

    >>> refuse_subclass("Relu", np.ma.array([1.0]))
    Traceback (most recent call last):
        ...
    xpnet.errors.DtypeError: Relu: every argument must be an array, got numpy.ma.MaskedArray; fill masked ...
    """
    for kind in type(array).__mro__:
        if kind.__name__ in OTHER_ARRAYS and kind.__module__.partition(".")[0] == "numpy":
            got = f"numpy.{'ma.' if kind.__name__ == 'MaskedArray' else ''}{kind.__name__}"
            raise DtypeError(who, "every argument must be an array", got, OTHER_ARRAYS[kind.__name__])


def is_array(value: Any) -> bool:
    """Return whether the value is an array of any library (a Python scalar, list or None is not).

    >>> is_array(np.ones(2)), is_array([1.0, 1.0])
    (True, False)
    """
    try:
        return array_namespace(value) is not None
    except DtypeError:
        return False


def library_of(namespace: Namespace) -> Library:
    """Return the library behind a namespace, also that of Variables over it.

    >>> library_of(np).name
    'numpy'
    """
    for library in LIBRARIES.values():
        if namespace.__name__ in (library.module, library.compat, *library.aliases):
            return library
    base = getattr(namespace, "differentiates", None)
    return Library(namespace) if base is None else library_of(base)


def library_of_type(kind: type) -> str:
    """Return the name of the library whose plain arrays have this type, or the package of an unknown library.

    >>> library_of_type(np.ndarray)
    'numpy'
    """
    for library in LIBRARIES.values():
        if library.has_type(kind):
            return library.name.replace("-", "_")
    package = kind.__module__.partition(".")[0]
    return "" if package in {library.module for library in LIBRARIES.values() if library.array_type} else package


def find_library(backend: object) -> Library:
    """Return the library of a backend name or of an array API namespace.

    Raises: ``ArgumentError`` for a name or an object that is neither.
    """
    if isinstance(backend, str):
        name = backend.lower().replace("_", "-")
        if name in LIBRARIES:
            return LIBRARIES[name]
        got = repr(backend)
    else:
        module = getattr(backend, "__name__", "")
        for library in LIBRARIES.values():
            if module and module in (library.module, library.compat, *library.aliases):
                return library
        if hasattr(backend, "__array_namespace_info__") and hasattr(backend, "asarray"):
            return Library(backend)
        got = module or type(backend).__name__
    raise ArgumentError(
        "set_backend",
        f"backend must be one of {', '.join(LIBRARIES)}, or an array API namespace",
        got,
        'choose "cupy"' if got in ("'cuda'", "'gpu'") else "run `xpnet backends` to see which of them are ready here",
    )


def library_name(namespace: Namespace) -> str:
    """Return the name of the library behind a namespace, also behind that of Variables over it.

    >>> library_name(np)
    'numpy'
    """
    return library_of(namespace).name


def device_of(array: Any) -> Any:
    """Return the device on which an array lives.

    >>> device_of(np.ones(2))
    'cpu'
    """
    try:
        return array.device
    except AttributeError:
        return array_api_compat.device(array)


def size_of(array: Any) -> int:
    """Return the number of elements of an array; torch's ``size`` is a method.

    >>> size_of(np.ones((2, 3)))
    6
    """
    return prod(array.shape)


# (namespace name, dtype) -> kind; dtypes are few, and isdtype costs a microsecond.
_KINDS: dict[tuple[str, Any], str] = {}


def dtype_kind(array: Any) -> str:
    """Return the kind of an array's dtype: ``real``, ``complex``, ``integer`` or ``bool``.

    >>> dtype_kind(np.ones(2)), dtype_kind(np.arange(2))
    ('real', 'integer')
    """
    xp = array_namespace(array)
    key = (xp.__name__, array.dtype)
    if key not in _KINDS:
        kinds = {"real": "real floating", "complex": "complex floating", "integer": "integral", "bool": "bool"}
        for kind, standard in kinds.items():
            try:
                matches = xp.isdtype(array.dtype, standard)
            except TypeError:  # a dtype that the library does not know, such as NumPy's objects and strings
                matches = False
            if matches:
                _KINDS[key] = kind
                break
        else:
            raise DtypeError(
                "array", "dtype must be floating, integer or bool", array.dtype, "convert it to a number first"
            )
    return _KINDS[key]


def dtype_name(dtype: Any) -> str:
    """Return the standard's name of a dtype, ``float32`` for ``torch.float32`` and ``dtype('float32')``.

    >>> dtype_name(np.dtype("float32"))
    'float32'
    """
    for attribute in ("name", "__name__"):
        if hasattr(dtype, attribute):
            return str(getattr(dtype, attribute))
    return str(dtype).rpartition(".")[2]


def find_dtype(namespace: Namespace, wanted: Any) -> Any:
    """Return the dtype object of a library for a name such as ``"float32"``.

    Raises: ``ArgumentError`` for a dtype that the library does not have or that is not floating.
    """
    name = wanted if isinstance(wanted, str) else dtype_name(wanted)
    library = library_of(namespace)
    dtype = getattr(namespace, name, None)
    if name in library.unfit or name not in ("float16", "bfloat16", "float32", "float64") or dtype is None:
        raise ArgumentError(
            f"backend {library.name}",
            "dtype must be a floating dtype that it has",
            repr(wanted) + (f" ({library.unfit[name]})" if name in library.unfit else ""),
            'choose "float32" or "float64"',
        )
    return dtype


DTYPES = (
    *("bool", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)


def any_dtype(namespace: Namespace, wanted: Any) -> Any:
    """Return a library's dtype for a name such as ``"int64"``, another library's dtype, ``int`` or ``bool``.

    Where the library lacks int64, as jax does unless its 64-bit mode is on, the library's default integers take its
    place.

    Raises: ``ArgumentError`` for a dtype that the library does not have.
    """
    name = "int64" if wanted is int else wanted if isinstance(wanted, str) else dtype_name(wanted)
    dtype = getattr(namespace, name, None) if name in DTYPES else None
    if dtype is None:
        known = ", ".join(name for name in DTYPES if hasattr(namespace, name))
        raise ArgumentError("asarray", f"dtype must be one of {known}", repr(wanted), "choose one")
    if name == "int64" and name not in namespace.__array_namespace_info__().dtypes():
        dtype = namespace.__array_namespace_info__().default_dtypes()["integral"]
    return dtype
