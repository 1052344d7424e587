"""Small idx files in the form of MNIST's."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def idx(values: np.ndarray) -> bytes:
    """The idx file of a uint8 array."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def small_mnist(train: int = 6, test: int = 4) -> dict[str, bytes]:
    """Four idx files, unpacked: pixel p of image n of either part is (n + p) % 256, its label n % 10."""
    files = {}
    for part, count in (("train", train), ("t10k", test)):
        images = (np.arange(count)[:, None] + np.arange(784)) % 256
        files[f"{part}-images-idx3-ubyte"] = idx(images.reshape(count, 28, 28).astype(np.uint8))
        files[f"{part}-labels-idx1-ubyte"] = idx((np.arange(count) % 10).astype(np.uint8))
    return files


def write_files(folder: Path, files: dict[str, bytes], packed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
    return folder
