"""CuPy for the tests: on a CUDA device, or where there is none on the one that ``tests/pretend_cuda`` pretends."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest


def offer_cupy() -> str:
    """Let CuPy compute here and in processes of the tests, before it is imported; the reason, where it cannot.

    A real device goes before a pretended one. ``PRETEND_CUDA=1`` asks for the pretended one, ``0`` forbids it.
    """
    asked = os.environ.get("PRETEND_CUDA", "")
    if asked == "0" or importlib.util.find_spec("cupy") is None:
        return ""
    sys.path.insert(0, str(Path(__file__).parent / "pretend_cuda"))
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
    """Whether this CuPy computes on the CPU."""
    return hasattr(cupy.cuda.runtime, "_pretend_do")


def named_device() -> str:
    """What CuPy computes on: ``pretend CUDA`` or ``NVIDIA`` and the name of the GPU."""
    cupy = importlib.import_module("cupy")
    if is_pretended(cupy):
        return "pretend CUDA"
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return name if name.startswith("NVIDIA") else f"NVIDIA {name}"
