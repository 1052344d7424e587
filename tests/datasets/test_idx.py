"""The idx format: a whole file is read, anything else is refused by name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idx_files import idx

from xpnet.datasets.idx import parse_idx, unpack, verify
from xpnet.errors import DataError

PATH = Path("folder") / "train-images-idx3-ubyte"
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = idx(IMAGES)


def test_values_come_back_writable() -> None:
    values = parse_idx(WHOLE, PATH, (None, 3, 4))
    assert values.dtype == np.uint8
    assert np.array_equal(values, IMAGES)
    values[...] = 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "must start with 0x00000803 .*got an empty file"),
        (b"<html>not here</html>", "must start with 0x00000803"),
        (b"\x00\x01" + WHOLE[2:], "got 0x00010803"),
        (b"\x00\x00\x0d\x03" + WHOLE[4:], "unsigned bytes.*got 0x00000d03"),
        (idx(np.arange(5, dtype=np.uint8)), "3 axes.*got 0x00000801"),
        (WHOLE[:11], "header of 16 bytes, got 11"),
        (WHOLE[:-1], "40 bytes long unpacked.*got 39"),
        (WHOLE + b"\x00", "40 bytes long unpacked.*got 41"),
        (idx(IMAGES.reshape(2, 4, 3)), r"\(N, 3, 4\) values.*got \(2, 4, 3\)"),
        (idx(np.zeros((0, 3, 4), np.uint8)), r"N from 1, got \(0, 3, 4\)"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 3, 4), "51539607556 bytes long"),
    ],
)
def test_other_bytes_are_refused_by_the_name_of_the_file(data: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as raised:
        parse_idx(data, PATH, (None, 3, 4))
    assert raised.value.who == str(PATH)


@given(st.binary(max_size=60) | st.binary(max_size=30).map(lambda tail: WHOLE[:4] + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        values = parse_idx(data, PATH, (None, 3, 4))
    except DataError:
        return
    assert idx(values) == data


@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_packed_files_are_known_by_their_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(WHOLE))
    assert unpack(tmp_path / name) == WHOLE
    (tmp_path / name).write_bytes(WHOLE)
    assert unpack(tmp_path / name) == WHOLE


@pytest.mark.parametrize("kept", [2, 5, 12, -9, -1])
def test_truncated_gzip_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(WHOLE)[:kept])
    with pytest.raises(DataError, match=r"file\.gz: must be a whole gzip file, got one that ends early"):
        unpack(path)


@pytest.mark.parametrize("place", [2, 10, 15, -6, -2])
def test_damaged_gzip_is_refused(tmp_path: Path, place: int) -> None:
    packed = bytearray(gzip.compress(WHOLE))
    packed[place] ^= 0xFF
    path = tmp_path / "file.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"file\.gz: must be an? (undamaged|whole) gzip file"):
        unpack(path)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be readable"):
        unpack(tmp_path / "absent")


def test_wrong_checksum_is_refused() -> None:
    with pytest.raises(DataError, match="SHA-256 000000000000… unpacked, got wrong content"):
        verify(WHOLE, "0" * 64, "file")
