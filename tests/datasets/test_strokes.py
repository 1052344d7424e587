"""Figures on a plain ground: what training images show of it, and images brought to their form."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.datasets.images import Images
from xpnet.datasets.strokes import Strokes, centre_of_mass
from xpnet.errors import DataError


def figures(count: int = 20, side: int = 24, length: int = 12, ground: int = 0) -> np.ndarray:
    """Bars of one length at places that vary, on a plain ground."""
    images = np.zeros((count, side, side), np.uint8)
    for i, image in enumerate(images):
        top, left = 2 + i % 9, 3 + (5 * i) % 15
        image[top : top + length, left : left + 3] = 220
    return images if ground == 0 else 255 - images


@pytest.mark.parametrize("ground", [0, 255])
def test_ground_and_size_are_those_of_training(ground: int) -> None:
    found = Strokes.fit(figures(ground=ground))
    assert (found.ground, found.side) == (ground, 0.5)
    assert Images.of(Images.like(figures(ground=ground)[:, None], [0.0], [1.0]).describe()).strokes == found


def test_photos_and_figures_of_all_sizes() -> None:
    assert Strokes.fit((128 + 60 * normal("photos", 20, 16, 16)).clip(0, 255).astype(np.uint8)) is None
    assert Strokes.fit(np.zeros((5, 8, 8), np.uint8)) is None
    varied = np.concatenate([figures(length=length) for length in (4, 9, 15)])
    assert Strokes.fit(varied) == Strokes(0, 0.0)


def test_figures_are_centred_as_in_training() -> None:
    images = np.zeros((20, 20, 20), np.uint8)
    for i, image in enumerate(images):  # a heavy head, whose mass is in the middle
        image[6:10, 4 + i % 8 : 12] = 255
        image[10:16, 11] = 255
        shift = np.round(10 - centre_of_mass(image)).astype(int)
        images[i] = np.roll(image, shift, axis=(0, 1))
    assert Strokes.fit(images).by_mass


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("own", [0, 255])
def test_an_image_of_any_size_and_ground_is_placed(ground: int, own: int) -> None:
    pytest.importorskip("PIL.Image")
    images = Images.like(figures(ground=ground)[:, None], [0.0], [1.0])
    drawn = np.full((90, 200), own, np.uint8)
    drawn[30:78, 150:162] = 210 if own == 0 else 45
    from PIL import Image

    x = images([Image.fromarray(drawn)])[0, 0]
    bar = np.zeros((24, 24))
    bar[6:18, 10:13] = 1.0
    np.testing.assert_allclose(x if ground == 0 else 1.0 - x, bar, atol=0.02)


def test_an_image_as_in_training_stays_as_it_is_and_a_blank_one_is_refused() -> None:
    pillow = pytest.importorskip("PIL.Image")
    pixels = figures()
    images = Images.like(pixels[:, None], [0.0], [1.0])
    np.testing.assert_allclose(images([pillow.fromarray(pixels[3])])[0, 0], pixels[3] / 255.0, rtol=1e-6)
    with pytest.raises(DataError, match="the image must show a figure on a plain ground, got a single shade"):
        images([pillow.new("L", (50, 50), 200)])


def test_what_is_transparent_is_white() -> None:
    pillow = pytest.importorskip("PIL.Image")
    clear = np.zeros((40, 40, 4), np.uint8)
    clear[10:30, 18:23, 3] = 255  # black ink
    images = Images.like(figures()[:, None], [0.0], [1.0])
    x = images([pillow.fromarray(clear)])[0, 0]
    assert x[12, 12] == pytest.approx(1.0)
    assert x[0, 0] == 0.0
