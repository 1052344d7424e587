"""Folders of images, one for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xpnet.backend import get_backend
from xpnet.datasets.dataset import Dataset
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.images import ENDINGS, Images, is_grey, read_all
from xpnet.datasets.split import split
from xpnet.datasets.tables import Host
from xpnet.datasets.targets import Classes
from xpnet.errors import ArgumentError, DataError
from xpnet.files import path_of, reason
from xpnet.initializers import check_size
from xpnet.random import Generator

TRAINING = ("train", "training")
VALIDATION = ("val", "valid", "validation", "test")
NAMED = 5  # folders without images; more are counted


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
    true if all images are grey. Files whose names do not end like an image's are ignored, and so are hidden ones,
    whose names begin with a dot. Of an animation the first picture counts.

    Shapes: ``x (N, C, H, W)`` with ``size = (H, W)`` or one number for both, ``t (N,)``.
    Raises: ``DataError`` for a folder that is missing, holds fewer than two classes, or a class without images, and for
    a file that is not a whole image; ``BackendError`` without Pillow.

    >>> from pathlib import Path
    >>> for kind, shade in (("day", 1.0), ("night", 0.0)):
    ...     Path("photos", kind).mkdir(parents=True)
    ...     for i in range(5):
    ...         path = save_images(f"photos/{kind}/{i}.png", np.full((1, 4, 4), shade))
    >>> data = load_images("photos", size=4)
    >>> data.classes, data.train[0].shape
    (['day', 'night'], (8, 1, 4, 4))
    """
    sizes: Any = (size, size) if isinstance(size, int) else size
    if not isinstance(sizes, tuple | list) or len(sizes) != 2:
        must, remedy = "size must be one number, or a height and a width", "write size=32, or size=(24, 32)"
        raise ArgumentError("load_images", must, repr(size), remedy)
    height, width = sizes
    for length in (height, width):
        check_size("load_images", "size", length)
    folder = path_of("load_images", folder)
    parts = {entry.name.lower(): entry for entry in folders(folder)}
    training = next((parts[name] for name in TRAINING if name in parts), None)
    apart = next((parts[name] for name in VALIDATION if name in parts), None)
    files = files_by_class(training or folder)
    classes = Classes([name for name in files if files[name]])
    names = [name for name, paths in files.items() for _ in paths]
    paths = [path for own in files.values() for path in own]
    channels = 1 if (all(map(is_grey, paths)) if grey is None else grey) else 3
    pixels = read_all(paths, (height, width), channels)
    t = classes.encode(names)
    held: tuple[Host, Host] | None = None
    if training is not None and apart is not None:
        others = files_by_class(apart, least=1)
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
    """Return the folders inside a folder, sorted, without hidden ones.

    Raises: ``DataError``.
    """
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not is_hidden(entry.name))
    except OSError as error:
        must, remedy = f"{folder} must be a folder of images by class", "put each class into a folder of its name"
        raise DataError("load_images", must, reason(error), remedy) from error
    return found


def files_by_class(folder: Path, least: int = 2) -> dict[str, list[Path]]:
    """Return the images in each folder of a folder, by the name of the folder.

    Raises: ``DataError`` for fewer classes than ``least``, and for a class without images.
    """
    files = {entry.name: images_in(entry) for entry in folders(folder)}
    empty = [name for name, paths in files.items() if not paths]
    if len(files) < least or empty:
        must = f"{folder} must hold a folder of images for each of " + ("two classes or more" if least > 1 else "them")
        more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
        got = f"no images in {', '.join(empty[:NAMED])}{more}" if empty else f"{len(files)} folders"
        raise DataError("load_images", must, got, f"put files such as {', '.join(sorted(ENDINGS)[:4])} into each")
    return files


def images_in(folder: Path) -> list[Path]:
    """Return the images anywhere inside a folder, without hidden ones."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    return sorted(path for path in found if not any(map(is_hidden, path.relative_to(folder).parts)))


def is_hidden(name: str) -> bool:
    """Return whether a file or folder belongs to the operating system."""
    return name.startswith(".") or name == "__MACOSX"
