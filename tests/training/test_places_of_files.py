"""Where weights are written: links, long and impossible names, devices, permissions; and that they are on the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from small_net import small_net, values

import xpnet as xn
from xpnet.errors import DataError
from xpnet.files import make_folder, written_in_place
from xpnet.training import History

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other links and permissions")


@posix
@pytest.mark.parametrize("target", ["there", "not yet there", "a link to it", "another folder"])
def test_a_link_stays_one_and_what_it_names_is_written(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / ("folder/weights" if target == "another folder" else "weights")
    if target == "there":
        file.write_text("old")
    link = tmp_path / "link"
    if target == "a link to it":
        (tmp_path / "between").symlink_to(file)
        link.symlink_to(tmp_path / "between")
    else:
        link.symlink_to(file.relative_to(tmp_path))
    net = small_net()
    xn.save(link, net)
    assert link.is_symlink()
    assert file.is_file()
    assert not file.is_symlink()
    again = small_net(seed=1)
    xn.load(link, again)
    for name, value in values(net).items():
        np.testing.assert_array_equal(values(again)[name], value)


@posix
def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    with pytest.raises(DataError, match=r"^save: .*one must be writable, got a link that leads to itself; choose"):
        xn.save(tmp_path / "one", small_net())
    assert (tmp_path / "one").is_symlink()


@pytest.mark.parametrize("length", [230, 250, 255])
def test_names_as_long_as_the_system_allows(length: int, tmp_path: Path) -> None:
    path = tmp_path / ("w" * length)
    xn.save(path, small_net())
    xn.load(path, small_net(seed=1))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(DataError, match=r"^save: .* must be writable, got File name too long; choose another path"):
        xn.save(tmp_path / ("w" * 256), small_net())


@pytest.mark.parametrize("name", ["zero\0byte", "half\ud800"])
def test_names_that_no_system_has(name: str, tmp_path: Path) -> None:
    for call in (xn.save, xn.load):
        with pytest.raises(DataError, match=rf"^{call.__name__}: "):
            call(tmp_path / name, small_net())
    with pytest.raises(DataError):
        History().save(tmp_path / name, {})
    with pytest.raises(DataError, match=r"^train: .* must be a writable folder, got "):
        make_folder("train", tmp_path / name)
    x = xn.Variable(1.0)
    with pytest.raises(DataError, match=r"^Drawing.save: "):
        xn.draw(x * x).save(tmp_path / f"{name}.svg")
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"^save: .*pipe must be writable, got a device or pipe, and no file; choose"):
        xn.save(tmp_path / "pipe", small_net())
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_text("secret")
    path.chmod(0o600)
    xn.save(path, small_net())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_file_that_is_read_only_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    path.write_text("kept")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever administers a machine may write to all files
    with pytest.raises(DataError, match=r"got a file that is read-only; choose another path"):
        xn.save(path, small_net())
    assert path.read_text() == "kept"


@posix
def test_a_folder_that_is_read_only() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no folder here that nobody may write to")
    with pytest.raises(DataError, match=r"^save: /proc/self/weights must be writable, got "):
        xn.save("/proc/self/weights", small_net())


def test_what_is_written_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch) -> None:
    happened = []
    synchronize, replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        happened.append("synchronized" if stat.S_ISREG(os.fstat(handle).st_mode) else "folder")
        synchronize(handle)

    def renamed(*args) -> None:
        happened.append("renamed")
        replace(*args)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", renamed)
    with written_in_place(tmp_path / "file") as part:
        part.write_text("whole")
    assert happened[:2] == ["synchronized", "renamed"]
