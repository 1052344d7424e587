"""What must be there: Linux, CuPy, a C++ compiler, Cython, Python's headers, a cache; and what must not: a real GPU."""

from __future__ import annotations

import importlib.util
import platform
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from pretend_cuda import build, cache, compiler, versions

GPUS = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's driver lists what it drives."""


def lacks() -> str | None:
    """The first requirement that is not met, in one sentence that says what to do; None where all are."""
    checks: tuple[Callable[[], str | None], ...] = (
        _machine,
        _cupy,
        _order,
        _gpu,
        _compiler,
        _cython,
        _headers,
        cache.refusal,
        build.refusal,
    )
    return next(filter(None, (check() for check in checks)), None)


def _machine() -> str | None:
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return None
    return f"pretend_cuda runs on x86-64 Linux alone, not on {platform.machine()} {sys.platform}: use such a machine"


def _cupy() -> str | None:
    if versions.cupy_folder() is not None:
        return None
    return "CuPy is not installed: pip install cupy-cuda13x, which needs no GPU to be installed"


def _order() -> str | None:
    if "cupy" not in sys.modules and "cupy_backends" not in sys.modules:
        return None
    return "CuPy has been imported before pretend_cuda: call pretend_cuda.install() before the first `import cupy`"


def _gpu() -> str | None:
    import os

    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not GPUS.is_dir() or not any(GPUS.iterdir()):
        return None
    return (
        "this machine has an NVIDIA GPU, on which CuPy runs as it is: unset PRETEND_CUDA, or hide the GPU by "
        'CUDA_VISIBLE_DEVICES=""'
    )


def _compiler() -> str | None:
    if compiler.version():
        return None
    return (
        f"the C++ compiler {compiler.COMPILER} does not run: install g++ 12 or newer, or name one in PRETEND_CUDA_CXX"
    )


def _cython() -> str | None:
    if importlib.util.find_spec("Cython") is not None:
        return None
    return 'Cython is not installed: pip install "cython>=3.2.4"'


def _headers() -> str | None:
    header = Path(sysconfig.get_path("include"), "Python.h")
    if header.exists():
        return None
    return f"the headers of Python are not installed, {header} is not there: install python3-dev or the like"
