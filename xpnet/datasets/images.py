"""Images as the inputs of a network, read with Pillow."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.backend import is_array, to_numpy
from xpnet.datasets.tables import Host
from xpnet.errors import ArgumentError, BackendError, DataError, DtypeError, ShapeError
from xpnet.files import reason

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


class Images:
    """Images as x, ``(pixels / 255 - mean) / std``, each cropped at its centre to the shape of ``size`` and scaled.

    ``mean`` and ``std`` are those of the training images, one for each channel: 1 for grey, 3 for colours.

    Shapes: result ``(N, C, H, W)`` with ``size = (H, W)``.
    Raises: ``DataError`` for a file that is not a whole image.
    """

    def __init__(self, size: tuple[int, int], channels: int, mean: list[float], std: list[float]) -> None:
        self.size, self.channels, self.mean, self.std = tuple(size), channels, mean, std

    @classmethod
    def fit(cls, pixels: Host) -> Self:
        """Return the conversion with the size, mean and deviation of these pixels, ``(N, C, H, W)`` from 0 to 255."""
        size, channels = (int(pixels.shape[2]), int(pixels.shape[3])), pixels.shape[1]
        flat = [pixels[:, c].astype(np.float64) / 255.0 for c in range(channels)]
        stds = [float(values.std()) for values in flat]
        return cls(size, channels, [float(values.mean()) for values in flat], [std or 1.0 for std in stds])

    def __call__(self, data: Any) -> Host:
        """Return the inputs for files, or for arrays of pixels from 0 to 255."""
        files = [data] if isinstance(data, str | Path) else data
        if is_array(files):
            pixels = to_numpy(files)
            if pixels.shape[1:] != (self.channels, *self.size):
                must = f"pixels must be (N, {self.channels}, {self.size[0]}, {self.size[1]})"
                raise ShapeError("Images", must, pixels.shape, "give the files, which are scaled")
        else:
            pixels = read_all(files, self.size, self.channels)
        mean, std = (np.asarray(numbers, dtype=np.float32)[:, None, None] for numbers in (self.mean, self.std))
        return (pixels.astype(np.float32) / np.float32(255.0) - mean) / std

    @property
    def width(self) -> int:
        """The number of values of an image."""
        return self.channels * self.size[0] * self.size[1]

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return {"images": {"size": self.size, "channels": self.channels, "mean": self.mean, "std": self.std}}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the images of a description."""
        return cls(**description["images"])

    def __repr__(self) -> str:
        return f"Images({self.channels} x {self.size[0]} x {self.size[1]})"


def read_all(paths: Iterable[Any], size: tuple[int, ...], channels: int) -> Host:
    """Return the pixels of files, ``(N, C, H, W)`` uint8, read by a few threads."""
    with ThreadPoolExecutor(4) as pool:
        pixels = list(pool.map(lambda path: read_image(path, size, channels), paths))
    if not pixels:
        raise ArgumentError("Images", "there must be an image", "none", "give some files")
    return np.stack(pixels)


def read_image(path: Any, size: tuple[int, ...], channels: int) -> Host:
    """Return the pixels of a file, cropped at the centre and scaled, ``(C, H, W)`` uint8.

    Raises: ``DataError``, ``DtypeError``.
    """
    if not isinstance(path, str | Path):
        raise DtypeError("Images", "an image must be the path of a file", type(path).__name__, "give its name")
    pillow, operations = pillows("Image"), pillows("ImageOps")
    try:
        with pillow.open(path) as image:
            upright = operations.exif_transpose(image).convert("L" if channels == 1 else "RGB")
            fitted = operations.fit(upright, (size[1], size[0]))
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        got = "no image" if type(error).__name__ == "UnidentifiedImageError" else reason(error)
        raise DataError("Images", f"{path} must be a whole image", got, "replace or remove it") from error
    pixels = np.asarray(fitted, dtype=np.uint8)
    return pixels[None] if channels == 1 else np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def is_grey(path: Path) -> bool:
    """Return whether a file contains shades of grey; an unreadable file counts as grey, and raises when it is read."""
    pillow = pillows("Image")
    try:
        with pillow.open(path) as image:
            return image.mode in ("1", "L", "LA", "I", "I;16", "F")
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError):
        return True


def pillows(module: str) -> Any:
    """Return a module of Pillow.

    Raises: ``BackendError`` if it is not installed.
    """
    try:
        return importlib.import_module(f"PIL.{module}")
    except ImportError:
        raise BackendError("load_images", "Pillow must be installed", "none", "pip install xpnet[data]") from None
