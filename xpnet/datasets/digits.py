"""The digits that ship with xpnet, which need neither a download nor another package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xpnet.datasets.arrange import Pair, arrange

TRAIN = 1437
INK = 16


def load_digits(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """Return 1797 handwritten digits as ``(x_train, t_train), (x_test, t_test)``, ``x = images / 16``.

    The split is fixed: 1437 to train, 360 to test, in one shuffled order (``digits.md`` describes how it was made).
    Pixels have the current backend's dtype, or stay uint8 with ``normalize=False``. Labels are int64 (int32 if
    a library has no int64), or rows of the backend's dtype with ``one_hot_label=True``.

    Shapes: ``x (N, 64)``, or ``(N, 1, 8, 8)`` with ``flatten=False``; ``t (N,)``, or ``(N, 10)`` with one-hot labels.
    Source: Alpaydin and Kaynak, 1998, Optical Recognition of Handwritten Digits, UCI; CC BY 4.0.

    >>> (x_train, t_train), (x_test, t_test) = load_digits()
    >>> x_train.shape, t_train[:5]
    ((1437, 64), array([2, 4, 5, 4, 8]))
    """
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    train, test = (
        arrange(images[rows], labels[rows], INK, normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)
        for rows in (slice(TRAIN), slice(TRAIN, None))
    )
    return train, test
