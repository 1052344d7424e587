"""MNIST from a folder of the user's: real where it is at hand, small files otherwise."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx, small_mnist, write_files

from xpnet.backend import to_numpy, use_backend
from xpnet.datasets import load_mnist, mnist
from xpnet.datasets.idx import unpack
from xpnet.errors import DataError


@pytest.fixture
def named(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that XPNET_DATA names, with the small files in it."""
    folder = write_files(tmp_path / "named", small_mnist())
    monkeypatch.setenv("XPNET_DATA", str(folder))
    return folder


def real_folder() -> Path | None:
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    for folder in (Path(os.environ.get("XPNET_DATA") or beside), beside):
        for place in (folder, folder / "mnist"):
            if all(any(place.glob(f"{name}*")) for name in mnist.CHECKSUMS):
                return place
    return None


def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = real_folder()
    if folder is None:
        pytest.skip("needs XPNET_DATA to name a folder with MNIST's four files")
    monkeypatch.setenv("XPNET_DATA", str(folder))
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False)
    assert x_train.shape == (60000, 784)
    assert x_test.shape == (10000, 784)
    assert t_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert x_train.mean(dtype=np.float64) == pytest.approx(33.318421, abs=1e-6)
    for name, checksum in mnist.CHECKSUMS.items():
        (path, *_) = folder.glob(f"{name}*")
        assert hashlib.sha256(unpack(path)).hexdigest() == checksum


@pytest.mark.parametrize("backend", ["numpy", "cupy", "array-api-strict"])
def test_form_of_the_arrays(named: Path, backend: str, needs) -> None:
    needs(backend)
    with use_backend(backend, dtype="float64") as current:
        (x_train, t_train), (x_test, t_test) = load_mnist()
        (raw, one_hot), (images, _) = load_mnist(normalize=False, flatten=False, one_hot_label=True)
    assert (x_train.shape, x_test.shape) == ((6, 784), (4, 784))
    assert x_train.dtype == one_hot.dtype == current.dtype
    assert t_train.dtype == current.xp.int64
    assert raw.dtype == current.xp.uint8
    assert (raw.shape, images.shape, one_hot.shape) == ((6, 1, 28, 28), (4, 1, 28, 28), (6, 10))
    expected = (np.arange(6)[:, None] + np.arange(784)) % 256
    assert np.array_equal(to_numpy(x_train), expected / 255)
    assert np.array_equal(to_numpy(raw), expected.reshape(6, 1, 28, 28))
    assert to_numpy(t_train).tolist() == [0, 1, 2, 3, 4, 5]
    assert to_numpy(t_test).tolist() == [0, 1, 2, 3]
    assert np.array_equal(to_numpy(one_hot), np.eye(10)[:6])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("inner", ["", "mnist"])
def test_files_lie_in_the_folder_or_in_its_folder_mnist(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, packed: bool, inner: str
) -> None:
    write_files(tmp_path / "data" / inner, small_mnist(train=3), packed)
    monkeypatch.setenv("XPNET_DATA", str(tmp_path / "data"))
    (x, _), _ = load_mnist()
    assert x.shape == (3, 784)
    assert not cache.exists()


@pytest.mark.parametrize("form", ["torchvision", "kaggle", "kaggle, unpacked"])
def test_the_names_of_others_are_found(form: str, named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = to_numpy(load_mnist()[0][0])
    other = tmp_path / "other"
    for path in list(named.iterdir()):
        name, dotted = path.name, path.name.replace("-idx", ".idx")
        places = {"torchvision": f"MNIST/raw/{name}", "kaggle": f"{name}/{name}", "kaggle, unpacked": dotted}
        (other / places[form]).parent.mkdir(parents=True, exist_ok=True)
        (other / places[form]).write_bytes(path.read_bytes())
    monkeypatch.setenv("XPNET_DATA", str(other))
    assert np.array_equal(to_numpy(load_mnist()[0][0]), expected)


def test_home_is_expanded_and_an_empty_variable_is_none(
    named: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(named.parent))
    monkeypatch.setenv("USERPROFILE", str(named.parent))
    monkeypatch.setenv("XPNET_DATA", "~/named")
    load_mnist()
    monkeypatch.setenv("XPNET_DATA", "")
    with pytest.raises(DataError, match="must arrive whole from a mirror"):
        load_mnist()


def test_named_folder_without_the_files_is_an_error_and_never_the_network(
    named: Path, cache: Path, make_mirror: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = make_mirror()
    mirror.serve(small_mnist())
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.url,))
    write_files(cache, small_mnist(), packed=True)
    (named / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"XPNET_DATA=.*named must be .*got a folder without t10k-labels-idx1-ubyte;"):
        load_mnist()
    monkeypatch.setenv("XPNET_DATA", str(named / "absent"))
    with pytest.raises(DataError, match="got no such folder; put them there, or unset XPNET_DATA"):
        load_mnist()
    monkeypatch.setenv("XPNET_DATA", str(named / "t10k-images-idx3-ubyte"))
    with pytest.raises(DataError, match="got a file"):
        load_mnist()
    assert mirror.asked == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("train-images-idx3-ubyte", small_mnist()["train-images-idx3-ubyte"][:-5], "bytes long unpacked"),
        ("train-images-idx3-ubyte", small_mnist()["train-labels-idx1-ubyte"], "3 axes"),
        ("t10k-images-idx3-ubyte", idx(np.zeros((4, 8, 8), np.uint8)), r"\(N, 28, 28\)"),
        ("t10k-labels-idx1-ubyte", idx(np.zeros(3, np.uint8)), "a label for each of the 4 images.*got 3 labels"),
        ("t10k-labels-idx1-ubyte", idx(np.asarray([0, 9, 10, 11], np.uint8)), "from 0 to 9, got 10 in row 2"),
        ("train-labels-idx1-ubyte", b"", "empty file"),
    ],
)
def test_bad_file_of_the_user_is_refused_by_name_and_kept(named: Path, name: str, data: bytes, reason: str) -> None:
    (named / name).write_bytes(data)
    with pytest.raises(DataError, match=reason) as raised:
        load_mnist()
    assert raised.value.who == str(named / name)
    assert (named / name).read_bytes() == data


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/big/cache"}, "/big/cache/xpnet/mnist"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/xpnet/mnist"),
        ("linux", {}, "/home/ada/.cache/xpnet/mnist"),
        ("darwin", {"XDG_CACHE_HOME": "/big/cache"}, "/home/ada/Library/Caches/xpnet/mnist"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/xpnet/mnist"),
        ("win32", {}, "/home/ada/AppData/Local/xpnet/mnist"),
    ],
)
def test_cache_folder_of_each_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    if os.name == "nt":
        pytest.skip("the expected paths are POSIX paths")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert mnist.cache_folder() == Path(expected)


def test_user_without_a_home_is_told_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    with pytest.raises(DataError, match=r"home folder.*set XPNET_DATA"):
        mnist.cache_folder()
