"""Moves of arrays from one library, device or dtype to another on request; nothing moves by itself."""

from __future__ import annotations

from collections.abc import Container, MutableMapping
from typing import Any, Self

import numpy as np

from xpnet.backend.host import to_numpy
from xpnet.backend.namespace import array_namespace, device_of, dtype_kind, dtype_name, find_dtype, is_array, library_of
from xpnet.backend.switch import Backend, get_backend, make_backend
from xpnet.errors import DtypeError

Change = tuple[MutableMapping[str, Any], str, Any]
"""A mapping, a name in it, and the new value."""


class Destination:
    """The target of a move: a library, a device and a floating dtype, where None keeps that of each array.

    Raises: ``ArgumentError``, ``BackendError`` as ``make_backend``; ``DtypeError`` if nothing is given.
    """

    def __init__(self, who: str, backend: object = None, device: Any = None, dtype: Any = None) -> None:
        if backend is None and device is None and dtype is None:
            must, remedy = "a backend, a device or a dtype must be given", 'write to("cupy"), or to(dtype="float64")'
            raise DtypeError(who, must, "none", remedy)
        self.device = device
        self.dtype = dtype
        self.copies: dict[int, tuple[Any, Any]] = {}  # an array that is held twice stays one array
        self.backend: Backend | None = None
        if backend is not None:
            self.backend = self._made(backend, dtype)

    def _made(self, backend: object, dtype: Any) -> Backend:
        """Return the backend, on the current library and device unless others are named."""
        current = get_backend()
        made = make_backend(backend, self.device, dtype)
        if self.device is None and not isinstance(backend, Backend) and made.name == current.name:
            return make_backend(current, dtype=made.dtype)
        return made

    def move(self, array: Any) -> Any:
        """Return the array at the target: the same object if it is there already, else a copy.

        Raises: ``ArgumentError`` for a dtype that the library does not have.
        """
        if id(array) not in self.copies:
            self.copies[id(array)] = array, self._moved(array)
        return self.copies[id(array)][1]

    def _moved(self, array: Any) -> Any:
        library = library_of(array_namespace(array))
        goal = self.backend
        if goal is None or goal.library.name == library.name:
            device = device_of(array) if goal is None else goal.device
            device = device if self.device is None else library.find_device(self.device)
        else:
            library, device = goal.library, goal.device
        floating = dtype_kind(array) == "real"
        own = dtype_name(array.dtype)
        dtype = find_dtype(library.namespace(), own if self.dtype is None else self.dtype) if floating else None
        name = own if dtype is None else dtype_name(dtype)
        same = goal is None or library_of(array_namespace(array)).name == library.name
        if same and name == own and device_of(array) == device:
            return array
        if name == "float64":
            library.allow_always(name)  # as set_backend does, or the library would compute in another dtype
        host = np.array(to_numpy(array))
        return Backend(library, device, dtype).asarray(host, dtype)

    def within(self, value: Any) -> Any:
        """Return a value with its arrays at the target, including those in lists, tuples and dicts."""
        if hasattr(value, "dtype") and is_array(value) and not hasattr(type(value), "differentiates"):
            return self.move(value)
        if type(value) in (list, tuple):
            items = list(map(self.within, value))
            return type(value)(items) if any(a is not b for a, b in zip(items, value, strict=True)) else value
        if type(value) is dict:
            named = {name: self.within(item) for name, item in value.items()}
            return named if any(named[name] is not value[name] for name in value) else value
        return value

    def changes(self, mapping: MutableMapping[str, Any], leave: Container[str] = ()) -> list[Change]:
        """Return the assignments for a mapping, except for the names to ``leave``; nothing is assigned yet."""
        return [(mapping, name, self.within(value)) for name, value in mapping.items() if name not in leave]


class Movable:
    """A base class for objects with arrays that can move: a layer, a network, an optimizer, a Trainer."""

    def to(self, backend: object = None, device: Any = None, dtype: Any = None) -> Self:
        """Move to another library, device or dtype, ``net.to("cupy")``, ``net.to(dtype="float64")``; return self.

        All arrays inside move: the parameters, gradients, state and array options of a layer or network, the slots of
        an optimizer, the data of a Trainer with its network and optimizer. Arguments that are left out change nothing:
        a float64 network stays float64 on CuPy. Random streams stay the same. If anything cannot be moved, nothing is.
        A new forward has to run before the next backward.

        Raises: ``ArgumentError``, ``BackendError`` as ``set_backend``; ``DtypeError`` where nothing is given;
        ``StateError`` where a parameter is a Variable.
        """
        for mapping, name, new in self.changes(Destination(f"{type(self).__name__}.to", backend, device, dtype)):
            mapping[name] = new
        self.has_moved()
        return self

    def changes(self, destination: Destination) -> list[Change]:
        """Return all assignments of the move; nothing is assigned yet."""
        return destination.changes(vars(self))

    def has_moved(self) -> None:
        """Forget everything that belonged to the old library or device."""
