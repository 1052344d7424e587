"""MNIST, read from a folder of the user, or else from the cache, or else from a mirror."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from xpnet.datasets.arrange import Pair, Raw
from xpnet.datasets.idx import unpack, verify
from xpnet.datasets.idx_sets import IdxSet, candidates, named_folder
from xpnet.errors import DataError

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)

# These are for the unpacked bytes: packing the same data again gives another file.
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MNIST = IdxSet(
    who="load_mnist",
    title="MNIST",
    folders=(".", "mnist", "MNIST/raw", "digit-recognizer"),  # the third is torchvision's, the last Kaggle's
    tables=(("mnist_train.csv", "mnist_test.csv"), ("train.csv", "test.csv")),
    page=MIRRORS[1],
    remedy="put them there, or unset XPNET_DATA to have them fetched",
    unpacked=CHECKSUMS,
)


def load_mnist(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """Return 70,000 handwritten digits as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    If the variable ``XPNET_DATA`` names a folder, the four idx files, gzipped or not, with the names of MNIST's page,
    torchvision or Kaggle, are read from it or from its folder ``mnist`` or ``MNIST/raw``, and nowhere else; without
    these, Kaggle's tables, ``mnist_train.csv`` and ``mnist_test.csv``, or ``train.csv``, whose last sixth is the test
    part, since Kaggle's ``test.csv`` has no labels. They may hold any 28x28 images of ten classes (a few rows for a
    test), so their form is checked and their checksums are not. Without ``XPNET_DATA``, MNIST itself is read from the
    user's cache; files that are missing, or have a wrong checksum, are downloaded from a mirror and replaced.

    Pixels have the current backend's dtype, or stay uint8 with ``normalize=False``. Labels are int64 (int32 if
    a library has no int64), or rows of the backend's dtype with ``one_hot_label=True``.

    Shapes: ``x (N, 784)``, or ``(N, 1, 28, 28)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing and cannot be downloaded, truncated, corrupt or of another form.
    Source: LeCun, Cortes and Burges, 1998, "The MNIST database of handwritten digits".

    >>> (x_train, t_train), (x_test, t_test) = load_mnist()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (60000, 784)
    """
    return read_mnist().arranged(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def read_mnist(fetches: bool = True) -> Raw:
    """Return the raw images and labels of MNIST from a folder of the user or from the cache, downloaded if allowed.

    Raises: ``DataError``.
    """
    if os.environ.get("XPNET_DATA"):
        return MNIST.read(named_folder("load_mnist"))
    folder = cache_folder()
    return MNIST.of_files(folder, _read_cached(folder, fetches))


def cache_folder() -> Path:
    """Return the folder in which downloaded files are kept, ``~/.cache/xpnet/mnist`` on Linux.

    Raises: ``DataError`` if the user has no home folder.
    """
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME", ""))
            if not base.is_absolute():  # the XDG specification says that relative paths are ignored
                base = Path.home() / ".cache"
    except RuntimeError as error:
        raise DataError(
            "load_mnist", "the user must have a home folder", error, "set XPNET_DATA to a folder with the four files"
        ) from error
    return base / "xpnet" / "mnist"


def _read_cached(folder: Path, fetches: bool) -> dict[str, tuple[Path, bytes]]:
    contents: dict[str, tuple[Path, bytes]] = {}
    refused = []
    for name, checksum in CHECKSUMS.items():
        for path in candidates(folder, name):
            try:
                contents[name] = path, verify(unpack(path), checksum, str(path))
                break
            except DataError as error:
                refused.append(f"{error.got} in {path}")
    missing = {name: checksum for name, checksum in CHECKSUMS.items() if name not in contents}
    if missing and not fetches:
        raise DataError("load_mnist", f"{folder} must hold MNIST", "no whole copy", "it is fetched when it is loaded")
    if missing:
        from xpnet.datasets.fetch import fetch  # urllib and rich take longer to load than the rest of xpnet

        try:
            fetched = fetch(missing, MIRRORS, folder)
        except DataError as error:
            raise DataError(
                "load_mnist",
                error.must,
                " and ".join([str(error.got), *refused]),
                f"put {', '.join(f'{name}.gz' for name in missing)} into {folder}, or set XPNET_DATA to a folder that "
                "holds MNIST's four files, or use the digits, which need no network: load_digits(), --dataset digits",
            ) from error
        contents |= {name: (folder / f"{name}.gz", data) for name, data in fetched.items()}
    return contents
