"""Safetensors files that are whole: written aside and renamed, and read only as they were written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.errors import DataError
from xpnet.files import written_in_place

Host: TypeAlias = "np.ndarray[Any, Any]"

FORMAT = 2
"""The version of what stands in the metadata; files of a newer one are refused."""

REMEDY = "give the file that xn.save wrote for such a network"


def write(path: str | Path, arrays: Mapping[str, Host], metadata: Mapping[str, str]) -> None:
    """Write arrays and metadata, from the memory in which they are, with a sum of the bits of each array.

    It writes what ``safetensors.numpy.save_file`` writes, whose own temporary file would survive a kill, and whose
    errors and permissions are not those of the system.

    Raises: ``DataError`` where the file cannot be written.
    Source: safetensors, "Format".
    """
    # an array that is transposed lies in memory in another order
    ordered = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    names = sorted(ordered, key=lambda name: (-ordered[name].dtype.itemsize, name))  # each begins at a whole item
    sums = dict.fromkeys(names, f"{0:016x}")
    with written_in_place(path) as part, part.open("wb") as file:
        file.write(header(ordered, names, sums, metadata))
        for name in names:
            sums[name] = sum_of_bits(ordered[name])  # while it is in the cache
            file.write(ordered[name].reshape(-1).view(np.uint8).data)
        file.seek(0)
        file.write(header(ordered, names, sums, metadata))


def header(
    arrays: Mapping[str, Host], names: Sequence[str], sums: Mapping[str, str], metadata: Mapping[str, str]
) -> bytes:
    """What stands before the arrays: its own length, and where each of them is; of one length whatever the sums."""
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


def code(dtype: np.dtype[Any]) -> str:
    """What a safetensors file calls a dtype, ``F32``."""
    if dtype.kind == "b":
        return "BOOL"
    return f"{dtype.kind.upper()}{8 * dtype.itemsize}"


def read(path: str | Path, who: str = "load") -> tuple[dict[str, Host], dict[str, str]]:
    """The arrays and metadata of a file.

    Raises: ``DataError`` for a file that is missing, no safetensors, truncated, damaged, or of a newer version.
    """
    from safetensors import SafetensorError, safe_open

    must = f"{path} must be a readable safetensors file"
    try:
        with Path(path).open("rb") as file:
            if file.read(2) in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
                raise DataError(who, must, "a pickle or an archive, which is never run", REMEDY)
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            sums = sums_in(path, who, metadata)
            arrays, changed = {}, [name for name in sums if name not in file.keys()]  # noqa: SIM118 (it is no mapping)
            for name in file.keys():  # noqa: SIM118
                arrays[name] = file.get_tensor(name)
                if name in sums and sum_of_bits(arrays[name]) != sums[name]:  # while it is in the cache
                    changed.append(name)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(who, must, plain(error), REMEDY) from error
    if changed:
        got = f"other values in {', '.join(changed[:3])}"
        raise DataError(who, f"{path} must hold what was written", got, "it is damaged: take a copy of it")
    return arrays, metadata


def sums_in(path: str | Path, who: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """The sums of the arrays of a file of ours, by their names; of others there are none.

    Raises: ``DataError`` for a newer version, and for what is no sums.
    """
    if metadata.get("format") != "xpnet":
        return {}
    version = metadata.get("version", "1")
    if not version.isdecimal() or int(version) > FORMAT:
        must, got = f"{path} must be of version {FORMAT} or older", f"version {version}"
        raise DataError(who, must, got, "install a newer xpnet")
    found = json.loads(metadata.get("sums", "{}"))
    if not isinstance(found, dict):
        raise DataError(who, f"{path} must tell the sums of its arrays", type(found).__name__, REMEDY)
    return found


def sum_of_bits(array: Host) -> str:
    """The sum of the words of an array, modulo 2⁶⁴: another one where a bit is another."""
    flat = array.reshape(-1).view(np.uint8)
    whole = flat.size // 8 * 8
    words = int(flat[:whole].view(np.uint64).sum(dtype=np.uint64)) + int(flat[whole:].sum(dtype=np.uint64))
    return f"{words % 2**64:016x}"


def plain(error: Exception) -> str:
    """The reason of an error, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.partition("\n")[0].removeprefix("Error while deserializing header: ")
