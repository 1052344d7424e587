"""Whether this Python can start threads, which one that runs in a browser cannot."""

from __future__ import annotations

import sys


def has_threads() -> bool:
    """Return whether threads can be started: not by a Python compiled to WebAssembly, such as Pyodide."""
    return sys.platform not in ("emscripten", "wasi")
