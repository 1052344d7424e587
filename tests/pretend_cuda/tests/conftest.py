"""Fixtures of the pretended CUDA's own tests: ``cp``, ``python``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = str(Path(__file__).resolve().parents[1])
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)

import pretend_cuda

Python = Callable[..., "subprocess.CompletedProcess[str]"]


def _lacks() -> str | None:
    try:
        pretend_cuda.install()
    except pretend_cuda.PretendCudaError as error:
        return str(error)
    return None


LACKS = _lacks()


@pytest.fixture(scope="session")
def cp() -> Any:
    """CuPy on the pretended device."""
    if LACKS:
        pytest.skip(LACKS)
    import cupy

    return cupy


@pytest.fixture
def python() -> Python:
    """Runs Python code in a process of its own; what ``environment`` is given, ``None`` takes away."""

    def run(code: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("PRETEND_CUDA", "PYTHONPATH"))
        }
        kept = {name: os.environ[name] for name in ("PRETEND_CUDA_CACHE",) if name in os.environ}
        changed = {"PYTHONPATH": FOLDER, **kept, **variables}
        environment = {name: value for name, value in {**plain, **changed}.items() if value is not None}
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=300
        )

    return run


@pytest.fixture
def pretended(python: Python) -> Python:
    """As ``python``, with CuPy on the pretended device and the options of ``environment``."""
    if LACKS:
        pytest.skip(LACKS)

    def run(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return python(code, **pretend_cuda.environment(**options))

    return run
