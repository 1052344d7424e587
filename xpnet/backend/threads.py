"""Threads, which a Python that runs in a browser cannot start."""

from __future__ import annotations

import sys


def has_threads() -> bool:
    """Return whether threads can be started: not by a Python compiled to WebAssembly, such as Pyodide."""
    return sys.platform not in ("emscripten", "wasi")
