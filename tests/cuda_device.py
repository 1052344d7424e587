"""CuPy for the tests: on a CUDA device, or where there is none on the one that ``tests/pretend_cuda`` pretends."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def offer_cupy() -> str:
    """Let CuPy compute here and in processes of the tests, before it is imported; the reason, where it cannot.

    A real device goes before a pretended one. ``PRETEND_CUDA=1`` asks for the pretended one, ``0`` forbids it.
    """
    sys.path.insert(0, str(Path(__file__).parent / "pretend_cuda"))
    asked = os.environ.get("PRETEND_CUDA", "")
    if asked == "0" or importlib.util.find_spec("cupy") is None:
        return ""
    import pretend_cuda

    try:
        lack = pretend_cuda.lacks()
        if lack is None:
            pretend_cuda.install()
            os.environ.update(pretend_cuda.environment())
            return ""
    except pretend_cuda.PretendCudaError as error:
        lack = str(error)
    if asked:
        raise pytest.UsageError(f"PRETEND_CUDA={asked}: {lack}")
    return lack


def is_pretended(cupy: Any) -> bool:
    """Whether this CuPy computes on the CPU: the module by which it reaches CUDA is not the one of its wheel."""
    runtime = importlib.import_module("cupy_backends.cuda.api.runtime")
    return Path(cupy.__file__).parents[1] not in Path(runtime.__file__).parents


def run_again(file: str, **settings: str) -> None:
    """Run the tests of a file in a process of its own, whose pretended CUDA is another, as by ``DEVICES="2"``."""
    variables = os.environ | {f"PRETEND_CUDA_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "cupy and not of_its_own", file]
    done = subprocess.run(
        command, capture_output=True, text=True, env=variables | {"XPNET_REQUIRE": "cupy"}, timeout=600
    )
    assert done.returncode == 0, done.stdout[-4000:]


def named_device() -> str:
    """What CuPy computes on: ``pretend CUDA`` or ``NVIDIA`` and the name of the GPU."""
    cupy = importlib.import_module("cupy")
    if is_pretended(cupy):
        return "pretend CUDA"
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return name if name.startswith("NVIDIA") else f"NVIDIA {name}"
