"""Images and labels in the form that the book's networks take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import dtype_name, get_backend
from xpnet.typing import Array

Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"
Part: TypeAlias = "tuple[Bytes, Bytes]"
Pair: TypeAlias = "tuple[Array, Array]"

CLASSES = 10
INK = 255


@dataclass(frozen=True)
class Raw:
    """The images and labels for training and for testing as they are in files, and the place of the files.

    ``published`` is True for the very files that were published, False for others, and None if that cannot be told.
    """

    train: Part
    test: Part
    place: Path
    published: bool | None = None
    classes: int = CLASSES

    def arranged(self, *, normalize: bool, flatten: bool, one_hot_label: bool) -> tuple[Pair, Pair]:
        """Return both parts as arrays of the current backend."""
        form: dict[str, Any] = {
            "normalize": normalize,
            "flatten": flatten,
            "one_hot_label": one_hot_label,
            "classes": self.classes,
        }
        return arrange(*self.train, INK, **form), arrange(*self.test, INK, **form)


def arrange(
    images: Bytes,
    labels: Bytes,
    highest: int,
    *,
    normalize: bool,
    flatten: bool,
    one_hot_label: bool,
    classes: int = CLASSES,
) -> Pair:
    """Return images and labels as arrays of the current backend, ``x = images / highest``.

    Shapes: ``images (N, H, W)`` or ``(N, C, H, W)``, ``labels (N,)``; ``x (N, C H W)`` or ``(N, C, H, W)``, ``t (N,)``
    or ``(N, K)``.
    """
    backend = get_backend()
    # dividing in float32 and then converting to float64 would lose half of the digits
    floating = np.float64 if dtype_name(backend.dtype) == "float64" else np.float32
    rows, *sizes = images.shape
    channels, height, width = sizes if len(sizes) == 3 else (1, *sizes)
    whole = (rows, channels * height * width) if flatten else (rows, channels, height, width)
    x: np.ndarray[Any, Any] = images.reshape(whole)
    if normalize:
        x = np.divide(x, highest, dtype=floating)
    t = (labels[:, None] == np.arange(classes)).astype(floating) if one_hot_label else labels.astype(np.int64)
    return backend.asarray(x), backend.asarray(t)
