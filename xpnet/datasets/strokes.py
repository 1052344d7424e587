"""Figures on a plain ground, such as digits: their ground, size and place, as in training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from xpnet.datasets.tables import Host
from xpnet.errors import DataError

PLAIN = 0.9
"""The share of training images whose border must be of one shade, for a plain ground."""

NEAR = 48
"""Shades from 0 to 255 that differ by less than this from the ground belong to it."""

EQUAL = 0.12
"""Figures are of one size if the middle half of their sizes differ by at most this share of the side."""


@dataclass(frozen=True)
class Strokes:
    """The ground of training images, black or white, and the usual size and place of the figure on it.

    ``side`` is the longer side of the figure as a share of that of the image, or 0 if figures differ in size: then an
    image is only inverted if its ground is of the other shade. ``by_mass`` says that figures were centred by their
    centre of mass, and not by their box.
    """

    ground: int
    side: float = 0.0
    by_mass: bool = False

    @classmethod
    def fit(cls, pixels: Host) -> Self | None:
        """Return the strokes that grey images ``(N, H, W)`` from 0 to 255 show, or None without a plain ground."""
        border = borders(pixels)
        grounds = np.median(border, axis=1)
        ground = 0 if np.median(grounds) < 128 else 255
        if np.mean(np.abs(grounds - ground) < NEAR) < PLAIN:
            return None
        ink = inked(pixels, ground)
        ink = ink[ink.reshape(len(ink), -1).max(axis=1) >= NEAR]
        if not len(ink) or np.mean(ink >= NEAR) > 0.75:
            return None
        boxes = np.asarray([box_of(image) for image in ink], dtype=np.float64)
        heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
        sides = np.maximum(heights / pixels.shape[1], widths / pixels.shape[2])
        low, middle, high = np.quantile(sides, [0.25, 0.5, 0.75])
        if high - low > EQUAL:
            return cls(ground)
        of_boxes = np.stack([boxes[:, :2].mean(axis=1), boxes[:, 2:].mean(axis=1)], axis=1)
        of_mass = np.asarray([centre_of_mass(image) for image in ink])
        return cls(ground, float(middle), bool(of_mass.std(axis=0).sum() < of_boxes.std(axis=0).sum()))

    def placed(self, name: Any, image: Host, size: tuple[int, ...], scale: Any) -> Host:
        """Return a grey image ``(H, W)`` of any size with the ground, size and place of training, ``(H, W)`` uint8.

        ``scale(image, size)`` returns an image in another size; ``name`` is that of the image, for an error.

        Raises: ``DataError`` for an image of a single shade.
        """
        own = 0 if np.median(borders(image[None])) < 128 else 255
        if own == self.ground and image.shape == tuple(size):
            return image
        ink = inked(image[None].astype(np.float64), own)[0]
        paper = float(np.median(borders(ink[None])))
        ink = np.clip(ink - paper, 0.0, None)
        if ink.max() < NEAR:
            got, remedy = "a single shade", "draw darker than the paper, or lighter"
            raise DataError("Images", f"{name} must show a figure on a plain ground", got, remedy)
        ink = ink * (255.0 / ink.max())
        if not self.side:
            return self.on_ground(scale(ink, size))
        top, bottom, left, right = box_of(np.where(ink < 2 * NEAR, 0.0, ink))
        ink = np.where(ink < NEAR, 0.0, ink)[top:bottom, left:right]
        factor = self.side * min(size) / max(ink.shape)
        height, width = (max(round(factor * length), 1) for length in ink.shape)
        figure = scale(ink, (min(height, size[0]), min(width, size[1])))
        centre = centre_of_mass(figure) if self.by_mass else np.asarray(figure.shape) / 2.0
        first = np.round(np.asarray(size) / 2.0 - centre).astype(int)
        first = np.clip(first, 0, np.asarray(size) - figure.shape)
        placed = np.zeros(size)
        placed[first[0] : first[0] + figure.shape[0], first[1] : first[1] + figure.shape[1]] = figure
        return self.on_ground(placed)

    def on_ground(self, ink: Host) -> Host:
        """Return shades of a strength of ink from 0 to 255, on the ground of training."""
        strength = np.clip(np.round(ink), 0, 255).astype(np.uint8)
        return strength if self.ground == 0 else 255 - strength

    def describe(self) -> dict[str, Any]:
        """Return a description that JSON can hold."""
        return asdict(self)


def borders(images: Host) -> Host:
    """Return the values at the border of images, ``(N, P)``."""
    parts = images[:, 0, :], images[:, -1, :], images[:, :, 0], images[:, :, -1]
    return np.concatenate(parts, axis=1)


def inked(images: Host, ground: int) -> Host:
    """Return how far shades are from the ground, 0 for it and 255 for the other end."""
    return images if ground == 0 else 255 - images


def box_of(ink: Host) -> tuple[int, int, int, int]:
    """Return the rows and columns between which there is ink."""
    rows, columns = (np.flatnonzero((ink >= NEAR).any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def centre_of_mass(ink: Host) -> Host:
    """Return the centre of mass of ink, in rows and columns from the upper left corner."""
    weights = ink.astype(np.float64)
    total = weights.sum() or 1.0
    found = [(weights.sum(axis=1 - axis) * (np.arange(weights.shape[axis]) + 0.5)).sum() / total for axis in (0, 1)]
    return np.asarray(found)
