"""The switch: the library, device and dtype of new arrays.

Layers never read it: they take the namespace from their arguments. It decides only where parameters,
data and masks are made.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xpnet.backend.host import cast, on_host, to_numpy
from xpnet.backend.libraries import LIBRARIES
from xpnet.backend.library import Library
from xpnet.backend.namespace import (
    SCALARS,
    any_dtype,
    array_namespace,
    device_of,
    dtype_kind,
    dtype_name,
    find_dtype,
    find_library,
    is_array,
    library_of,
)
from xpnet.backend.several import flat, in_form
from xpnet.errors import BackendError, DtypeError, XpnetError
from xpnet.typing import Array, Namespace


@dataclass(frozen=True)
class Backend:
    """An array library with a device and a floating dtype, on which new arrays are made.

    ``xp`` is the array API namespace, ``device`` and ``dtype`` are the library's own objects.

    >>> backend = xn.get_backend()
    >>> backend.name, backend.asarray([1.0, 2.0])
    ('numpy', array([1., 2.], dtype=float32))
    """

    library: Library
    device: Any
    dtype: Any

    def __repr__(self) -> str:
        device, dtype = self.library.device_name(self.device), dtype_name(self.dtype)
        return f"Backend({self.name!r}, device={device!r}, dtype={dtype!r})"

    @property
    def name(self) -> str:
        return self.library.name

    @property
    def xp(self) -> Namespace:
        return self.library.namespace()

    def asarray(self, values: Any, dtype: Any = None) -> Array:
        """Return a new array of this backend from host values or from any library's array.

        Floating values take the backend's dtype unless ``dtype`` is given; integers and bools keep theirs.
        A NumPy array is shared where the backend is NumPy and the dtype fits, copied otherwise.
        """
        host, dtype = self.on_host(values, dtype)
        with self.library.allow(dtype_name(dtype)):
            return self.library.asarray(host, dtype, self.device)

    def ahead(self, batches: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Array, ...]]:
        """Yield batches converted by ``asarray``, ``for x, t in backend.ahead(Batches(x, t, 100).epoch(0))``.

        Of several inputs x is a tuple. This is for data that stays on the host: on CuPy the next batch is copied,
        through pinned memory and on a separate stream, while the present one is used.

        Raises: ``DtypeError`` unless it is given batches of arrays.
        """
        if not isinstance(batches, Iterable):
            raise DtypeError(
                "ahead", "batches must be tuples of arrays", type(batches).__name__, "try batches.epoch(0)"
            )
        return _in_their_forms(map(_batch, batches), partial(self.library.ahead, backend=self))

    def on_host(self, values: Any, dtype: Any = None) -> tuple[np.ndarray[Any, Any], Any]:
        """Return what ``asarray`` passes to the library: values on the host, and a dtype or None to keep theirs."""
        host = on_host(values)
        if not host.dtype.isnative or min(host.strides, default=0) < 0:  # not every library accepts these
            host = host.astype(host.dtype.newbyteorder("="), order="C")
        if dtype is None and host.dtype.kind in "fc":
            dtype = self.dtype if host.dtype.kind == "f" else None
        elif dtype is not None:
            dtype = self.dtype if dtype is float else any_dtype(self.xp, dtype)
        if dtype is not None and dtype_name(dtype) != "bfloat16":  # NumPy has no bfloat16
            host = cast(host, dtype_name(dtype))
        return host, dtype

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        """Return the values on the host as a NumPy array, which may share memory: read it, do not write to it."""
        return to_numpy(array)

    def synchronize(self) -> None:
        """Wait until the device has finished its work."""
        self.library.synchronize(self.device)

    def __str__(self) -> str:
        return (
            f"{self.name} {self.library.version()}, {self.library.device_name(self.device)}, {dtype_name(self.dtype)}"
        )


def _in_their_forms(batches: Iterable[tuple[Any, ...]], sent: Callable[..., Any]) -> Iterator[tuple[Any, ...]]:
    """Yield batches of arrays that ``sent`` converts one after another, each in the form that it had."""
    forms = deque[tuple[Any, ...]]()

    def in_rows() -> Iterator[tuple[Any, ...]]:
        for batch in batches:
            forms.append(batch)
            yield flat(batch)

    for arrays in sent(in_rows()):
        yield in_form(forms.popleft(), arrays)


def _batch(arrays: Any) -> tuple[Any, ...]:
    if not isinstance(arrays, tuple | list):
        raise DtypeError(
            "ahead", "a batch must be a tuple of arrays", type(arrays).__name__, "write (x,) for one array"
        )
    return tuple(arrays)


def asarray(x: Any, dtype: Any = None) -> Array:
    """Return numbers as an array of the current backend, on its device and in its floating dtype.

    ``x`` is a number, a list, a table of pandas or polars, or an array of any library. Integers and bools become
    floating numbers too, as layers need them, unless a dtype is given: ``asarray(t, dtype="int64")`` for labels,
    ``asarray(mask, dtype="bool")``. Complex numbers keep their dtype. Missing values of a table become NaN. An array
    that already has this backend and dtype is returned itself.

    Raises: ``DtypeError`` for values without numbers; ``ShapeError`` for lists of different lengths; ``ArgumentError``
    for a dtype that the library does not have.

    >>> xn.asarray([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    >>> xn.asarray([0, 1], dtype="int64")
    array([0, 1])
    """
    backend = get_backend()
    wanted = backend.dtype if dtype is None or dtype is float else any_dtype(backend.xp, dtype)
    if not isinstance(x, (np.ndarray, np.generic, *SCALARS)) and is_array(x):
        xp, keeps = array_namespace(x), dtype is None and dtype_kind(x) == "complex"
        if library_of(xp) is backend.library and device_of(x) == backend.device:  # no detour over the host
            array: Array = x if keeps or x.dtype == wanted else xp.astype(x, wanted)
            return array
    host = on_host(x)
    return backend.asarray(host, None if dtype is None and host.dtype.kind == "c" else wanted)


def backend_of(array: Any, dtype: Any = None) -> Backend:
    """Return the backend in which the array lives, optionally with another floating dtype.

    >>> backend_of(np.ones(2))
    Backend('numpy', device='cpu', dtype='float64')
    """
    library = library_of(array_namespace(array))
    chosen = array.dtype if dtype is None else find_dtype(library.namespace(), dtype)
    return Backend(library, device_of(array), chosen)


def make_backend(backend: object = "numpy", device: Any = None, dtype: Any = None) -> Backend:
    """Return a Backend from a name or namespace, a device (name, index or object) and a dtype (name or object).

    Raises: ``ArgumentError`` for an unknown name or dtype, ``BackendError`` for one that this machine lacks.

    >>> make_backend("numpy", dtype="float64")
    Backend('numpy', device='cpu', dtype='float64')
    """
    if isinstance(backend, Backend):
        library, device = backend.library, backend.device if device is None else device
        dtype = backend.dtype if dtype is None else dtype
    else:
        library = find_library(backend)
    namespace = library.namespace()
    chosen = find_dtype(namespace, "float32" if dtype is None else dtype)
    found = library.find_device(device)
    _try_out(library, found, chosen)
    return Backend(library, found, chosen)


def _try_out(library: Library, device: Any, dtype: Any) -> None:
    """Make one small array, so that an unusable backend fails here, by name, and not inside a network."""
    try:
        with library.allow(dtype_name(dtype)):
            made = library.asarray(np.ones(2), dtype, device)
            if made.dtype != dtype:
                raise TypeError(f"the library made {dtype_name(made.dtype)} of it")
    except Exception as error:
        raise BackendError(
            f"backend {library.name}",
            f"{dtype_name(dtype)} arrays must work on {library.device_name(device)}",
            f"{type(error).__name__}: {error}",
            "choose another device or dtype",
        ) from error


_local: ContextVar[Backend | None] = ContextVar("xpnet_backend", default=None)
_process: Backend | None = None


def get_backend() -> Backend:
    """Return the current backend: that of the innermost ``use_backend``, ``set_backend`` or ``XPNET_BACKEND``.

    >>> xn.get_backend()
    Backend('numpy', device='cpu', dtype='float32')
    """
    global _process
    local = _local.get()
    if local is not None:
        return local
    if _process is None:
        named = os.environ.get("XPNET_BACKEND") or "numpy"
        name, _, device = named.partition(":")
        try:
            _process = make_backend(name, device or None)
        except XpnetError as error:
            error.set_who(f"XPNET_BACKEND={named}")
            raise
    return _process


def set_backend(backend: object, device: Any = None, dtype: Any = None) -> Backend:
    """Choose the backend of new arrays, ``set_backend("cupy", device=0, dtype="float32")``.

    The choice holds for the whole process; inside a ``use_backend`` block, until that block ends. float64 on jax
    switches jax's 64-bit mode on.

    Raises: ``ArgumentError``, ``BackendError`` as ``make_backend``.

    >>> xn.set_backend("numpy", dtype="float64")
    Backend('numpy', device='cpu', dtype='float64')
    >>> xn.asarray([1, 2])
    array([1., 2.])
    """
    global _process
    chosen = make_backend(backend, device, dtype)
    chosen.library.allow_always(dtype_name(chosen.dtype))
    if _local.get() is not None:
        _local.set(chosen)
    else:
        _process = chosen
        chosen.library.use_device(chosen.device).__enter__()
    return chosen


@contextmanager
def use_backend(backend: object, device: Any = None, dtype: Any = None) -> Iterator[Backend]:
    """Choose the backend of new arrays within a block, for this thread or task alone.

    Raises: ``ArgumentError``, ``BackendError`` as ``make_backend``.

    >>> with xn.use_backend("numpy", dtype="float64"):
    ...     net = TwoLayerNet(4, 3, 2)
    >>> net.params["W1"].dtype
    dtype('float64')
    """
    chosen = make_backend(backend, device, dtype)
    token = _local.set(chosen)
    try:
        with chosen.library.use_device(chosen.device), chosen.library.allow(dtype_name(chosen.dtype)):
            yield chosen
    finally:
        _local.reset(token)


def available_backends() -> tuple[str, ...]:
    """Return the names of the backends that are ready on this machine; each installed one is imported.

    >>> "numpy" in xn.available_backends()
    True
    """
    return tuple(name for name, library in LIBRARIES.items() if not missing(library))


def missing(library: Library) -> str:
    """Return what a library lacks on this machine and the remedy, or an empty text if it is ready.

    >>> missing(LIBRARIES["numpy"])
    ''
    """
    try:
        library.namespace()
    except BackendError as error:
        return str(error)
    return ""
