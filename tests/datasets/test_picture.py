"""Grey images become one PNG."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from xpnet.datasets import save_images
from xpnet.errors import ArgumentError, ShapeError


def test_images_stand_side_by_side_and_below_each_other(tmp_path) -> None:
    images = np.asarray([[[0.0, 1.0]], [[0.5, 2.0]], [[-1.0, 0.2]]])
    content = save_images(tmp_path / "a.png", images[:, None], columns=2, scale=1).read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert (height, width) == (2 * 3 + 2, 2 * 4 + 2)
    (length,) = struct.unpack(">I", content[33:37])
    lines = np.frombuffer(zlib.decompress(content[41 : 41 + length]), dtype=np.uint8).reshape(height, 1 + width)
    assert (lines[:, 0] == 0).all()  # no filter
    sheet = lines[:, 1:]
    assert [sheet[2, 2:4].tolist(), sheet[2, 6:8].tolist(), sheet[5, 2:4].tolist()] == [[0, 255], [128, 255], [0, 51]]
    assert (sheet[0] == 128).all()


def test_what_is_no_row_of_images_is_refused(tmp_path) -> None:
    with pytest.raises(ShapeError, match=r"save_images: images must be \(N, H, W\), got \(2, 3\)"):
        save_images(tmp_path / "a.png", np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="save_images: columns must be a positive integer, got 0"):
        save_images(tmp_path / "a.png", np.zeros((1, 2, 2)), columns=0)
