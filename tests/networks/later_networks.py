"""The networks after the book, as small as they can be, and a batch for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from named_numbers import normal

from xpnet.networks import VGG, Autoencoder, MLPMixer, ResNet18, ResNet50, UNet, ViT
from xpnet.random import Generator

IMAGES, CLASSES = normal("x", 3, 1, 4, 4), np.asarray([0, 2, 1])
PIXELS = np.arange(3 * 16).reshape(3, 4, 4) % 3
ROWS = np.abs(normal("rows", 3, 5)) % 1.0
LATER: dict[str, tuple[Callable[[Generator], Any], np.ndarray, np.ndarray]] = {
    "VGG": (lambda rng: VGG(11, (1, 4, 4), 3, 2, 4, rng=rng), IMAGES, CLASSES),
    "VGG normalized": (lambda rng: VGG(11, (1, 4, 4), 3, 2, 4, normalized=True, rng=rng), IMAGES, CLASSES),
    "ResNet18": (lambda rng: ResNet18(3, 1, 2, rng=rng), normal("x", 3, 1, 8, 8), CLASSES),
    "ResNet50": (lambda rng: ResNet50(3, 1, 1, rng=rng), normal("x", 3, 1, 8, 8), CLASSES),
    "UNet": (lambda rng: UNet(1, 3, 2, 2, rng=rng), IMAGES, PIXELS),
    "ViT": (lambda rng: ViT((1, 4, 4), 2, 4, 2, 1, 3, 5, 0.5, rng=rng), IMAGES, CLASSES),
    "MLPMixer": (lambda rng: MLPMixer((1, 4, 4), 2, 4, 1, 3, 3, 5, rng=rng), IMAGES, CLASSES),
    "Autoencoder": (lambda rng: Autoencoder(5, (4,), 2, rng=rng), ROWS, ROWS),
}
