"""Fashion-MNIST, KMNIST, CIFAR and Kaggle's tables, from small files in their formats."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx, small_mnist, write_files

from xpnet.backend import to_numpy
from xpnet.datasets import (
    cifar,
    idx_sets,
    like_mnist,
    load_cifar10,
    load_cifar100,
    load_fashion_mnist,
    load_kmnist,
    load_mnist,
)
from xpnet.errors import DataError

PIXELS = np.arange(3072)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    return tmp_path


def records(labels: list[list[int]]) -> bytes:
    """Images in the binary format of CIFAR: pixel p of image n is (n + p) % 256."""
    rows = [[*label, *((n + PIXELS) % 256)] for n, label in enumerate(labels)]
    return np.asarray(rows, dtype=np.uint8).tobytes()


CIFAR10 = {f"data_batch_{i}.bin": records([[i], [i + 1]]) for i in range(1, 6)} | {"test_batch.bin": records([[9]])}
CIFAR100 = {"train.bin": records([[19, 99], [0, 5]]), "test.bin": records([[3, 50]])}


def write_archive(path: Path, files: dict[str, bytes], inner: str) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{inner}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def write_table(path: Path, labels: list[int], named: bool = True) -> None:
    head = ",".join([*(["label"] if named else []), *(f"pixel{i}" for i in range(784))])
    rows = [
        ",".join(map(str, [*([label] if named else []), *((n + np.arange(784)) % 256)]))
        for n, label in enumerate(labels)
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([head, *rows, ""]))


@pytest.mark.parametrize(
    ("load", "inner"),
    [
        (load_fashion_mnist, "fashion-mnist"),
        (load_fashion_mnist, "FashionMNIST/raw"),
        (load_kmnist, "kmnist"),
        (load_kmnist, "KMNIST/raw"),
    ],
)
def test_files_like_those_of_mnist_are_found_by_their_folder(load, inner: str, folder: Path) -> None:
    write_files(folder / inner, small_mnist(), packed=inner != "kmnist")
    (x, t), (y, s) = load(flatten=False)
    assert (x.shape, y.shape) == ((6, 1, 28, 28), (4, 1, 28, 28))
    assert (to_numpy(t).tolist(), to_numpy(s).tolist()) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3])
    assert to_numpy(x)[1, 0, 0, :3] == pytest.approx(np.asarray([1, 2, 3]) / 255)


def test_mnist_is_not_taken_for_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(folder, small_mnist())
    for load in (load_fashion_mnist, load_kmnist):
        with pytest.raises(DataError, match=r"in its folder \S+ or .*, got a folder without train-images"):
            load()
    write_files(folder / "kmnist", small_mnist())
    data = small_mnist()["t10k-labels-idx1-ubyte"]
    sums = {"t10k-labels-idx1-ubyte": sha256(data).hexdigest()}
    monkeypatch.setattr(like_mnist, "KMNIST", replace(like_mnist.KMNIST, foreign=sums))
    with pytest.raises(DataError, match=r"must hold what KMNIST has .*, got the file of MNIST; replace it"):
        load_kmnist()


def test_whole_sets_that_are_not_as_published_are_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(folder / "kmnist", small_mnist(), packed=True)
    load_kmnist()
    monkeypatch.setattr(idx_sets, "ROWS", (6, 4))
    with pytest.warns(UserWarning, match="not packed as KMNIST was published, or hold other data"):
        load_kmnist()
    sums = {name: sha256((folder / "kmnist" / f"{name}.gz").read_bytes()).hexdigest()
            for name in small_mnist()}  # fmt: skip
    monkeypatch.setattr(like_mnist, "KMNIST", replace(like_mnist.KMNIST, packed=sums))
    assert like_mnist.read_kmnist().published
    write_archive(folder / "cifar-100-binary.tar.gz", CIFAR100, "cifar-100-binary")
    monkeypatch.setattr(cifar, "ROWS", (2, 1))
    with pytest.warns(UserWarning, match="not packed as CIFAR-100 was published"):
        load_cifar100()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inner", ["", "cifar-10", "cifar10"])
def test_cifar_is_read_from_the_archive_or_its_folder(inner: str, packed: bool, folder: Path) -> None:
    (folder / inner).mkdir(exist_ok=True)
    if packed:
        write_archive(folder / inner / "cifar-10-binary.tar.gz", CIFAR10, "cifar-10-batches-bin")
    else:
        write_files(folder / inner / "cifar-10-batches-bin", CIFAR10)
    (x, t), (y, s) = load_cifar10(normalize=False)
    assert (x.shape, y.shape) == ((10, 3072), (1, 3072))
    assert to_numpy(t).tolist() == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert to_numpy(s).tolist() == [9]
    assert np.array_equal(to_numpy(x)[1], (1 + PIXELS) % 256)


def test_cifar100_has_kinds_and_groups_of_kinds(folder: Path) -> None:
    write_archive(folder / "cifar-100-binary.tar.gz", CIFAR100, "cifar-100-binary")
    (x, t), (_, s) = load_cifar100(flatten=False, one_hot_label=True)
    assert (x.shape, t.shape) == ((2, 3, 32, 32), (2, 100))
    assert to_numpy(t).argmax(axis=1).tolist() == [99, 5]
    (_, t), (_, s) = load_cifar100(coarse=True)
    assert (to_numpy(t).tolist(), to_numpy(s).tolist()) == ([19, 0], [3])


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("train.bin", b"", "must be records of 3074 bytes, 2 for the label and 3072 for the pixels, got 0 bytes"),
        ("train.bin", CIFAR100["train.bin"][:-1], "got 6,147 bytes"),
        ("test.bin", records([[3, 100]]), "labels must be from 0 to 99, got 100 in row 0"),
        ("test.bin", records([[1, 1], [20, 1]]), "labels must be from 0 to 19, got 20 in row 1"),
        ("test.bin", None, "must hold test.bin, got train.bin"),
    ],
)
def test_bad_files_of_cifar_are_refused(name: str, data: bytes | None, text: str, folder: Path) -> None:
    files = {key: value for key, value in (CIFAR100 | {name: data}).items() if value is not None}
    write_archive(folder / "cifar-100-binary.tar.gz", files, "cifar-100-binary")
    with pytest.raises(DataError, match=text):
        load_cifar100()


def test_bad_archives_are_refused_and_pickles_never_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataError, match=r"must hold cifar-10-binary.tar.gz, or the folder .*, got none; put the binary version of"
    ):
        load_cifar10()
    write_archive(folder / "cifar-10-python.tar.gz", {"data_batch_1": b"cos\nsystem\n"}, "cifar-10-batches-py")
    with pytest.raises(DataError, match="got the version for Python, a pickle, which could run anything"):
        load_cifar10()
    write_archive(folder / "cifar-10-binary.tar.gz", CIFAR10, "cifar-10-batches-bin")
    whole = (folder / "cifar-10-binary.tar.gz").read_bytes()
    for data in (whole[: len(whole) // 2], b"none", b""):
        (folder / "cifar-10-binary.tar.gz").write_bytes(data)
        with pytest.raises(DataError, match="must be a whole archive, got "):
            load_cifar10()
    monkeypatch.delenv("XPNET_DATA")
    with pytest.raises(DataError, match="XPNET_DATA must name the folder with the data, got no such variable"):
        load_cifar10()


@pytest.mark.parametrize("names", [("mnist_train.csv", "mnist_test.csv"), ("train.csv", "test.csv")])
def test_tables_of_kaggle(names: tuple[str, str], folder: Path) -> None:
    write_table(folder / "mnist" / names[0], [3, 1, 4, 1, 5, 9])
    write_table(folder / "mnist" / names[1], [2, 6])
    (x, t), (_, s) = load_mnist(normalize=False)
    assert (to_numpy(t).tolist(), to_numpy(s).tolist()) == ([3, 1, 4, 1, 5, 9], [2, 6])
    assert np.array_equal(to_numpy(x)[2], (2 + np.arange(784)) % 256)


def test_a_table_without_another_that_has_labels_keeps_its_last_sixth_apart(folder: Path) -> None:
    write_table(folder / "train.csv", [0, 1, 2, 3, 4, 5, 6])
    for other in (False, True):
        if other:
            write_table(folder / "test.csv", [0, 0], named=False)
        (_, t), (_, s) = load_mnist()
        assert (to_numpy(t).tolist(), to_numpy(s).tolist()) == ([0, 1, 2, 3, 4, 5], [6])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("3,4", "must hold whole numbers, a label and 784 pixels in each line"),
        (",".join(["x"] * 785), "could not convert string 'x'"),
        (",".join(["10", *["0"] * 784]), "labels must be from 0 to 9, got 10 in row 1"),
        (",".join(["1", *["0"] * 783, "256"]), "must hold values from 0 to 255, got 256 in row 1"),
    ],
)
def test_bad_tables_are_refused(line: str, text: str, folder: Path) -> None:
    write_table(folder / "train.csv", [1])
    with (folder / "train.csv").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=text):
        load_mnist()
    (folder / "train.csv").write_text("name,age\na,1\n")  # another table of that name
    with pytest.raises(DataError, match="got a folder without train-images"):
        load_mnist()


def test_labels_of_idx_files_are_checked(folder: Path) -> None:
    files = small_mnist() | {"train-labels-idx1-ubyte": idx(np.full(6, 10, np.uint8))}
    write_files(folder / "fashion-mnist", files)
    with pytest.raises(DataError, match="labels must be from 0 to 9, got 10 in row 0"):
        load_fashion_mnist()
