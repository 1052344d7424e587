"""CIFAR-10 and CIFAR-100, in the binary version: the Python version is a pickle, which could run anything."""

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
"""The size in bytes of the largest file that is unpacked."""


@dataclass(frozen=True)
class Cifar:
    """One of the two data sets: its files, the numbers of classes of its bytes of labels, and the archive's SHA-256."""

    who: str
    title: str
    folder: str
    archive: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: tuple[int, ...]
    checksum: str

    def read(self, folder: Path, label: int) -> Raw:
        """Return the images in the folder, with one of the kinds of labels.

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
        raise DataError(self.who, must, got, f"put the binary version of {PAGE} there")

    def unpacked(self, path: Path) -> dict[str, tuple[Path, bytes]]:
        """Return the needed files in the archive, in memory; nothing is written anywhere.

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
        """Return the images and labels of the files."""
        parts = []
        for names in (self.train, self.test):
            pieces = [self.part_of(*contents[name], label) for name in names]
            parts.append(tuple(np.concatenate(each) for each in zip(*pieces, strict=True)))
        if published is False and tuple(len(images) for images, _ in parts) == ROWS:
            text = f"{self.who}: {place} is not packed as {self.title} was published, or holds other data"
            warnings.warn(f"{text}; compare it with that of {PAGE}", stacklevel=5)
        return Raw(parts[0], parts[1], place, published, self.labels[label])  # type: ignore[arg-type]

    def part_of(self, path: Path, data: bytes, label: int) -> Part:
        """Return the images ``(N, 3, 32, 32)`` of a file, and one of the kinds of labels.

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
    """Return 60,000 photographs of ten classes as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    The variable ``XPNET_DATA`` names a folder with ``cifar-10-binary.tar.gz``, or with its unpacked folder
    ``cifar-10-batches-bin``; both may also be in a subfolder ``cifar-10``. Nothing is downloaded. Form and labels are
    checked, and a warning is given for 60,000 images in an archive whose SHA-256 is not the published one. The Python
    version is a pickle and is never opened.

    Shapes: ``x (N, 3072)``, or ``(N, 3, 32, 32)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt or of another form.
    Source: Krizhevsky, 2009, "Learning multiple layers of features from tiny images".

    >>> (x_train, t_train), (x_test, t_test) = load_cifar10()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (50000, 3072)
    """
    return read_cifar10().arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def load_cifar100(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False, coarse: bool = False
) -> tuple[Pair, Pair]:
    """Return 60,000 photographs of 100 classes as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    The files are found as by ``load_cifar10``, here ``cifar-100-binary.tar.gz`` or the folder ``cifar-100-binary``.
    With ``coarse=True`` the labels are the 20 superclasses.

    Shapes: ``x (N, 3072)``, or ``(N, 3, 32, 32)`` with ``flatten=False``; ``t (N,)``, or ``(N, 100)`` for one-hot.
    Raises: ``DataError`` for files that are missing, truncated, corrupt or of another form.
    Source: Krizhevsky, 2009, "Learning multiple layers of features from tiny images".

    >>> (x_train, t_train), (x_test, t_test) = load_cifar100()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (50000, 3072)
    """
    return read_cifar100(coarse).arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def read_cifar10() -> Raw:
    """Return the raw images and labels of CIFAR-10."""
    return CIFAR10.read(named_folder("load_cifar10"), 0)


def read_cifar100(coarse: bool = False) -> Raw:
    """Return the raw images and labels of CIFAR-100."""
    return CIFAR100.read(named_folder("load_cifar100"), 0 if coarse else 1)


def read(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises: ``DataError``.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(str(path), "must be readable", reason(error), REMEDY) from error


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(str(path), "must be readable", reason(error), REMEDY) from error
