"""Images as the inputs of a network, read with Pillow."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.backend import dtype_kind, is_array, to_numpy
from xpnet.backend.threads import has_threads
from xpnet.datasets.described import items, number, whole
from xpnet.datasets.strokes import Strokes
from xpnet.datasets.tables import Host
from xpnet.errors import ArgumentError, BackendError, DataError, DtypeError, ShapeError, XpnetError
from xpnet.files import reason

STUDIED = 5000
"""The number of training images in which figures on a plain ground are looked for."""

MOST = 1 << 13
"""The largest side of the images that a network takes, in pixels."""

PIXELS = 89_478_485
"""The largest number of pixels of an image that is read: a small file may stand for a large one."""

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM")
"""The formats of files that are read: Pillow starts other programs for some of the rest, such as EPS."""

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


class Images:
    """Images as x, ``(pixels / 255 - mean) / std``, each cropped at its centre to the shape of ``size`` and scaled.

    ``mean`` and ``std`` are those of the training images, one for each channel: 1 for grey, 3 for colours. Where
    these were figures on a plain ground (see ``Strokes``), an image on the other ground is inverted. With ``flat`` a
    row is a vector, an array of floating numbers is x already, and a figure is brought to its usual size and place.

    An image is the name of a file, its bytes, an open file, an image of Pillow, or an array of pixels from 0 to 255.

    Shapes: result ``(N, C, H, W)`` with ``size = (H, W)``, or ``(N, C H W)`` with ``flat``.
    Raises: ``DataError`` for a file that is not a whole image.

    >>> images = Images((2, 2), channels=1, mean=[0.5], std=[0.5])
    >>> images(np.array([[[0, 255], [255, 0]]], dtype="uint8"))
    array([[[[-1.,  1.],
             [ 1., -1.]]]], dtype=float32)
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels: int,
        mean: list[float],
        std: list[float],
        flat: bool = False,
        strokes: Mapping[str, Any] | None = None,
    ) -> None:
        self.size, self.channels, self.mean, self.std, self.flat = tuple(size), channels, mean, std, flat
        self.strokes = None if strokes is None else Strokes(**strokes)

    @classmethod
    def fit(cls, pixels: Host) -> Self:
        """Return the conversion with the size, mean and deviation of these pixels, ``(N, C, H, W)`` from 0 to 255."""
        flat = [pixels[:, c].astype(np.float64) / 255.0 for c in range(pixels.shape[1])]
        stds = [float(values.std()) or 1.0 for values in flat]
        return cls.like(pixels, [float(values.mean()) for values in flat], stds)

    @classmethod
    def like(cls, pixels: Host, mean: list[float], std: list[float], flat: bool = False) -> Self:
        """Return a conversion of images like these, ``(N, C, H, W)`` from 0 to 255."""
        _, channels, height, width = pixels.shape
        found = Strokes.fit(pixels[:STUDIED, 0]) if channels == 1 else None
        if found is not None and not flat:  # files are cropped as those of training were
            found = Strokes(found.ground)
        return cls((height, width), channels, mean, std, flat, None if found is None else found.describe())

    def many(self, data: Any) -> tuple[Any, bool]:
        """Return the data as many images, and whether they were one."""
        if is_array(data):
            whole = (self.channels, *self.size)
            one = tuple(data.shape) in (whole, whole[-2:], (self.width,))
            return (data[None, ...] if one else data), one
        one = isinstance(data, str | Path | bytes) or hasattr(data, "read") or hasattr(data, "getbands")
        return ([data] if one else data), one

    def __call__(self, data: Any) -> Host:
        """Return the inputs for images, or for arrays of pixels from 0 to 255."""
        images, _ = self.many(data)
        if is_array(images) and self.flat and dtype_kind(images) == "real" and images.shape[1:] == (self.width,):
            return to_numpy(images)
        pixels = self.pixels(images) if is_array(images) else read_all(images, self.size, self.channels, self.strokes)
        mean, std = (np.asarray(numbers, dtype=np.float32)[:, None, None] for numbers in (self.mean, self.std))
        x: Host = (pixels.astype(np.float32) / np.float32(255.0) - mean) / std
        return x.reshape(len(x), -1) if self.flat else x

    def pixels(self, array: Any) -> Host:
        """Return an array of pixels as ``(N, C, H, W)``.

        Raises: ``ShapeError`` for another size.
        """
        whole = (self.channels, *self.size)
        shapes = (whole, whole[1:], (self.width,)) if self.channels == 1 else (whole, (self.width,))
        if tuple(array.shape[1:]) not in shapes:
            must = f"pixels must be (N, {self.channels}, {self.size[0]}, {self.size[1]})"
            raise ShapeError("Images", must, tuple(array.shape), "give the files, which are scaled")
        return to_numpy(array).reshape(-1, *whole)

    @property
    def width(self) -> int:
        """The number of values of an image."""
        return self.channels * self.size[0] * self.size[1]

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        told = {"size": self.size, "channels": self.channels, "mean": self.mean, "std": self.std}
        told |= {"flat": True} if self.flat else {}
        return {"images": told if self.strokes is None else {**told, "strokes": self.strokes.describe()}}

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Return the images of a description."""
        made = cls(**description["images"])
        height, width = (whole(side, 1, MOST) for side in made.size)
        channels = whole(made.channels, 1, MOST)
        whole(height * width * channels, 1, MOST * MOST)
        if not len(items(made.mean)) == len(items(made.std)) == channels:
            raise ValueError("a mean and a deviation for each channel")
        for mean, std in zip(made.mean, made.std, strict=True):
            number(mean), number(std, above=0.0)
        if made.strokes is not None:
            whole(made.strokes.ground, 0, 255)
            number(made.strokes.side)
        return made

    def __repr__(self) -> str:
        return f"Images({self.channels} x {self.size[0]} x {self.size[1]})"


def read_all(images: Iterable[Any], size: tuple[int, ...], channels: int, strokes: Strokes | None = None) -> Host:
    """Return the pixels of images, ``(N, C, H, W)`` uint8, read by a few threads."""
    images = list(images)
    if len(images) == 1 or not has_threads():  # threads take longer to start
        pixels = [read_image(image, size, channels, strokes) for image in images]
    else:
        with ThreadPoolExecutor(4) as pool:
            pixels = list(pool.map(lambda image: read_image(image, size, channels, strokes), images))
    if not pixels:
        raise ArgumentError("Images", "there must be an image", "none", "give some files")
    return np.stack(pixels)


def read_image(image: Any, size: tuple[int, ...], channels: int, strokes: Strokes | None = None) -> Host:
    """Return the pixels of an image, cropped at the centre and scaled, or placed as ``strokes``, ``(C, H, W)`` uint8.

    Parts that are transparent are white.

    Raises: ``DataError``, ``DtypeError``.
    """
    name = image if isinstance(image, str | Path) else getattr(image, "name", "the image")
    if isinstance(image, bytes):
        image = io.BytesIO(image)
    if not isinstance(image, str | Path) and not hasattr(image, "read") and not hasattr(image, "getbands"):
        raise DtypeError("Images", "an image must be the path of a file", type(image).__name__, "give its name")
    operations = pillows("ImageOps")
    try:
        with image if hasattr(image, "getbands") else opened_image(image) as opened:
            if opened.width * opened.height > PIXELS:
                raise ValueError(f"{opened.width} x {opened.height} pixels, more than {PIXELS:,}")
            upright = on_white(operations.exif_transpose(opened)).convert("L" if channels == 1 else "RGB")
            if strokes is not None and strokes.side:
                return strokes.placed(name, np.asarray(upright, dtype=np.uint8), size, scaled)[None]
            fitted = operations.fit(upright, (size[1], size[0]))
    except Exception as error:  # what Pillow raises for a damaged file is of many kinds
        if isinstance(error, XpnetError):
            raise
        got = "no image" if type(error).__name__ == "UnidentifiedImageError" else reason(error) or type(error).__name__
        raise DataError("Images", f"{name} must be a whole image", got, "replace or remove it") from error
    pixels = np.asarray(fitted, dtype=np.uint8)
    if strokes is not None:
        pixels = strokes.on_own_ground(pixels)
    return pixels[None] if channels == 1 else np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def opened_image(file: Any) -> Any:
    """Return the image in a file, of a format that Pillow decodes by itself; its pixels are not read yet."""
    return pillows("Image").open(file, formats=FORMATS)


def on_white(image: Any) -> Any:
    """Return an image of Pillow over white where it is transparent."""
    if not image.has_transparency_data:
        return image
    pillow = pillows("Image")
    clear = image.convert("RGBA")
    return pillow.alpha_composite(pillow.new("RGBA", clear.size, "white"), clear)


def scaled(image: Host, size: tuple[int, ...]) -> Host:
    """Return a grey image ``(H, W)`` from 0 to 255 in another size, each pixel the mean of those that it covers."""
    pillow = pillows("Image")
    made = pillow.fromarray(image.astype(np.float32)).resize((size[1], size[0]), pillow.Resampling.BOX)
    return np.asarray(made, dtype=np.float64)


def is_grey(path: Path) -> bool:
    """Return whether a file contains shades of grey; an unreadable file counts as grey, and raises when it is read."""
    try:
        with opened_image(path) as image:
            return image.mode in ("1", "L", "LA", "I", "I;16", "F")
    except XpnetError:
        raise
    except Exception:  # what Pillow raises for a damaged file is of many kinds
        return True


def pillows(module: str) -> Any:
    """Return a module of Pillow.

    Raises: ``BackendError`` if it is not installed.
    """
    try:
        return importlib.import_module(f"PIL.{module}")
    except ImportError:
        raise BackendError("load_images", "Pillow must be installed", "none", "pip install xpnet[data]") from None
