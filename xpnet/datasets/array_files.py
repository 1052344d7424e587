"""Arrays in .npy and .npz files, whose rows are read when they are needed."""

from __future__ import annotations

import math
import mmap
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend.several import flat
from xpnet.datasets.tables import Host
from xpnet.errors import ArgumentError, DataError, NameUnknownError, XpnetError
from xpnet.files import path_of, reason

KEPT = 1 << 24
"""The number of bytes of a file that may stay in memory after they were read."""

DENSE = 200
"""How many times larger than its compressed form an array may be, if it is not small: repeated numbers alone are."""

SMALL = 1 << 28
"""The bytes that any compressed array may have."""

AROUND = 1 << 17
"""The bytes that the system may map beside a row that is read."""


class RowsOnDisk:
    """The rows of an array in a file, ``x[i:j]`` and ``x[[3, 1, 2]]``, which are read when they are needed.

    Only the rows that were read last are kept in memory. ``take`` selects some of the rows, in any order, without
    reading them.

    >>> np.save("x.npy", np.arange(6.0).reshape(3, 2))
    >>> x = load_array("x.npy")
    >>> x[[2, 0]]
    array([[4., 5.],
           [0., 1.]])
    >>> x.take([2, 1])[0:1]
    array([[4., 5.]])
    """

    def __init__(self, path: Path, array: np.memmap[Any, Any], rows: Host | None = None) -> None:
        self.path = path
        self.rows = rows
        self._array = array
        self._read = 0
        count = array.shape[0] if rows is None else len(rows)
        self.shape: tuple[int, ...] = (count, *array.shape[1:])
        self.ndim, self.dtype = len(self.shape), array.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Host:
        """Return rows on the host, selected by a slice or by indices."""
        own = key[0] if isinstance(key, tuple) else key
        if self.rows is not None:
            own = self.rows[own]
        if isinstance(own, slice) or own is Ellipsis:
            found = np.array(self._array[own])  # a copy, so that the pages of the file can be released
            self._forget(found.nbytes)
            return found
        rows, row = np.arange(self._array.shape[0])[own] if is_mask(own) else np.asarray(own), self._array[:1].nbytes
        found, some = np.empty((*rows.shape, *self.shape[1:]), self.dtype), max(KEPT // (row + AROUND), 1)
        for first in range(0, rows.size, some):
            part = slice(first, first + some) if rows.ndim else ()
            found[part] = self._array[rows[part]]
            self._forget(rows[part].size * (row + AROUND))
        return found

    def _forget(self, size: int) -> None:
        """Release the pages of the file once enough bytes have been read."""
        self._read += size
        if self._read >= KEPT:
            self._read = 0
            advise = getattr(getattr(self._array, "_mmap", None), "madvise", None)
            if advise is not None and hasattr(mmap, "MADV_DONTNEED"):
                advise(mmap.MADV_DONTNEED)

    def take(self, rows: Any) -> RowsOnDisk:
        """Return some of the rows, by their indices, still on disk."""
        chosen = np.asarray(rows)
        return RowsOnDisk(self.path, self._array, chosen if self.rows is None else self.rows[chosen])

    def place(self, row: int) -> int:
        """Return the index in the file of a row."""
        return row if self.rows is None else int(self.rows[row])

    def __repr__(self) -> str:
        return f"RowsOnDisk({self.path}, {self.shape} {self.dtype})"


def on_disk(parts: Iterable[Any]) -> bool:
    """Return whether some of the parts of a batch are rows that stay in a file."""
    return any(isinstance(part, RowsOnDisk) for part in flat(parts))


def is_mask(key: Any) -> bool:
    """Return whether rows are chosen by a boolean for each."""
    return bool(np.asarray(key).dtype == bool)


def load_array(path: str | Path, name: str | None = None) -> RowsOnDisk:
    """Return the array in a .npy file, or the one of that name in a .npz file, left on disk until rows are needed.

    An array that is compressed, by ``np.savez_compressed``, or stored by columns is read as a whole.

    Raises: ``DataError`` for a file that cannot be read, is truncated, or holds Python objects, which are never
    unpickled; ``NameUnknownError`` for a name that is not in the file.

    >>> np.savez("data.npz", x=np.arange(6.0).reshape(3, 2), t=np.arange(3))
    >>> load_array("data.npz", "x")[1:]
    array([[2., 3.],
           [4., 5.]])
    """
    path, offset = path_of("load_array", path), 0
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                member = archive.getinfo(f"{chosen(path, archive, name)}.npy")
                offset = start_of(path, member)
                if member.compress_type != zipfile.ZIP_STORED:
                    return in_memory(path, read_member(archive, member))
        elif name is not None:
            raise ArgumentError("load_array", "name must be left out for a .npy file", repr(name), "give a .npz file")
        with path.open("rb") as file:
            file.seek(offset)
            shape, fortran, dtype = header_of(file, os.fstat(file.fileno()).st_size - offset)
            place = file.tell()
            if not shape or 0 in shape or fortran:
                file.seek(offset)
                return in_memory(path, np.lib.format.read_array(file, allow_pickle=False))
        return RowsOnDisk(path, np.memmap(path, dtype, "r", place, shape))
    except XpnetError:
        raise
    except Exception as error:  # what NumPy and zipfile raise for a damaged file is of many kinds
        must, remedy = f"{path} must be a whole file of numbers, .npy or .npz", "write it with np.save"
        raise DataError("load_array", must, reason(error) or type(error).__name__, remedy) from error


def header_of(file: Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape of an array, whether it is stored by columns, and its dtype, from a .npy file of some bytes.

    Raises: ``ValueError`` for Python objects, and for a header that promises more than the file has.
    """
    start = file.tell()
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Python objects, which could run anything")
    if dtype.kind in "V" or not dtype.itemsize:
        raise ValueError(f"values of {dtype}")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"an array of shape {shape}"[:80])
    if math.prod(shape) * dtype.itemsize > size - (file.tell() - start):
        raise ValueError("a header that promises more than the file has")
    return shape, fortran, dtype


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Host:
    """Return the array in an entry of an archive.

    Raises: ``ValueError`` for Python objects, and for a small entry that would fill the memory.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("an entry that is compressed in another way than by np.savez_compressed")
    if member.file_size > max(SMALL, DENSE * member.compress_size):
        raise ValueError(f"{member.file_size:,} bytes in {member.compress_size:,} that are compressed")
    with archive.open(member) as file:
        header_of(file, member.file_size)
    with archive.open(member) as file:
        array: Host = np.lib.format.read_array(file, allow_pickle=False)
    return array


def in_memory(path: Path, array: Host) -> RowsOnDisk:
    """Return an array in memory, in the form of one on disk.

    Raises: ``DataError`` for an array without rows.
    """
    if array.ndim == 0 or 0 in array.shape:
        raise DataError("load_array", f"{path} must hold rows", f"an array of shape {array.shape}", "give some data")
    return RowsOnDisk(path, array)  # type: ignore[arg-type]


def chosen(path: Path, archive: zipfile.ZipFile, name: str | None) -> str:
    """Return the name of an array in an archive: the only one, or the given one.

    Raises: ``NameUnknownError``.
    """
    names = [entry.removesuffix(".npy") for entry in archive.namelist() if entry.endswith(".npy")]
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        must = f"the name of an array in {path} must be one of {', '.join(names) or 'none'}"
        raise NameUnknownError("load_array", must, repr(name), "choose one")
    return name


def start_of(path: Path, member: zipfile.ZipInfo) -> int:
    """Return the offset at which the data of an entry start, after its header."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        head = file.read(30)
    return member.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
