"""The idx format of MNIST, read strictly: a file is whole and of the expected form, or it raises."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from xpnet.datasets.arrange import Bytes
from xpnet.errors import DataError

GZIP = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
REMEDY = "replace the file with a whole copy"


def unpack(path: Path) -> bytes:
    """Return the bytes of a file, unpacked if its first two bytes are those of gzip, whatever its name.

    Raises: ``DataError`` for a file that cannot be read, ends early or is damaged.
    """
    try:
        packed = path.read_bytes()
        return gzip.decompress(packed) if packed[:2] == GZIP else packed
    except EOFError as error:
        raise DataError(str(path), "must be a whole gzip file", "one that ends early", REMEDY) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(str(path), "must be an undamaged gzip file", error, REMEDY) from error
    except OSError as error:
        raise DataError(str(path), "must be readable", error, "change its permissions, or replace it") from error


def verify(data: bytes, checksum: str, who: str) -> bytes:
    """Return the bytes, if their SHA-256 is the checksum.

    Raises: ``DataError`` otherwise.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != checksum:
        must = f"must have the SHA-256 {checksum[:12]}… unpacked"
        raise DataError(who, must, f"wrong content ({len(data)} bytes, SHA-256 {found[:12]}…)", REMEDY)
    return data


def parse_idx(data: bytes, path: Path, shape: tuple[int | None, ...]) -> Bytes:
    """Return the array in the bytes of an idx file, ``magic, sizes, values``; ``path`` is named in errors.

    Shapes: ``shape``, with None for any size from 1.
    Raises: ``DataError`` for another format, type, shape or length.
    Source: LeCun, Cortes and Burges, 1998, "The MNIST database", the IDX file format.
    """
    who, axes = str(path), len(shape)
    magic = struct.pack(">HBB", 0, UNSIGNED_BYTE, axes)
    start = 4 + 4 * axes
    if data[:4] != magic:
        got = f"0x{data[:4].hex()}" if data else "an empty file"
        must = f"must start with 0x{magic.hex()} (idx, unsigned bytes, {axes} axes)"
        raise DataError(who, must, got, REMEDY)
    if len(data) < start:
        raise DataError(who, f"must have a header of {start} bytes", f"{len(data)} bytes in all", REMEDY)
    sizes = struct.unpack(f">{axes}I", data[4:start])
    if any(size < 1 or wanted not in (None, size) for size, wanted in zip(sizes, shape, strict=True)):
        wanted_sizes = ", ".join("N" if wanted is None else str(wanted) for wanted in shape)
        must = f"must hold ({wanted_sizes}{',' * (axes == 1)}) values with N from 1"
        raise DataError(who, must, sizes, "give files of the same form as MNIST's")
    length = start + prod(sizes)
    if len(data) != length:
        raise DataError(who, f"must be {length} bytes long unpacked, as its header says", len(data), REMEDY)
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(sizes).copy()
