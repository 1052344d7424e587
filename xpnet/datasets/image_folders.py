"""Folders of images, one for each class."""

from __future__ import annotations

from pathlib import Path

from xpnet.backend import get_backend
from xpnet.datasets.dataset import Dataset
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.images import ENDINGS, Images, is_grey, read_all
from xpnet.datasets.split import split
from xpnet.datasets.tables import Host
from xpnet.datasets.targets import Classes
from xpnet.errors import DataError
from xpnet.files import path_of, reason
from xpnet.initializers import check_size
from xpnet.random import Generator

TRAINING = {"train", "training"}
VALIDATION = {"val", "valid", "validation", "test"}


def load_images(
    folder: str | Path,
    size: int | tuple[int, int] = 32,
    validation: float | None = 0.2,
    grey: bool | None = None,
    rng: Generator | None = None,
) -> Dataset:
    """Return the images in a folder of folders, one for each class: ``photos/cat/1.jpg``, ``photos/dog/2.png``.

    If the folder holds ``train`` and ``val`` (or ``training``, ``valid``, ``validation``, ``test``) instead, these
    are the two parts; otherwise ``validation`` is the share of every class that is held out. ``grey`` is by default
    true if all images are grey. Files whose names do not end like an image's are ignored.

    Shapes: ``x (N, C, H, W)`` with ``size = (H, W)`` or one number for both, ``t (N,)``.
    Raises: ``DataError`` for a folder that is missing, holds fewer than two classes, or a class without images, and for
    a file that is not a whole image; ``BackendError`` without Pillow.
    """
    height, width = (size, size) if isinstance(size, int) else size
    for length in (height, width):
        check_size("load_images", "size", length)
    folder = path_of("load_images", folder)
    parts = {entry.name.lower(): entry for entry in folders(folder)}
    training = next((parts[name] for name in parts if name in TRAINING), None)
    apart = next((parts[name] for name in parts if name in VALIDATION), None)
    files = files_by_class(training or folder)
    classes = Classes([name for name in files if files[name]])
    names = [name for name, paths in files.items() for _ in paths]
    paths = [path for own in files.values() for path in own]
    channels = 1 if (all(map(is_grey, paths)) if grey is None else grey) else 3
    pixels = read_all(paths, (height, width), channels)
    t = classes.encode(names)
    held: tuple[Host, Host] | None = None
    if training is not None and apart is not None:
        others = files_by_class(apart)
        held = (
            read_all([path for own in others.values() for path in own], (height, width), channels),
            classes.encode([name for name, own in others.items() for _ in own]),
        )
    elif validation is not None:
        rows, kept = split(len(paths), validation, Generator(0) if rng is None else rng, t)
        held, pixels, t = (pixels[kept], t[kept]), pixels[rows], t[rows]
    images, backend = Images.fit(pixels), get_backend()
    pairs = [None if part is None else (backend.asarray(images(part[0])), backend.asarray(part[1]))
             for part in ((pixels, t), held)]  # fmt: skip
    return Dataset(pairs[0], pairs[1], Encoding(images, classes))  # type: ignore[arg-type]


def folders(folder: Path) -> list[Path]:
    """Return the folders inside a folder, sorted, without those whose names start with a dot.

    Raises: ``DataError``.
    """
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        must, remedy = f"{folder} must be a folder of images by class", "put each class into a folder of its name"
        raise DataError("load_images", must, reason(error), remedy) from error
    return found


def files_by_class(folder: Path) -> dict[str, list[Path]]:
    """Return the images in each folder of a folder, by the name of the folder.

    Raises: ``DataError`` for fewer than two classes, and for a class without images.
    """
    files = {}
    for entry in folders(folder):
        paths = sorted(path for path in entry.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
        files[entry.name] = paths
    empty = [name for name, paths in files.items() if not paths]
    if len(files) < 2 or empty:
        must = f"{folder} must hold a folder of images for each of two classes or more"
        got = f"no images in {', '.join(empty)}" if empty else f"{len(files)} folders"
        raise DataError("load_images", must, got, f"put files such as {', '.join(sorted(ENDINGS)[:4])} into each")
    return files
