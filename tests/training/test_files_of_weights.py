"""Files that do not fit are refused; a save that fails leaves what was there."""

from __future__ import annotations

import errno
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_net import small_net, values

import xpnet as xn
from xpnet.errors import DataError, DtypeError
from xpnet.files import written_in_place
from xpnet.layers import Affine
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.training import History, weights_file


def test_save_and_load_take_a_path_and_a_network(tmp_path: Path) -> None:
    net = small_net()
    for call in (xn.save, xn.load):
        with pytest.raises(DtypeError, match=f"{call.__name__}: path must be a string or a Path, got TwoLayerNet"):
            call(net, tmp_path / "net")
        with pytest.raises(
            DtypeError, match=f"{call.__name__}: the argument after the path must be a network or layer, got"
        ):
            call(tmp_path / "net", net.params)


def whole(path: Path, net) -> bytes:
    xn.save(path, net)
    return path.read_bytes()


@pytest.mark.parametrize(
    "fault", ["missing", "empty", "truncated", "header", "text", "folder", "another", "shape", "extra"]
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(fault: str, tmp_path: Path) -> None:
    net, path = small_net(), tmp_path / "weights"
    right = whole(path, net)
    arrays = values(net)
    if fault in ("missing", "folder"):
        path.unlink()
        if fault == "folder":
            path.mkdir()
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "truncated":
        path.write_bytes(right[:-5])
    elif fault == "header":
        path.write_bytes(b"\xff" * 8 + right[8:])
    elif fault == "text":
        path.write_text("these are not weights, whatever the name says")
    elif fault == "another":
        xn.save(path, Sequential(Affine.create(4, 3)))
    elif fault == "shape":
        save_file(arrays | {"b2": np.zeros(4, dtype=np.float32)}, path)
    else:
        save_file(arrays | {"W3": np.zeros((2, 2), dtype=np.float32)}, path)
    other = small_net(seed=1)
    kept, before = dict(other.params), values(other)
    with pytest.raises(DataError, match=r"^load: .*weights must .*; give the file that xn.save wrote") as raised:
        xn.load(path, other)
    assert isinstance(raised.value, OSError)
    assert all(other.params[name] is array for name, array in kept.items())
    for name, array in before.items():
        np.testing.assert_array_equal(values(other)[name], array)


def test_a_file_of_another_network_names_the_differences(tmp_path: Path) -> None:
    xn.save(tmp_path / "w", TwoLayerNet(4, 5, 3))
    with pytest.raises(
        DataError, match=r"got W1 \(4, 5\) for \(4, 6\), W2 \(5, 3\) for \(6, 3\), b1 \(5,\) for \(6,\);"
    ):
        xn.load(tmp_path / "w", small_net())
    with pytest.raises(DataError, match=r"Affine1.W missing for \(4, 3\), .*W1 \(4, 5\) for none"):
        xn.load(tmp_path / "w", Sequential(Affine.create(4, 3)))


@pytest.mark.parametrize("kind", [np.int64, np.bool_, np.complex64])
def test_a_file_without_floating_values_is_refused(kind: type, tmp_path: Path) -> None:
    net = small_net()
    save_file({name: array.astype(kind) for name, array in values(net).items()}, tmp_path / "w")
    with pytest.raises(DataError, match=rf"W1 in .* must be floating, got {np.dtype(kind).name}; give"):
        xn.load(tmp_path / "w", net)


@pytest.mark.parametrize("place", ["below a file", "no such folder", "a folder"])
def test_a_place_that_cannot_be_written_to(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / "folder").mkdir()
    path = {
        "below a file": tmp_path / "file" / "w",
        "no such folder": tmp_path / "none" / "w",
        "a folder": tmp_path / "folder",
    }[place]
    with pytest.raises(
        DataError, match=r"^save: .* must be writable, got (Not a|No such|Is a) .*; choose another path"
    ):
        xn.save(path, small_net())
    with pytest.raises(DataError, match=r"^save: "):
        History().save(path, {})
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_save_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    """As on a disk that is full: here no file may be longer than 1,000 bytes."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "weights"
    old = whole(path, small_net())
    before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(DataError, match=r"^save: .*weights must be writable, got File too large; choose another"):
            xn.save(path, small_net(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == ["weights"]


def test_a_file_that_threads_help_to_write_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, old = small_net(), whole(tmp_path / "alone", small_net())
    monkeypatch.setattr(weights_file, "BESIDE", 1)
    monkeypatch.setattr(weights_file, "FLUSHED", 1)
    assert whole(tmp_path / "beside", net) == old
    xn.load(tmp_path / "beside", small_net(seed=1))
    damaged = bytearray(old)
    damaged[-1] ^= 1
    (tmp_path / "beside").write_bytes(damaged)
    with pytest.raises(DataError, match=r"must hold what was written, got other values in b2; it is damaged"):
        xn.load(tmp_path / "beside", net)

    def full(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", full, raising=False)
    with pytest.raises(DataError, match=r"alone must be writable, got Input/output error"):
        xn.save(tmp_path / "alone", small_net(seed=1))
    assert (tmp_path / "alone").read_bytes() == old


def test_a_file_is_written_where_no_thread_starts_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the end of Python, in a function that ``atexit`` calls."""

    def refuse(*_: object) -> None:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    old = whole(tmp_path / "w", small_net())
    monkeypatch.setattr(weights_file, "BESIDE", 1)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    assert whole(tmp_path / "w", small_net()) == old


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced on Windows")
def test_who_has_the_old_file_open_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    old = whole(path, small_net())
    with path.open("rb", buffering=0) as reader:
        begun = reader.read(10)
        xn.save(path, small_net(seed=1))
        assert begun + reader.read() == old
    assert path.read_bytes() != old


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_what_breaks_while_writing_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def write_half() -> None:
        with written_in_place(tmp_path / "new") as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_do_not_share_a_part(tmp_path: Path) -> None:
    with written_in_place(tmp_path / "w") as one, written_in_place(tmp_path / "w") as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "w").read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["w"]


def test_a_file_has_the_permissions_that_open_gives(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    xn.save(tmp_path / "weights", small_net())
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("length", [0x0280, 0x0380, 0x0480, 0x0580], ids=hex)
def test_a_header_of_any_length_is_read(length: int, tmp_path: Path) -> None:
    """The file begins with the length of its header, which may begin as a pickle does."""
    path, net = tmp_path / "w.safetensors", Sequential(Affine.create(2, 2))
    xn.training.save(path, net, metadata={"pad": ""})
    lacks = length - int.from_bytes(path.read_bytes()[:8], "little")
    while lacks < 0:
        lacks += 0x10000
    xn.training.save(path, net, metadata={"pad": "x" * lacks})
    assert path.read_bytes()[:2] == length.to_bytes(2, "little")
    for name, array in xn.load_network(path).params.items():
        np.testing.assert_array_equal(array, net.params[name])
