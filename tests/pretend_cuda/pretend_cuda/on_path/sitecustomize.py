"""Runs as Python starts with this folder on PYTHONPATH: CuPy gets the pretended CUDA where PRETEND_CUDA asks for it.

The ``sitecustomize`` that this one hides runs after it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _run(spec: importlib.machinery.ModuleSpec | None, name: str) -> None:
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


if os.environ.get("PRETEND_CUDA") and "pretend_cuda" not in sys.modules:
    # By its file: a folder more on the path of all imports would be seen by what has nothing to do with it.
    _run(importlib.util.spec_from_file_location("pretend_cuda", HERE.parent / "__init__.py"), "pretend_cuda")
    sys.modules["pretend_cuda"].watch()
_run(
    importlib.machinery.PathFinder.find_spec(
        "sitecustomize", [path for path in sys.path if Path(path or ".").resolve() != HERE]
    ),
    "sitecustomize",
)
