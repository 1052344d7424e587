"""The BLAS with which NumPy multiplies matrices: its name, the core that it has chosen, its threads and its speed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Blas:
    """What NumPy was built with, and what that library tells of itself; ``unknown`` where it tells nothing.

    ``core`` is the processor for which OpenBLAS has chosen its loops.
    """

    name: str
    version: str
    core: str = UNKNOWN
    threads: str = UNKNOWN

    def __str__(self) -> str:
        return f"{self.name} {self.version}, core {self.core}, threads {self.threads}"


def blas() -> Blas:
    """NumPy's BLAS."""
    name, version = _built_with()
    if "openblas" not in name.lower():
        return Blas(name, version)
    for file in _files():
        with suppress(OSError):  # gone since, or of another kind
            library = ctypes.CDLL(str(file))
            core = _ask(library, "get_corename", ctypes.c_char_p)
            threads = _ask(library, "get_num_threads", ctypes.c_int)
            if core is not None:
                return Blas(name, version, core.decode(), UNKNOWN if threads is None else str(threads))
    return Blas(name, version)


def gigaflops(seconds: float = 0.2, size: int = 1024) -> float:
    """10⁹ operations a second in products of square float32 matrices, the best of some."""
    x = np.ones((size, size), dtype=np.float32)
    times: list[float] = []
    while sum(times) < seconds or len(times) < 2:  # the first one wakes the threads
        start = time.perf_counter()
        x @ x
        times.append(time.perf_counter() - start)
    return 2.0 * size**3 / min(times) / 1e9


def _built_with() -> tuple[str, str]:
    try:
        found: Any = np.show_config(mode="dicts")
        built = found["Build Dependencies"]["blas"]
        return built["name"], built.get("version", UNKNOWN)
    except (KeyError, TypeError, AttributeError):
        return UNKNOWN, UNKNOWN


def _files() -> Iterator[Path]:
    """Where the library may lie: beside NumPy, as in its wheels, or wherever this process has loaded one from."""
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        yield from sorted(folder.glob("*openblas*"))
    with suppress(OSError):
        maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        yield from sorted({Path(line.split(maxsplit=5)[5]) for line in maps if "openblas" in line})


def _ask(library: ctypes.CDLL, name: str, kind: Any) -> Any:
    """The answer of a function of OpenBLAS, whose builds add to its name what tells them apart."""
    for full in (f"{prefix}openblas_{name}{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "", "_64")):
        with suppress(AttributeError):
            function = getattr(library, full)
            function.restype = kind
            return function()
    return None
