"""An array library that follows the standard: the way to find it, its devices, and copies from and to the host."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata
from typing import Any

import numpy as np

from xpnet.backend.repairs import Repair, repaired
from xpnet.errors import BackendError
from xpnet.typing import Array, Namespace


class Library:
    """An array library that follows the standard.

    Raises: ``BackendError`` from ``namespace`` when the library or its hardware is missing.

    >>> LIBRARIES["numpy"].asarray(np.array([1.0]), np.float32, "cpu")
    array([1.], dtype=float32)
    """

    name = ""
    module = ""
    compat = ""
    aliases: tuple[str, ...] = ()
    array_type = ""
    remedy = "install it, or choose another backend"
    distributions: tuple[str, ...] = ()
    """The names under which packages install it, where they are not its own."""
    for_gpus: tuple[str, ...] = ()  # modules without which it has no GPUs
    graphs = ""
    """The module whose ``Graph`` records a step, where the library can."""
    repairs: Mapping[str, Repair] = {}
    """Functions of the standard that the library has only in part, such as ``linalg.solve`` -> their repairs."""
    unfit: Mapping[str, str] = {}  # floating dtypes in which networks cannot compute -> the reason
    adds_in_16_bits = False  # True if sums of float16 are float16 from the first addition on
    compiles_shapes = False  # True if it compiles each operation anew for each shape
    asks_for_methods = False  # True if its functions call methods of other objects, such as x.sum(axis)

    def __init__(self, namespace: Namespace | None = None) -> None:
        self._namespace = namespace
        if namespace is not None and not self.name:
            self.name = self.module = namespace.__name__

    def namespace(self) -> Namespace:
        """Return the array API namespace, imported and tried on first use."""
        if self._namespace is None:
            if importlib.util.find_spec(self.module) is None:
                raise self.not_installed()
            self.check()
            try:
                self._namespace = repaired(importlib.import_module(self.compat or self.module), self.repairs)
            except (ImportError, OSError) as error:  # a broken install, such as a shared library that is not there
                raise BackendError(f"backend {self.name}", f"{self.module} must import", error, self.remedy) from error
        return self._namespace

    def check(self) -> None:
        """Raise BackendError when the library is there but cannot compute."""

    def version(self) -> str:
        module = sys.modules.get(self.module, self._namespace)
        return str(getattr(module or importlib.import_module(self.module), "__version__", "unknown"))

    def installed(self) -> str:
        """Return the installed version without an import, or an empty text."""
        if self._namespace is not None or self.module in sys.modules:
            return self.version()
        if importlib.util.find_spec(self.module) is None:
            return ""
        for name in (*self.distributions, self.name):
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return "unknown"

    def may_have_gpu(self) -> bool:
        """Return whether only the library itself knows its devices."""
        return any(map(importlib.util.find_spec, self.for_gpus))

    def lack(self) -> str:
        """Return what can be seen to be missing without an import of the library, and the remedy, or an empty text."""
        return "" if self.installed() else str(self.not_installed())

    def not_installed(self) -> BackendError:
        return BackendError(f"backend {self.name}", f"{self.module} must be installed", "none", self.remedy)

    def standard(self) -> str:
        """Return the version of the array API standard that the library claims."""
        return str(getattr(self.namespace(), "__array_api_version__", "not stated"))

    def devices(self) -> list[Any]:
        return list(self.namespace().__array_namespace_info__().devices())

    def default_device(self) -> Any:
        return self.namespace().__array_namespace_info__().default_device()

    def device_name(self, device: Any) -> str:
        return str(device)

    def find_device(self, wanted: Any) -> Any:
        """Return the device object for an index, a name (``"cuda:1"``, or ``"cuda"`` for the first) or a device."""
        if wanted is None:
            return self.default_device()
        devices = self.devices()
        names = [self.device_name(device) for device in devices]
        if isinstance(wanted, str) and wanted.isdigit():
            wanted = int(wanted)
        if isinstance(wanted, int):
            if 0 <= wanted < len(devices):
                return devices[wanted]
        elif isinstance(wanted, str):
            for device, name in zip(devices, names, strict=True):
                if wanted in (name, name.partition(":")[0]):
                    return device
        elif wanted in devices:
            return wanted
        raise BackendError(
            f"backend {self.name}",
            f"device must be {names[0]}" if len(names) == 1 else f"device must be one of {', '.join(names)}",
            repr(wanted),
            "name it so, or by its index from 0",
        )

    def use_device(self, device: Any) -> AbstractContextManager[object]:
        """Return a context in which the device is current, for a library that creates arrays on a current device."""
        return nullcontext()

    def allow(self, dtype: str) -> AbstractContextManager[object]:
        """Return a context in which the library may compute in the dtype, where it needs a setting for it."""
        return nullcontext()

    def allow_always(self, dtype: str) -> None:
        """Let the library compute in the dtype for the rest of the process."""

    def asarray(self, host: np.ndarray[Any, Any], dtype: Any, device: Any) -> Array:
        array: Array = self.namespace().asarray(host, dtype=dtype, device=device, copy=True)
        return array

    def ahead(self, batches: Iterable[tuple[Any, ...]], backend: Any) -> Iterator[tuple[Array, ...]]:
        """Yield batches on a backend of this library."""
        for batch in batches:
            yield tuple([backend.asarray(array) for array in batch])

    def to_numpy(self, array: Any) -> np.ndarray[Any, Any]:
        if hasattr(array, "__dlpack__"):
            return np.from_dlpack(array, device="cpu")
        return np.asarray(array)

    def readable(self, array: Any) -> bool:
        """Return whether reading a value of the array on the host needs no wait and no transfer."""
        return False

    def compiled(self, f: Callable[..., Any], *args: Any) -> Callable[..., Any] | None:
        """Return a function of arrays compiled as a whole, or None if the library cannot compile it."""
        return None

    def synchronize(self, device: Any) -> None:
        """Wait until the device has finished its work."""

    def has_type(self, kind: type) -> bool:
        """Return whether this is the type of its plain arrays: a subclass may give operators another meaning."""
        return f"{kind.__module__}.{kind.__qualname__}" == self.array_type
