"""Many grey images in one picture."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import to_numpy
from xpnet.errors import ShapeError
from xpnet.files import path_of
from xpnet.initializers import check_size

GAP = 2


def save_images(path: str | Path, images: Any, columns: int = 10, scale: int = 4) -> Path:
    """Write grey images, one beside and below another, as one PNG; 0 is black and 1 is white.

    Each value becomes a square of ``scale`` pixels.

    Shapes: ``images (N, H, W)`` or ``(N, 1, H, W)``.
    Raises: ``ShapeError`` for other shapes and for no images; ``ArgumentError`` for columns or a scale below 1.

    >>> (x_train, _), _ = load_digits(flatten=False)
    >>> save_images("digits.png", x_train[:20]).name
    'digits.png'
    """
    who = "save_images"
    check_size(who, "columns", columns)
    check_size(who, "scale", scale)
    host = np.asarray(to_numpy(images), dtype=np.float64)
    host = host[:, 0] if host.ndim == 4 and host.shape[1] == 1 else host
    if host.ndim != 3 or not host.size:
        raise ShapeError(who, "images must be (N, H, W)", np.shape(images), "reshape them, and give at least one")
    grey = np.rint(255.0 * np.clip(host, 0.0, 1.0)).astype(np.uint8)
    grey = grey.repeat(scale, axis=1).repeat(scale, axis=2)
    N, H, W = grey.shape
    rows = -(-N // columns)
    sheet = np.full((rows * (H + GAP) + GAP, min(columns, N) * (W + GAP) + GAP), 128, dtype=np.uint8)
    for at, image in enumerate(grey):
        top, left = GAP + at // columns * (H + GAP), GAP + at % columns * (W + GAP)
        sheet[top : top + H, left : left + W] = image
    place = path_of(who, path)
    place.write_bytes(png(sheet))
    return place


def png(grey: np.ndarray[Any, Any]) -> bytes:
    """Return an image ``(H, W)`` of bytes as a PNG."""
    height, width = grey.shape
    lines = b"".join(b"\0" + line.tobytes() for line in grey)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(lines, 9)))
    chunks = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (*parts, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
