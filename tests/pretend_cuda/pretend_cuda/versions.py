"""Versions of what the stand-ins are built with and for, found without importing it."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import re
from functools import cache
from pathlib import Path


def cupy_folder() -> Path | None:
    """The folder of the package cupy, or None where it is not installed."""
    spec = importlib.machinery.PathFinder.find_spec("cupy")  # past a Watcher, which would install
    return Path(spec.origin).parent if spec is not None and spec.origin else None


@cache
def cupy() -> str:
    """The version of CuPy, such as 14.2.0."""
    folder = cupy_folder()
    found = folder and re.search(r"__version__ = ['\"]([^'\"]+)", (folder / "_version.py").read_text(encoding="utf-8"))
    return found[1] if found else "unknown"


@cache
def cuda() -> int:
    """The version of CUDA that CuPy was compiled for, as CUDA counts: 13000 for ``cupy-cuda13x``."""
    folder = cupy_folder()
    wheel = folder and folder / ".data" / "_wheel.json"
    if not wheel or not wheel.exists():
        return 13000
    return int(json.loads(wheel.read_text(encoding="utf-8"))["cuda"].partition(".")[0]) * 1000


def cython() -> str:
    """The version of Cython."""
    return importlib.metadata.version("cython")
