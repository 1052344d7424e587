"""Launches of CUDA kernels, whose sources beside this file are compiled on first use for a floating dtype."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

import cupy

from xpnet.errors import LibraryError
from xpnet.kernels.dispatch import Body, Kernel
from xpnet.layers import bodies

HOME = Path(__file__).parent
SHARED = ("real.cuh", "reduce.cuh", "gelu.cuh")
REALS = {"float16": ("Half", "float"), "float32": ("float", "float"), "float64": ("double", "double")}
WIDE = {"float16": "float32", "float32": "float32", "float64": "float64"}
THREADS = 256
MOST_THREADS = 1024
MOST_BLOCKS = 65535
TILE = 8  # columns that a block reads side by side: with float32, as much as memory hands over at once


def source(file: str) -> str:
    """Return the text of a source file after the sources that all of them share."""
    return "".join((HOME / name).read_text(encoding="utf-8") for name in (*SHARED, f"{file}.cu"))


def options(dtype: str) -> tuple[str, ...]:
    """Return the options of the compiler for a dtype."""
    real, wide = REALS[dtype]
    return f"-DREAL={real}", f"-DWIDE={wide}", "--std=c++17"


@cache
def compiled(file: str, name: str, dtype: str) -> Any:
    """Return a kernel for a floating dtype; CuPy compiles it once for each kind of device."""
    return on_their_device(cupy.RawKernel(source(file), name, options=options(dtype)), name)


def launch_blocks(file: str, name: str, dtype: Any, blocks: int, *args: Any) -> None:
    """Run a kernel with that many blocks."""
    if blocks:
        compiled(file, name, str(dtype))((blocks,), (THREADS,), args)


def launch_each(file: str, name: str, dtype: Any, count: int, *args: Any) -> None:
    """Run a kernel with a thread for each of ``count`` elements, or in a loop if there are too many."""
    if count:
        blocks = min(-(-count // THREADS), MOST_BLOCKS)
        compiled(file, name, str(dtype))((blocks,), (THREADS,), args)


def launch_rows(file: str, name: str, dtype: Any, rows: int, width: int, *args: Any, most: int | None = None) -> None:
    """Run a kernel with a block for each of ``rows`` rows, at most ``most``, of up to ``width`` threads."""
    if rows:
        blocks = min(rows, MOST_BLOCKS if most is None else most)
        compiled(file, name, str(dtype))((blocks,), (_threads(width, THREADS),), args)


def launch_tiles(file: str, name: str, dtype: Any, columns: int, values: int, tile: int, *args: Any) -> None:
    """Run a kernel with a block for each ``tile`` columns, with threads for up to ``values`` values of each."""
    if columns:
        blocks = min(-(-columns // tile), MOST_BLOCKS)
        compiled(file, name, str(dtype))((blocks,), (_threads(tile * values, MOST_THREADS),), args)


def integers(array: Any) -> tuple[Any, int]:
    """Return an array of integers and the code of its dtype, for ``integer_at``."""
    return array, -array.itemsize if array.dtype.kind == "u" else array.itemsize


def _threads(wanted: int, most: int) -> int:
    """Return a power of two from 32, the threads that a processor runs at once, up to ``most``."""
    return min(most, max(32, 1 << (wanted - 1).bit_length()))


def _in_order(value: Any) -> Any:
    """Return an array in C order, copied if it is not; return anything else unchanged."""
    unordered = type(value) is cupy.ndarray and not value.flags.c_contiguous
    return cupy.ascontiguousarray(value) if unordered else value


def body(kernel: Kernel[..., Any]) -> Callable[[Body], Body]:
    """Register the decorated function for CuPy; it receives C-contiguous arrays.

    The reference runs where the first of them is not float16, float32 or float64.
    """

    def register(function: Body) -> Body:
        @wraps(function)
        def guarded(*args: Any) -> Any:
            if args[0].dtype.name not in REALS:
                return kernel.reference(*args)
            return function(*map(_in_order, args))

        placed = on_their_device(guarded, kernel.__name__)
        kernel.on("cupy")(placed)
        return placed

    return register


def on_their_device(function: Body, name: str) -> Body:
    """Return a function that makes the device of its arrays the current one, for its launches and its results.

    Raises: ``LibraryError`` for arrays of two devices. A kernel would read memory that its device may not reach.
    """
    if cupy.cuda.runtime.getDeviceCount() == 1:
        return function

    def placed(*args: Any) -> Any:
        given = (*args, getattr(args[0], "cache", None))  # dout may be a number
        flat = [a for part in given for a in (part if isinstance(part, tuple | list) else (part,))]
        ids = sorted({a.data.device_id for a in flat if type(a) is cupy.ndarray})
        if len(ids) > 1:
            got = " and ".join(f"cuda:{number}" for number in ids)
            remedy = "copy one with backend.asarray(x) of a backend on the other device"
            raise LibraryError(name, "arrays must be on one device", got, remedy)
        with cupy.cuda.Device(*ids):
            return function(*args)

    placed.__name__ = name
    return placed


class CudaBody(bodies.Body):
    """A body whose methods make the device of their arrays the current one, for their launches and results."""

    def __init_subclass__(cls) -> None:
        for name in ("forward", "backward"):
            if hasattr(cls, name):
                setattr(cls, name, on_their_device(getattr(cls, name), name))

    def taken_around(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return the array to add to a result of that shape and dtype, and mark it as taken; None if none fits."""
        around = self.around
        if around is None or around.shape != shape or around.dtype != dtype:
            return None
        self.around = None
        return _in_order(around)


def of_one(x: Any, *others: Any) -> bool:
    """Return whether x is float16, float32 or float64 and all others have its dtype."""
    dtype = x.dtype
    return dtype.name in REALS and all(other.dtype == dtype for other in others)


def ordered(*arrays: Any) -> list[Any]:
    """Return the arrays in C order, copied if they are not."""
    return list(map(_in_order, arrays))


def upstream(dout: Any, y: Any) -> Any:
    """Return dout in C order and in the dtype of y, as layers behind may have given another."""
    (dout,) = ordered(dout)
    return dout if dout.dtype == y.dtype else dout.astype(y.dtype)
