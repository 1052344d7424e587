"""The library under test, found by name, by module path or as a module, with the largest floating dtype it has."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import array_api_compat
import numpy as np

from xpnet.autodiff.namespace import DTYPES
from xpnet.autodiff.rules import COMPOSITES, RULES
from xpnet.autodiff.table import VALUES
from xpnet.backend import LIBRARIES, Backend, array_namespace, dtype_name, make_backend
from xpnet.errors import ArgumentError, BackendError, XpnetError
from xpnet.typing import Namespace

WHO = "conform"
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
COMPLEX = {"float64": "complex128", "float32": "complex64"}
ATTRIBUTES = ("dtype", "device", "mT", "ndim", "shape", "size", "T", "to_device")
METHODS = ("getitem", "setitem")  # cases of the array itself, not of a function


@dataclass(frozen=True)
class Subject:
    """A library, a device and a dtype; ``quick`` tries one case of each function.

    ``xp`` is its namespace of the standard, from array_api_compat where the library has none, and with the repairs that
    xpnet makes.
    """

    backend: Backend
    quick: bool = False

    @cached_property
    def xp(self) -> Namespace:
        library = self.backend.library
        return library.namespace() if library.repairs else array_api_compat.array_namespace(self.asarray(np.ones(1)))

    @property
    def dtype(self) -> str:
        return dtype_name(self.backend.dtype)

    @property
    def tolerance(self) -> float:
        return TOLERANCE[self.dtype]

    @cached_property
    def missing(self) -> frozenset[str]:
        """The functions and dtypes of the standard that the namespace lacks, and attributes such as ``array.mT``."""
        names = (*RULES, *COMPOSITES, *VALUES, *DTYPES)
        matrix = self.asarray(np.ones((1, 1)))
        lacking = (f"array.{name}" for name in ATTRIBUTES if not hasattr(matrix, name))
        return frozenset((*lacking, *(name for name in names if not self.has(name))))

    def has(self, name: str) -> bool:
        """Return whether the namespace has a name such as ``linalg.inv``."""
        found = self.xp
        for part in name.split("."):
            found = getattr(found, part, None)
        return found is not None

    def cast(self, host: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the host array in the precision under test."""
        dtypes = {"f": self.dtype, "c": COMPLEX[self.dtype]}
        return host.astype(dtypes[host.dtype.kind], copy=False) if host.dtype.kind in dtypes else host

    def asarray(self, host: Any) -> Any:
        """Return a host array as an array of the library, in the same dtype.

        Raises: ``AttributeError`` with the name of a complex dtype that the library does not have.
        """
        host = np.asarray(host)
        return self.backend.asarray(host, dtype=getattr(self.xp, host.dtype.name) if host.dtype.kind == "c" else None)


def find_subject(namespace: object, device: Any, dtype: str | None, quick: bool) -> tuple[Subject, list[str]]:
    """Find the library, and return notes on how it was found.

    Raises: ``ArgumentError`` if it cannot be imported or is not an array namespace; ``BackendError`` for a device or
    dtype that it lacks, and for arrays that cannot be read.
    """
    module: Any = load(namespace) if isinstance(namespace, str) else namespace
    name = getattr(module, "__name__", type(module).__name__)
    known = [library for library in LIBRARIES.values() if name in (library.module, library.compat)]
    own = module if known else namespace_of_arrays(module, name)
    notes = []
    if own is not module and own.__name__ != name:
        notes.append(f"the arrays of {name} name {own.__name__} as their namespace, which was tried instead")
    backend, failures = find_backend(own, device, (dtype,) if dtype else ("float64", "float32"))
    if failures:
        notes.append(f"float64 does not work here ({failures[0]}): everything was tried in {dtype_name(backend.dtype)}")
    subject = Subject(backend, quick)
    check_reading(subject)
    return subject, notes


def load(path: str) -> Namespace:
    """Return the namespace of a backend name or of a module path."""
    name = path.lower().replace("_", "-")
    if name in LIBRARIES:
        return LIBRARIES[name].namespace()
    try:
        return importlib.import_module(path)
    except Exception as error:  # a module may raise anything as it is imported
        raise ArgumentError(
            WHO,
            f"namespace must be one of {', '.join(LIBRARIES)}, or a module that can be imported",
            f"{path!r} ({one_line(error)})",
            "install it, or run where Python finds it",
        ) from error


def namespace_of_arrays(module: Namespace, name: str) -> Namespace:
    """Return the namespace that the arrays of a module report as theirs."""
    if not callable(getattr(module, "asarray", None)):
        raise not_a_namespace(f"{name}, which has no asarray")
    try:
        return array_namespace(module.asarray([1.0]))
    except Exception as error:
        raise not_a_namespace(f"{name} ({one_line(error)})") from error


def not_a_namespace(got: str) -> ArgumentError:
    return ArgumentError(
        WHO,
        "namespace must make arrays that have __array_namespace__, or that array_api_compat knows",
        got,
        "give the module that has asarray and the other functions of the array API standard",
    )


def find_backend(namespace: Namespace, device: Any, dtypes: tuple[str, ...]) -> tuple[Backend, list[str]]:
    """Return a backend with the first dtype that works, and why the earlier ones do not."""
    failures: list[str] = []
    first: XpnetError | None = None
    for dtype in dtypes:
        try:
            return make_backend(namespace, device, dtype), failures
        except XpnetError as error:
            first = first or error
            failures.append(f"{error.must}, got {error.got}")
        except Exception as error:
            first = first or not_a_namespace(f"{namespace.__name__} ({one_line(error)})")
            failures.append(one_line(error))
    raise first or not_a_namespace(namespace.__name__)


def check_reading(subject: Subject) -> None:
    """Check that values can be read, because nothing can be compared otherwise."""
    wanted = np.asarray([1.5, -2.0], dtype=subject.dtype)
    try:
        found = subject.backend.to_numpy(subject.asarray(wanted))
        got = "" if np.array_equal(found, wanted) else f"{found.tolist()} for {wanted.tolist()}"
    except Exception as error:
        got = one_line(error)
    if got:
        raise BackendError(
            WHO,
            f"arrays of {subject.backend.name} must be readable on the host",
            got,
            "give them __dlpack__ and __dlpack_device__",
        )


def one_line(error: BaseException) -> str:
    """Return an error in one line for a report, such as ``TypeError: unsupported operand …``."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 160 else text[:159] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
