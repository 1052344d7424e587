"""Safetensors files that are whole: written aside and renamed, and checked when they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend.threads import has_threads
from xpnet.errors import DataError
from xpnet.files import written_in_place

Host: TypeAlias = "np.ndarray[Any, Any]"

FORMAT = 2
"""The version of the metadata; files of a newer version are refused."""

REMEDY = "give the file that xn.save wrote for such a network"

OF_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""The errors that damaged and forged content of a file raises where it is used."""

AT_ONCE = 4 << 20
"""The number of bytes that are written at once: the system takes a third less time for them than for small parts."""

BESIDE = 4 << 20
"""The size of a file from which on threads for the sums and the disk gain more than they cost."""

PART = 1 << 20
"""The number of bytes that are read before they are summed: they are still in the cache of the processor."""

FLUSHED = 16 << 20
"""The number of written bytes after which the disk is told to start."""


def write(path: str | Path, arrays: Mapping[str, Host], metadata: Mapping[str, str]) -> None:
    """Write arrays and metadata, directly from memory, with a checksum of the bits of each array.

    The format is that of ``safetensors.numpy.save_file``, which is not used because its own temporary file would
    survive a kill, and because its errors and permissions are not those of the system.

    Raises: ``DataError`` if the file cannot be written.
    Source: safetensors, "Format".
    """
    # a transposed array has another order in memory
    ordered = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    names = sorted(ordered, key=lambda name: (-ordered[name].dtype.itemsize, name))  # so that each is aligned
    sums = dict.fromkeys(names, f"{0:016x}")
    size = sum(array.nbytes for array in ordered.values())
    with written_in_place(path) as part, FileIO(part, "w") as file, mapping(size) as each:
        start = header(ordered, names, sums, metadata)
        if hasattr(os, "posix_fallocate"):  # else the system allocates space again and again
            os.posix_fallocate(file.fileno(), 0, len(start) + size)
        found = each(checksum, [ordered[name] for name in names])
        write_all(file, start)
        flushed, waiting = [], 0
        for name in names:
            write_all(file, bits(ordered[name]))
            waiting += ordered[name].nbytes
            if waiting >= FLUSHED and hasattr(os, "fdatasync"):  # so that the disk works while the rest is copied
                flushed.append(each(os.fdatasync, [file.fileno()]))
                waiting = 0
        for one in flushed:
            list(one)  # raises an error of the disk, which is told only once
        sums = dict(zip(names, found, strict=True))
        file.seek(0)
        write_all(file, header(ordered, names, sums, metadata))


@contextmanager
def mapping(size: int) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]]:
    """Yield a ``map`` for so many bytes, which works in other threads while this one reads or writes the file."""
    with ThreadPoolExecutor(2, "xpnet") as pool:
        beside = size >= BESIDE and has_threads()
        if beside:
            try:
                pool.submit(int)
            except RuntimeError:  # Python is ending, and starts no more threads
                beside = False
        yield pool.map if beside else map


def write_all(file: FileIO, data: bytes | Host) -> None:
    """Write bytes to a file, which may accept them in parts, as on an almost full disk."""
    view = memoryview(data)  # type: ignore[arg-type]
    while view.nbytes:
        view = view[file.write(view[:AT_ONCE]) :]


def bits(array: Host) -> Host:
    """Return the bytes of a contiguous array."""
    return array.reshape(-1).view(np.uint8)


