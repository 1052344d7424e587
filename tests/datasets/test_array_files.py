"""Arrays in files: rows are read when they are asked for, batches are those of memory, bad files are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from named_numbers import normal

from xpnet.datasets import Batches, load_array
from xpnet.errors import ArgumentError, DataError, LibraryError, NameUnknownError
from xpnet.random import Generator

X = normal("x", 30, 4)


def npy(path: Path, array) -> Path:
    np.save(path, array)
    return path


def test_rows_come_as_they_are_in_memory(tmp_path: Path) -> None:
    rows = load_array(npy(tmp_path / "x.npy", X))
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == ((30, 4), 2, X.dtype, 30)
    order = np.asarray([7, 3, 29, 3])
    for key in (slice(2, 5), order, (slice(0, 3), ...)):
        np.testing.assert_array_equal(rows[key], X[key])
    some = rows.take(order).take([1, 2])
    np.testing.assert_array_equal(some[...], X[[3, 29]])
    assert some.place(1) == 29
    assert type(rows[0:2]) is np.ndarray


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_of_an_archive(packed: bool, tmp_path: Path) -> None:
    (np.savez_compressed if packed else np.savez)(tmp_path / "d.npz", x=X, t=np.arange(30))
    np.testing.assert_array_equal(load_array(tmp_path / "d.npz", "x")[...], X)
    np.testing.assert_array_equal(load_array(tmp_path / "d.npz", "t")[4:6], [4, 5])
    with pytest.raises(NameUnknownError, match=r"name of an array in .* must be one of x, t, got None"):
        load_array(tmp_path / "d.npz")


def test_columns_first_is_read_as_well(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load_array(npy(tmp_path / "x.npy", np.asfortranarray(X)))[...], X)


def test_batches_of_a_file_are_those_of_memory(tmp_path: Path) -> None:
    t = np.arange(30)
    on_disk = Batches(load_array(npy(tmp_path / "x.npy", X)), t, 7, Generator(3))
    in_memory = Batches(X, t, 7, Generator(3))
    for (x, labels), (y, others) in zip(on_disk.epoch(2), in_memory.epoch(2), strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(labels, others)


def test_a_row_of_a_file_that_is_not_finite_is_named(tmp_path: Path) -> None:
    bad = X.copy()
    bad[17, 2] = np.nan
    batches = Batches(load_array(npy(tmp_path / "x.npy", bad)), np.arange(30), 7, Generator(3))
    with pytest.raises(DataError, match=r"x.npy must hold finite numbers, got NaN or infinity in row 17;"):
        list(batches.epoch(1))


def test_what_is_beside_rows_on_disk_is_on_the_host(tmp_path: Path) -> None:
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(
        LibraryError, match="t must be on the host if other rows are on disk, got Array; give an array of N"
    ):
        Batches(load_array(npy(tmp_path / "x.npy", X)), strict.asarray([0] * 30), 7)


def test_little_of_a_file_stays_in_memory(tmp_path: Path) -> None:
    """Of a sparse file of 2 GB, every row of which is read, less than 200 MB."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    with (tmp_path / "big.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (500_000, 1000)})
        file.truncate(file.tell() + 500_000 * 1000 * 4)
    rows, highest = load_array(tmp_path / "big.npy"), 0
    page = os.sysconf("SC_PAGE_SIZE")
    before = int(Path("/proc/self/statm").read_text().split()[1]) * page
    for start in range(0, 500_000, 5_000):
        assert not rows[start : start + 5_000].any()
        highest = max(highest, int(Path("/proc/self/statm").read_text().split()[1]) * page)
    assert highest - before < 200e6


def test_files_that_are_no_array_are_refused(tmp_path: Path) -> None:
    whole = npy(tmp_path / "x.npy", X).read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:200])
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04")
    np.save(tmp_path / "objects.npy", np.asarray([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "empty.npy", X[:0])
    np.save(tmp_path / "number.npy", np.asarray(3.0))
    for name in ("short", "text", "torn", "objects", "none"):
        path = tmp_path / (f"{name}.npz" if name == "torn" else f"{name}.npy")
        with pytest.raises(
            DataError, match=f"^load_array: .*{name}.* must be a whole file of numbers, .npy or .npz, got "
        ):
            load_array(path)
    for name in ("empty", "number"):
        with pytest.raises(DataError, match="must hold rows, got an array of shape"):
            load_array(tmp_path / f"{name}.npy")
    with pytest.raises(ArgumentError, match=r"name must be left out for a .npy file, got 'x'"):
        load_array(tmp_path / "x.npy", "x")
