"""Data sets in the form of MNIST: four idx files, or two tables, in a folder of the user."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xpnet.datasets.arrange import CLASSES, Bytes, Part, Raw
from xpnet.datasets.idx import REMEDY, parse_idx, unpack
from xpnet.errors import DataError
from xpnet.files import reason

PARTS = ("train", "t10k")
NAMES = tuple(f"{part}-{what}-ubyte" for part in PARTS for what in ("images-idx3", "labels-idx1"))
SIDE = 28
ROWS = (60_000, 10_000)

KEPT = 6
"""If a table comes without another one to test on, one row in this many is held out for that: the last ones."""


@dataclass(frozen=True)
class IdxSet:
    """A data set of 28x28 images of ten classes: its name, the folders and tables in which it is found, and its page.

    ``unpacked`` and ``packed`` are the SHA-256 of the published files, of which one set is known; ``foreign`` are
    those of the unpacked files of another data set with the same file names.
    """

    who: str
    title: str
    folders: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]
    page: str
    remedy: str
    unpacked: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, str] = field(default_factory=dict)
    foreign: Mapping[str, str] = field(default_factory=dict)

    def read(self, folder: Path) -> Raw:
        """Return the images and labels in the folder.

        Raises: ``DataError`` for files that are missing, truncated, corrupt, of another form or of another data set.
        """
        lacking = list(NAMES)
        places = [folder / name for name in self.folders]
        for place in places:
            found = {name: candidates(place, name) for name in NAMES}
            if all(found.values()):
                return self.of_files(place, {name: (paths[0], unpack(paths[0])) for name, paths in found.items()})
            lacking = min(lacking, [name for name, paths in found.items() if not paths], key=len)
        for place in places:
            for train, test in self.tables:
                if (place / train).is_file() and has_labels(place / train):
                    return of_tables(place, place / train, place / test)
        if not folder.exists():
            got = "no such folder"
        elif not folder.is_dir():
            got = "a file"
        else:
            got = f"a folder without {', '.join(lacking)}"
        must = f"XPNET_DATA={folder} must be a folder with {self.title}'s four files (.gz or unpacked), "
        inner = " or ".join(name for name in self.folders if name != ".")
        must += f"in it or in its folder {inner}" if "." in self.folders else f"in its folder {inner}"
        raise DataError(self.who, must, got, self.remedy)

    def of_files(self, place: Path, contents: Mapping[str, tuple[Path, bytes]]) -> Raw:
        """Return the images and labels of four files."""
        for name, checksum in self.foreign.items():
            path, data = contents[name]
            if hashlib.sha256(data).hexdigest() == checksum:
                must = f"must hold what {self.title} has under this name"
                raise DataError(str(path), must, "the file of MNIST", f"replace it with that of {self.page}")
        parts = [part_of(part, contents) for part in PARTS]
        known = [self.is_published(name, *content) for name, content in contents.items()]
        published = False if False in known else None if None in known else True
        if self.packed and published is False and tuple(len(images) for images, _ in parts) == ROWS:
            text = f"{self.who}: the files in {place} are not packed as {self.title} was published, or hold other data"
            warnings.warn(f"{text}; compare them with those of {self.page}", stacklevel=4)
        return Raw(parts[0], parts[1], place, published)

    def is_published(self, name: str, path: Path, data: bytes) -> bool | None:
        """Return whether a file is the published one, or None if only the packed file could tell."""
        if name in self.unpacked:
            return hashlib.sha256(data).hexdigest() == self.unpacked[name]
        if path.suffix != ".gz" or name not in self.packed:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest() == self.packed[name]


def named_folder(who: str) -> Path:
    """Return the folder that the variable ``XPNET_DATA`` names.

    Raises: ``DataError`` if it is not set.
    """
    named = os.environ.get("XPNET_DATA")
    if not named:
        must, remedy = "XPNET_DATA must name the folder with the data", "set it; `xpnet data` lists what is needed"
        raise DataError(who, must, "no such variable", remedy)
    return Path(os.path.expanduser(named))


def candidates(folder: Path, name: str) -> list[Path]:
    """Return the files that may hold the name: unpacked or packed, with a dot, or in a folder as on Kaggle."""
    dotted = name.replace("-idx", ".idx")
    places = (folder / name, folder / f"{name}.gz", folder / dotted, folder / name / name, folder / dotted / dotted)
    return [path for path in places if os.path.isfile(path)]


def part_of(part: str, contents: Mapping[str, tuple[Path, bytes]]) -> Part:
    """Return the images and labels of one part.

    Raises: ``DataError`` for files of another form, and for files that do not belong together.
    """
    images_path, images_data = contents[f"{part}-images-idx3-ubyte"]
    labels_path, labels_data = contents[f"{part}-labels-idx1-ubyte"]
    images = parse_idx(images_data, images_path, (None, SIDE, SIDE))
    labels = parse_idx(labels_data, labels_path, (None,))
    if len(labels) != len(images):
        must = f"must hold a label for each of the {len(images)} images of {images_path.name}"
        remedy = "replace it with the labels of these images"
        raise DataError(str(labels_path), must, f"{len(labels)} labels", remedy)
    return images, check_labels(labels, CLASSES, labels_path)


def check_labels(labels: Bytes, classes: int, path: Path) -> Bytes:
    """Return the labels, if all of them are below the number of classes.

    Raises: ``DataError`` for a label that is not a class, with its row.
    """
    if int(labels.max()) >= classes:
        row = int((labels >= classes).argmax())
        must, remedy = f"labels must be from 0 to {classes - 1}", "replace it with the labels of these images"
        raise DataError(str(path), must, f"{labels[row]} in row {row}", remedy)
    return labels


def of_tables(place: Path, train: Path, test: Path) -> Raw:
    """Return the images and labels of two tables; without labels in the second, hold out the last rows of the first."""
    images, labels = read_pixels(train)
    if test.is_file() and has_labels(test):
        return Raw((images, labels), read_pixels(test), place)
    kept = len(labels) - max(len(labels) // KEPT, 1)
    if not kept:
        raise DataError(str(train), "must hold two images or more", len(labels), REMEDY)
    return Raw((images[:kept], labels[:kept]), (images[kept:], labels[kept:]), place)


def has_labels(path: Path) -> bool:
    """Return whether the first line of a table names a label before the pixels."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline(1 << 16).split(",")[0].strip().strip('"') == "label"


def read_pixels(path: Path) -> Part:
    """Return the images and labels in a table of ``label, pixel, pixel …``, one line for each image.

    Raises: ``DataError`` for a table of another form.
    """
    try:
        values = np.loadtxt(path, dtype=np.int16, delimiter=",", skiprows=1, ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        must = f"must hold whole numbers, a label and {SIDE * SIDE} pixels in each line"
        raise DataError(str(path), must, reason(error), REMEDY) from error
    if values.shape[1:] != (1 + SIDE * SIDE,) or not len(values):
        must = f"must hold a label and {SIDE * SIDE} pixels in each line"
        raise DataError(str(path), must, f"{len(values)} lines of {values.shape[1]}", REMEDY)
    bad = (values < 0) | (values > 255)
    if bad.any():
        row = int(bad.any(axis=1).argmax())
        raise DataError(str(path), "must hold values from 0 to 255", f"{values[row][bad[row]][0]} in row {row}", REMEDY)
    labels = check_labels(values[:, 0].astype(np.uint8), CLASSES, path)
    return values[:, 1:].astype(np.uint8).reshape(-1, SIDE, SIDE), labels