def header(
    arrays: Mapping[str, Host], names: Sequence[str], sums: Mapping[str, str], metadata: Mapping[str, str]
) -> bytes:
    """Return the header of a file: its length and the place of each array; its size is the same for any checksums."""
    own = {"format": "xpnet", "version": str(FORMAT), "sums": json.dumps(sums)}
    told: dict[str, Any] = {"__metadata__": {**own, **metadata}}
    end = 0
    for name in names:
        array, start = arrays[name], end
        end += array.nbytes
        told[name] = {"dtype": code(array.dtype), "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


CODES = {
    code: np.dtype(name)
    for code, name in {
        **{f"{kind.upper()}{8 * size}": f"<{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)},
        **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
        "BOOL": "?",
        "C64": "<c8",
    }.items()
}
"""The dtypes of NumPy by their codes in a safetensors file."""


def code(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype in a safetensors file, ``F32``."""
    if dtype.kind == "b":
        return "BOOL"
    return f"{dtype.kind.upper()}{8 * dtype.itemsize}"


def read(path: str | Path, who: str = "load") -> tuple[dict[str, Host], dict[str, str]]:
    """Return the arrays and metadata of a file.

    Raises: ``DataError`` for a file that is missing, not safetensors, truncated, damaged, or of a newer version.
    """
    with opened(path, who) as (file, metadata), FileIO(path) as raw:  # of which the first proves the format
        sums = sums_in(path, who, metadata)
        places, turn, arrays = places_in(raw), Lock(), {}
        for name in list(file.keys()):  # memory of this thread comes in large pages, and that of the others would not
            dtype, shape, _ = places[name]
            arrays[name] = np.empty(shape, dtype) if dtype else file.get_tensor(name)

        def summed(name: str) -> str:
            dtype, _, start = places[name]
            return read_into(arrays[name], raw, turn, start, name in sums) if dtype else checksum(arrays[name])

        with mapping(os.fstat(raw.fileno()).st_size) as each:
            found = dict(zip(arrays, each(summed, arrays), strict=True))
    changed = [name for name in sums if found.get(name) != sums[name]]
    if changed:
        got = f"other values in {', '.join(changed[:3])}"
        raise DataError(who, f"{path} must hold what was written", got, "it is damaged: use a copy of it")
    return arrays, metadata


def metadata_of(path: str | Path, who: str = "load") -> dict[str, str]:
    """Return the metadata of a file, without its arrays.

    Raises: errors of ``read``.
    """
    with opened(path, who) as (_, metadata):
        return metadata


@contextmanager
def opened(path: str | Path, who: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """Open a safetensors file and yield it with its metadata; any error of it, also in the block, becomes DataError."""
    from safetensors import SafetensorError, safe_open

    must = f"{path} must be a readable safetensors file"
    try:
        if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
            raise DataError(who, must, "a device or pipe, and no file", REMEDY)
        with Path(path).open("rb") as file:
            first = file.read(9)  # of a safetensors file the length of its header, which may begin alike, and {
            if first[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") and first[8:] != b"{":
                raise DataError(who, must, "a pickle or an archive, which is never run", REMEDY)
        with safe_open(path, framework="np") as found:
            yield found, found.metadata() or {}
    except (OSError, SafetensorError, *OF_DAMAGE) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(who, must, plain(error), REMEDY) from error


def sums_in(path: str | Path, who: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums of the arrays of one of our files, by name, and none for other files.

    Raises: ``DataError`` for a newer version, and for invalid checksums.
    """
    if metadata.get("format") != "xpnet":
        return {}
    version = metadata.get("version", "1")
    if not version.isdecimal() or int(version) > FORMAT:
        must, got = f"{path} must be of version {FORMAT} or older", f"version {version}"
        raise DataError(who, must, got, "install a newer xpnet")
    found = json.loads(metadata.get("sums", "{}"))
    if not isinstance(found, dict):
        raise DataError(who, f"{path} must contain the checksums of its arrays", type(found).__name__, REMEDY)
    return found


def places_in(file: FileIO) -> dict[str, tuple[np.dtype[Any] | None, tuple[int, ...], int]]:
    """Return the dtype of each array of a file, None if NumPy lacks it, its shape, and the byte at which it starts."""
    length = int.from_bytes(file.read(8), "little")
    told = json.loads(file.read(length))
    told.pop("__metadata__", None)
    return {
        name: (CODES.get(one["dtype"]), tuple(one["shape"]), 8 + length + one["data_offsets"][0])
        for name, one in told.items()
    }


def read_into(array: Host, file: FileIO, turn: Lock, start: int, summed: bool) -> str:
    """Fill an array from a file, and return the checksum of its bits if it is asked for, summed part by part.

    Raises: ``ValueError`` for a file that ends early.
    """
    data, total = bits(array), 0
    for first in range(0, data.size, PART):
        part = data[first : first + PART]
        view, at = memoryview(part), start + first  # type: ignore[arg-type]
        while view.nbytes:
            done = read_at(file, turn, view, at)
            if not done:
                raise ValueError("a file that ends early")
            view, at = view[done:], at + done
        total += sum_of_bits(part) if summed else 0
    return as_text(total)


def read_at(file: FileIO, turn: Lock, view: memoryview, at: int) -> int:
    """Read bytes from a place in a file, and return how many; threads take turns where the system reads only on."""
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [view], at)
    with turn:
        file.seek(at)
        return file.readinto(view) or 0


def checksum(array: Host) -> str:
    """Return the checksum of the bits of a contiguous array."""
    return as_text(sum_of_bits(bits(array)))


def sum_of_bits(flat: Host) -> int:
    """Return the sum of the 64-bit words and the remaining bytes of some data, which changes with any single bit."""
    whole = flat.size // 8 * 8
    return int(flat[:whole].view(np.uint64).sum(dtype=np.uint64)) + int(flat[whole:].sum(dtype=np.uint64))


def as_text(total: int) -> str:
    """Return a sum modulo 2⁶⁴ as text."""
    return f"{total % 2**64:016x}"


def plain(error: BaseException) -> str:
    """Return the reason of an error, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.partition("\n")[0].removeprefix("Error while deserializing header: ")
