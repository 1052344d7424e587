"""MNIST: from a folder of the user's, else from the cache, else from a mirror."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from xpnet.datasets.arrange import CLASSES, Pair, arrange
from xpnet.datasets.idx import parse_idx, unpack, verify
from xpnet.errors import DataError

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)

# Of the unpacked bytes: packing the same data again gives another file.
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

SIDE = 28
INK = 255


def load_mnist(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """70,000 handwritten digits as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 255``.

    Where the variable ``XPNET_DATA`` names a folder, the four idx files, gzipped or not, named as on MNIST's page, by
    torchvision or by Kaggle, are read from it or from its folder ``mnist`` or ``MNIST/raw``, and nowhere else. They may
    hold any 28x28 images of ten classes (Fashion-MNIST, a few rows for a test), so their form is checked and their
    checksums are not. Otherwise MNIST itself is read from the user's cache; files that are not there, or have the wrong
    checksum, are fetched from a mirror and replaced.

    Pixels have the current backend's dtype, or stay uint8 with ``normalize=False``. Labels are int64 (int32 where
    a library has no int64), or rows of the backend's dtype with ``one_hot_label=True``.

    Shapes: ``x (N, 784)``, or ``(N, 1, 28, 28)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` for one-hot.
    Raises: ``DataError`` for files that are missing and cannot be fetched, truncated, corrupt or of another form.
    Source: LeCun, Cortes and Burges, 1998, "The MNIST database of handwritten digits".
    """
    named = os.environ.get("XPNET_DATA")
    contents = _read_named(Path(os.path.expanduser(named))) if named else _read_cached(cache_folder())
    train, test = (
        _arrange_part(part, contents, normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)
        for part in ("train", "t10k")
    )
    return train, test


def cache_folder() -> Path:
    """The folder in which fetched files are kept, ``~/.cache/xpnet/mnist`` on Linux.

    Raises: ``DataError`` where the user has no home folder.
    """
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME", ""))
            if not base.is_absolute():  # the XDG specification has relative paths ignored
                base = Path.home() / ".cache"
    except RuntimeError as error:
        raise DataError(
            "load_mnist", "the user must have a home folder", error, "set XPNET_DATA to a folder with the four files"
        ) from error
    return base / "xpnet" / "mnist"


def _candidates(folder: Path, name: str) -> list[Path]:
    """The files that may hold the name: unpacked, then packed; with a dot, and in a folder of its own, as Kaggle's."""
    dotted = name.replace("-idx", ".idx")
    places = (folder / name, folder / f"{name}.gz", folder / dotted, folder / name / name, folder / dotted / dotted)
    return [path for path in places if os.path.isfile(path)]


def _read_named(folder: Path) -> dict[str, tuple[Path, bytes]]:
    lacking = list(CHECKSUMS)
    for place in (folder, folder / "mnist", folder / "MNIST" / "raw"):  # the last is torchvision's
        found = {name: _candidates(place, name) for name in CHECKSUMS}
        if all(found.values()):
            return {name: (paths[0], unpack(paths[0])) for name, paths in found.items()}
        lacking = min(lacking, [name for name, paths in found.items() if not paths], key=len)
    if not folder.exists():
        got = "no such folder"
    elif not folder.is_dir():
        got = "a file"
    else:
        got = f"a folder without {', '.join(lacking)}"
    raise DataError(
        "load_mnist",
        f"XPNET_DATA={folder} must be a folder with MNIST's four files (.gz or unpacked), in it or in its folder mnist",
        got,
        "put them there, or unset XPNET_DATA to have them fetched",
    )


def _read_cached(folder: Path) -> dict[str, tuple[Path, bytes]]:
    contents: dict[str, tuple[Path, bytes]] = {}
    refused = []
    for name, checksum in CHECKSUMS.items():
        for path in _candidates(folder, name):
            try:
                contents[name] = path, verify(unpack(path), checksum, str(path))
                break
            except DataError as error:
                refused.append(f"{error.got} in {path}")
    missing = {name: checksum for name, checksum in CHECKSUMS.items() if name not in contents}
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


def _arrange_part(
    part: str, contents: dict[str, tuple[Path, bytes]], *, normalize: bool, flatten: bool, one_hot_label: bool
) -> Pair:
    images_path, images_data = contents[f"{part}-images-idx3-ubyte"]
    labels_path, labels_data = contents[f"{part}-labels-idx1-ubyte"]
    images = parse_idx(images_data, images_path, (None, SIDE, SIDE))
    labels = parse_idx(labels_data, labels_path, (None,))
    who, remedy = str(labels_path), "replace it with the labels of these images"
    if len(labels) != len(images):
        must = f"must hold a label for each of the {len(images)} images of {images_path.name}"
        raise DataError(who, must, f"{len(labels)} labels", remedy)
    if int(labels.max()) >= CLASSES:
        row = int((labels >= CLASSES).argmax())
        raise DataError(who, f"labels must be from 0 to {CLASSES - 1}", f"{labels[row]} in row {row}", remedy)
    return arrange(images, labels, INK, normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)
