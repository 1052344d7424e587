"""Fetching: what reaches the cache is whole and verified, and nothing else stays there."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from idx_files import small_mnist, write_files

from xpnet.datasets import fetch, load_mnist, mnist
from xpnet.errors import DataError

NAMES = sorted(f"{name}.gz" for name in small_mnist())


def held(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def mirrors(cache: Path, make_mirror: object, monkeypatch: pytest.MonkeyPatch) -> list:
    """Two mirrors that have nothing yet."""
    pair = [make_mirror(), make_mirror()]
    monkeypatch.setattr(mnist, "MIRRORS", tuple(mirror.url for mirror in pair))
    return pair


def test_files_are_fetched_once_and_then_read_from_the_cache(
    cache: Path, mirrors: list, capfd: pytest.CaptureFixture[str]
) -> None:
    mirrors[0].serve(small_mnist())
    (x, t), (x_test, _) = load_mnist()
    assert (x.shape, x_test.shape) == ((6, 784), (4, 784))
    assert t.tolist() == [0, 1, 2, 3, 4, 5]
    assert held(cache) == NAMES
    load_mnist()
    assert sorted(mirrors[0].asked) == sorted(f"/{name}" for name in NAMES)
    assert mirrors[1].asked == []
    assert capfd.readouterr().out == ""


def test_only_what_is_missing_is_fetched(cache: Path, mirrors: list) -> None:
    files = small_mnist()
    mirrors[0].serve(files)
    absent = "t10k-images-idx3-ubyte"
    write_files(cache, {name: data for name, data in files.items() if name != absent})
    load_mnist()
    assert mirrors[0].asked == [f"/{absent}.gz"]


def test_second_mirror_serves_what_the_first_lacks(cache: Path, mirrors: list) -> None:
    mirrors[1].serve(small_mnist())
    load_mnist()
    assert (len(mirrors[0].asked), len(mirrors[1].asked)) == (1, 4)  # who had the first file is asked first
    assert held(cache) == NAMES


@pytest.mark.parametrize("silent", [0, 1])
def test_a_mirror_that_hangs_is_not_waited_for(
    cache: Path, mirrors: list, monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    monkeypatch.setattr(fetch, "PATIENCE", 0.05)
    monkeypatch.setattr(fetch, "TIMEOUT", 4.0)
    for mirror in mirrors:
        mirror.serve(small_mnist())
    mirrors[silent].silent = True
    began = threading.active_count()
    load_mnist()
    assert held(cache) == NAMES
    assert len(mirrors[1 - silent].asked) == 4
    assert len(mirrors[silent].asked) == 1 - silent
    for _ in range(20):  # those that answered end in their own time
        if threading.active_count() <= began + 2:
            break
        time.sleep(0.1)
    assert threading.active_count() <= began + 2  # the one that hangs, here and in its server


def test_a_mirror_is_given_up_after_five_seconds() -> None:
    assert fetch.TIMEOUT == 5.0


def test_wrong_bytes_of_the_first_mirror_are_refused_and_the_second_asked(cache: Path, mirrors: list) -> None:
    mirrors[0].serve(small_mnist(train=7))
    mirrors[1].serve(small_mnist())
    (x, _), _ = load_mnist()
    assert x.shape == (6, 784)


def spoil(mirror, how: str) -> str:
    """Let the mirror answer badly and return what the error says of it."""
    mirror.serve(small_mnist())
    first = "/train-images-idx3-ubyte.gz"
    if how == "wrong":
        mirror.serve(small_mnist(train=7))
        return "wrong content"
    if how == "page":
        mirror.bodies[first] = b"<html>log in to the network first</html>"
        return "wrong content"
    if how == "cut":
        mirror.cut = 10
        return "one that ends early|IncompleteRead"
    if how == "truncated":
        mirror.bodies[first] = mirror.bodies[first][:-10]
        return "one that ends early"
    if how == "damaged":
        mirror.bodies[first] = mirror.bodies[first][:40] + b"xxxx" + mirror.bodies[first][44:]
        return "Error|CRC|early"
    if how == "silent":
        mirror.silent = True
        return "timed out"
    mirror.bodies.clear()
    return "HTTP Error 404"


@pytest.mark.parametrize("how", ["wrong", "page", "cut", "truncated", "damaged", "silent", "absent"])
def test_bad_answers_are_refused_and_leave_nothing(
    cache: Path, mirrors: list, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT", 0.2)
    reasons = [spoil(mirror, how) for mirror in mirrors]
    with pytest.raises(DataError) as raised:
        load_mnist()
    assert raised.value.must == "train-images-idx3-ubyte.gz must arrive whole from a mirror"
    first, second = str(raised.value.got).split(" and ")
    for mirror, text, reason in zip(mirrors, (first, second), reasons, strict=True):
        assert any(part in text for part in reason.split("|")), text
        assert text.endswith(mirror.url.split("/")[2])
    assert held(cache) == []


def test_endless_answers_are_refused(cache: Path, mirrors: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LIMIT", 10)
    mirrors[0].serve(small_mnist())
    with pytest.raises(DataError, match="got more from 127"):
        load_mnist()
    assert held(cache) == []


def test_offline_error_says_where_to_put_which_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:  # bound and not listening: connections are refused
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setattr(mnist, "MIRRORS", (f"http://{host}/",))
        with pytest.raises(DataError) as raised:
            load_mnist()
    error = raised.value
    assert error.who == "load_mnist"
    assert f"refused from {host}" in str(error.got)
    for name in NAMES:
        assert name in error.remedy
    for part in (f"into {cache},", "XPNET_DATA", "load_digits()", "no network"):
        assert part in error.remedy
    assert held(cache) == []


@pytest.mark.parametrize("packed", [False, True])
def test_bad_file_in_the_cache_is_fetched_again(cache: Path, mirrors: list, packed: bool) -> None:
    write_files(cache, small_mnist(train=7), packed)
    mirrors[0].serve(small_mnist())
    for _ in range(2):
        (x, _), _ = load_mnist()
        assert x.shape == (6, 784)
    assert sorted(mirrors[0].asked) == ["/train-images-idx3-ubyte.gz", "/train-labels-idx1-ubyte.gz"]


def test_bad_file_in_the_cache_is_named_when_it_cannot_be_fetched_again(cache: Path) -> None:
    write_files(cache, small_mnist(), packed=True)
    path = cache / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError) as raised:
        load_mnist()
    assert f"one that ends early in {path}" in str(raised.value.got)
    assert f"put {path.name} into {cache}" in raised.value.remedy


def test_interrupted_fetch_leaves_nothing(cache: Path, mirrors: list, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(path: Path) -> bytes:
        assert held(path.parent) == [path.name]
        raise KeyboardInterrupt

    mirrors[0].serve(small_mnist())
    monkeypatch.setattr(fetch, "unpack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_mnist()
    assert held(cache) == []


def test_unwritable_cache_is_named(cache: Path, mirrors: list) -> None:
    mirrors[0].serve(small_mnist())
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="must be a folder to write to") as raised:
        load_mnist()
    assert str(cache) in raised.value.must
    assert "XPNET_DATA" in raised.value.remedy
