"""Images and labels in the form that the book's networks take."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from xpnet.backend import dtype_name, get_backend
from xpnet.typing import Array

Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"
Pair: TypeAlias = "tuple[Array, Array]"

CLASSES = 10


def arrange(images: Bytes, labels: Bytes, highest: int, *, normalize: bool, flatten: bool, one_hot_label: bool) -> Pair:
    """Images and labels as arrays of the current backend, ``x = images / highest``.

    Shapes: ``images (N, H, W)``, ``labels (N,)``; ``x (N, H W)`` or ``(N, 1, H, W)``, ``t (N,)`` or ``(N, K)``.
    """
    backend = get_backend()
    # a quotient in float32 on the way to float64 would lose half of the digits
    floating = np.float64 if dtype_name(backend.dtype) == "float64" else np.float32
    rows, height, width = images.shape
    x: np.ndarray[Any, Any] = images.reshape((rows, height * width) if flatten else (rows, 1, height, width))
    if normalize:
        x = np.divide(x, highest, dtype=floating)
    t = (labels[:, None] == np.arange(CLASSES)).astype(floating) if one_hot_label else labels.astype(np.int64)
    return backend.asarray(x), backend.asarray(t)
