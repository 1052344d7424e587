"""The BLAS with which NumPy multiplies matrices: its name, the core that it uses, its threads and its speed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Blas:
    """The library that NumPy was built with; ``core`` is the processor for which OpenBLAS has chosen its loops."""

    name: str
    version: str
    core: str = UNKNOWN
    threads: str = UNKNOWN

    def __str__(self) -> str:
        return f"{self.name} {self.version}, core {self.core}, threads {self.threads}"


def blas() -> Blas:
    """Return NumPy's BLAS, with ``unknown`` for whatever it does not report."""
    try:
        config: Any = np.show_config(mode="dicts")
        built = config["Build Dependencies"]["blas"]
        name, version = built["name"], built.get("version", UNKNOWN)
    except (KeyError, TypeError, AttributeError):
        name, version = UNKNOWN, UNKNOWN
    loaded = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    # SciPy brings a BLAS of its own.
    own: dict[str, Any] = min(loaded, key=lambda pool: "numpy" not in pool["filepath"], default={})
    return Blas(name, version, own.get("architecture") or UNKNOWN, str(own.get("num_threads") or UNKNOWN))


def gigaflops(seconds: float = 0.05, size: int = 1024) -> float:
    """Measure products of square float32 matrices, and return the best of several in 10⁹ operations a second."""
    x = np.ones((size, size), dtype=np.float32)
    times: list[float] = []
    while sum(times) < seconds or len(times) < 2:  # the first one wakes the threads
        start = time.perf_counter()
        x @ x
        times.append(time.perf_counter() - start)
    return 2.0 * size**3 / min(times) / 1e9
