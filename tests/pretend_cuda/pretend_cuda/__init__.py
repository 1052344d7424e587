"""CuPy on a machine without a GPU: modules that stand in for those by which CuPy reaches CUDA.

Call ``install()`` before the first ``import cupy``, or set ``PRETEND_CUDA=1`` where the package is installed. CuPy
stays as it is: its arrays, kernels and routines are those of its wheel. The README beside this package says more.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pretend_cuda.trace import Event, trace

__all__ = ["Event", "PretendCudaError", "environment", "install", "installed", "lacks", "trace", "watch"]

HOME = Path(__file__).resolve().parent


class PretendCudaError(ImportError):
    """What the pretended CUDA lacks here, in one sentence that says what to do."""


def lacks() -> str | None:
    """Say what the pretended CUDA lacks here, in one sentence with the remedy, or None where it can work.

    It starts nothing but the compiler, for its version, and builds nothing.
    """
    from pretend_cuda import requirements

    return None if installed() else requirements.lacks()


def install() -> None:
    """Let ``import cupy`` find the stand-ins, which are built when they are first needed, in a quarter of a minute.

    Raises:
        PretendCudaError: where something is lacking, or does not compile.
    """
    if installed():
        return
    reason = lacks()
    if reason:
        raise PretendCudaError(reason)
    from pretend_cuda import build, finder

    finder.install(build.built())


def installed() -> bool:
    """Whether CuPy in this process computes on the pretended CUDA."""
    finder = sys.modules.get("pretend_cuda.finder")
    return finder is not None and any(isinstance(found, finder.Finder) for found in sys.meta_path)


def watch() -> None:
    """Install when CuPy is first imported, where ``PRETEND_CUDA`` asks for it: what Python does as it starts."""
    if os.environ.get("PRETEND_CUDA", "0") in ("", "0") or installed():
        return
    from pretend_cuda.watcher import Watcher, keep_reports

    if os.environ.get("PRETEND_CUDA_SANITIZE"):
        keep_reports()
    if not any(isinstance(found, Watcher) for found in sys.meta_path):
        sys.meta_path.insert(0, Watcher())


def environment(*, devices: int = 1, lazy: bool = False, sanitize: bool = False) -> dict[str, str]:
    """The variables by which a Python process of its own gets the pretended CUDA, from this folder, not installed.

    They add to ``PYTHONPATH`` a folder that holds a ``sitecustomize``, and this one calls the one that it hides.

    Args:
        devices: how many there are.
        lazy: whether streams do nothing before somebody waits for them.
        sanitize: whether AddressSanitizer watches the kernels, for which each array gets a block of its own.
    """
    here = str(HOME / "on_path")
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", here)]
    found = {"PRETEND_CUDA": "1", "PYTHONPATH": os.pathsep.join([here, *others])}
    if devices != 1:
        found["PRETEND_CUDA_DEVICES"] = str(devices)
    if lazy:
        found["PRETEND_CUDA_LAZY"] = "1"
    if sanitize:
        from pretend_cuda import compiler

        found |= compiler.sanitizer()
    return found
