"""Launching CUDA kernels: the sources beside this file, compiled on first use for float32 or float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

import cupy

from xpnet.kernels.dispatch import Body, Kernel

HOME = Path(__file__).parent
REALS = {"float32": "float", "float64": "double"}
THREADS = 256
MOST_BLOCKS = 65535


def source(file: str) -> str:
    """The text of a source, with the reductions that its kernels share."""
    return "".join((HOME / name).read_text(encoding="utf-8") for name in ("reduce.cuh", f"{file}.cu"))


@cache
def compiled(file: str, name: str, dtype: str) -> Any:
    """A kernel for a floating dtype; CuPy compiles it once for each kind of device."""
    return cupy.RawKernel(source(file), name, options=(f"-DREAL={REALS[dtype]}", "--std=c++17"))


def launch_each(file: str, name: str, dtype: Any, count: int, *args: Any) -> None:
    """Run a kernel with a thread for each of ``count`` elements, in turn where there are too many."""
    if count:
        blocks = min(-(-count // THREADS), MOST_BLOCKS)
        compiled(file, name, str(dtype))((blocks,), (THREADS,), args)


def launch_rows(file: str, name: str, dtype: Any, rows: int, width: int, *args: Any) -> None:
    """Run a kernel with a block for each of ``rows`` rows, with threads for up to ``width`` elements."""
    if rows:
        threads = min(THREADS, max(32, 1 << (width - 1).bit_length()))
        compiled(file, name, str(dtype))((min(rows, MOST_BLOCKS),), (threads,), args)


def body(kernel: Kernel[..., Any]) -> Callable[[Body], Body]:
    """Register the decorated function for CuPy; it receives C-contiguous arrays.

    The reference runs where the floating arrays are not all float32 or all float64.
    """

    def register(function: Body) -> Body:
        @wraps(function)
        def guarded(*args: Any) -> Any:
            floating = {a.dtype.name for a in args if type(a) is cupy.ndarray and a.dtype.kind not in "iub"}
            if len(floating) != 1 or not floating <= REALS.keys():
                return kernel.reference(*args)
            return function(*(cupy.ascontiguousarray(a) if type(a) is cupy.ndarray else a for a in args))

        kernel.on("cupy")(guarded)
        return guarded

    return register
