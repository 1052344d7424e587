"""CIFAR-10 and CIFAR-100, in the binary version: the other one is a pickle, which could run anything."""

from __future__ import annotations

import hashlib
import tarfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpnet.datasets.arrange import Bytes, Pair, Part, Raw
from xpnet.datasets.idx import REMEDY
from xpnet.datasets.idx_sets import check_labels, named_folder
from xpnet.errors import DataError
from xpnet.files import reason

PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
PIXELS = 3 * 32 * 32
ROWS = (50_000, 10_000)
LIMIT = 1 << 28
"""The bytes of the largest file that is unpacked."""


@dataclass(frozen=True)
class Cifar:
    """One of the two: its files, the classes of each byte of labels before the pixels, and the archive's SHA-256."""

    who: str
    title: str
    folder: str
    archive: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: tuple[int, ...]
    checksum: str

    def read(self, folder: Path, label: int) -> Raw:
        """What lies in the folder, with one of the labels.

        Raises: ``DataError`` for files that are missing, truncated, corrupt or of another form.
        """
        inner = self.title.lower()
        places = [folder, folder / inner, folder / inner.replace("-", "")]
        names = (*self.train, *self.test)
        for own in [place / self.folder for place in places]:
            if all((own / name).is_file() for name in names):
                contents = {name: (own / name, read(own / name)) for name in names}
                return self.made(own, contents, label, None)
        for path in [place / self.archive for place in places]:
            if path.is_file():
                published = checksum_of(path) == self.checksum
                return self.made(path, self.unpacked(path), label, published)
        got = "none"
        pickled = self.folder.replace("-batches-bin", "-batches-py").replace("-binary", "-python")
        for place in places:
            if (place / pickled).exists() or (place / self.archive.replace("binary", "python")).exists():
                got = "the version for Python, a pickle, which could run anything"
        must = f"XPNET_DATA={folder} must hold {self.archive}, or the folder {self.folder} that is in it"
        raise DataError(self.who, must, got, f"put there the binary version of {PAGE}")

    def unpacked(self, path: Path) -> dict[str, tuple[Path, bytes]]:
        """The files in the archive that count; nothing of it is written anywhere.

        Raises: ``DataError``.
        """
        wanted, found = {*self.train, *self.test}, {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    name = Path(member.name).name
                    if name in wanted and member.isfile() and member.size <= LIMIT:
                        file = archive.extractfile(member)
                        found[name] = (path / name, b"" if file is None else file.read())
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DataError(str(path), "must be a whole archive", reason(error), REMEDY) from error
        if lacking := sorted(wanted - set(found)):
            raise DataError(str(path), f"must hold {', '.join(lacking)}", ", ".join(found) or "none of them", REMEDY)
        return found

    def made(self, place: Path, contents: dict[str, tuple[Path, bytes]], label: int, published: bool | None) -> Raw:
        """The images and labels of the files."""
        parts = []
        for names in (self.train, self.test):
            pieces = [self.part_of(*contents[name], label) for name in names]
            parts.append(tuple(np.concatenate(each) for each in zip(*pieces, strict=True)))
        if published is False and tuple(len(images) for images, _ in parts) == ROWS:
            text = f"{self.who}: {place} is not packed as {self.title} was published, or holds other data"
            warnings.warn(f"{text}; compare it with that of {PAGE}", stacklevel=5)
        return Raw(parts[0], parts[1], place, published, self.labels[label])  # type: ignore[arg-type]

    def part_of(self, path: Path, data: bytes, label: int) -> Part:
        """The images ``(N, 3, 32, 32)`` and one of the labels of a file.

        Raises: ``DataError``.
        """
        length = len(self.labels) + PIXELS
        if not data or len(data) % length:
            must = f"must be records of {length} bytes, {len(self.labels)} for the label and {PIXELS} for the pixels"
            raise DataError(str(path), must, f"{len(data):,} bytes", REMEDY)
        records: Bytes = np.frombuffer(data, dtype=np.uint8).reshape(-1, length)
        for place, classes in enumerate(self.labels):
            check_labels(records[:, place], classes, path)
        return records[:, len(self.labels) :].reshape(-1, 3, 32, 32), records[:, label]


CIFAR10 = Cifar(
    who="load_cifar10",
    title="CIFAR-10",
    folder="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test=("test_batch.bin",),
    labels=(10,),
    checksum="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)

CIFAR100 = Cifar(
    who="load_cifar100",
    title="CIFAR-100",
    folder="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    train=("train.bin",),
    test=("test.bin",),
    labels=(20, 100),
    checksum="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
)


def load_cifar10(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """60,000 photographs of ten kinds of things as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    The variable ``XPNET_DATA`` names a folder with ``cifar-10-binary.tar.gz``, or with the folder
    ``cifar-10-batches-bin`` that is in it; either may lie in its folder ``cifar-10`` too. Nothing is fetched. Form and
    labels are checked, and 60,000 images in an archive of another SHA-256 than the published one are told of by a
    warning. The version for Python is a pickle, and never opened.

    Shapes: ``x (N, 3072)``, or ``(N, 3, 32, 32)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt or of another form.
    Source: Krizhevsky, 2009, "Learning multiple layers of features from tiny images".
    """
    return read_cifar10().arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def load_cifar100(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False, coarse: bool = False
) -> tuple[Pair, Pair]:
    """60,000 photographs of 100 kinds of things as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    As ``load_cifar10``, from ``cifar-100-binary.tar.gz`` or the folder ``cifar-100-binary``. With ``coarse`` the labels
    are the 20 groups of kinds.

    Shapes: ``x (N, 3072)``, or ``(N, 3, 32, 32)`` with ``flatten=False``; ``t (N,)``, or ``(N, 100)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt or of another form.
    Source: Krizhevsky, 2009, "Learning multiple layers of features from tiny images".
    """
    return read_cifar100(coarse).arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def read_cifar10() -> Raw:
    """CIFAR-10 as it lies in the folder."""
    return CIFAR10.read(named_folder("load_cifar10"), 0)


def read_cifar100(coarse: bool = False) -> Raw:
    """CIFAR-100 as it lies in the folder."""
    return CIFAR100.read(named_folder("load_cifar100"), 0 if coarse else 1)


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises: ``DataError``.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(str(path), "must be readable", reason(error), REMEDY) from error


def checksum_of(path: Path) -> str:
    """The SHA-256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(str(path), "must be readable", reason(error), REMEDY) from error
