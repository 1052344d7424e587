"""The epochs of a training, each trained when its record is requested."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Self

from xpnet.training.history import Epoch


class Epochs(Iterator[Epoch]):
    """An iterator over the records of some epochs; it warns if it is deleted before any epoch was trained."""

    def __init__(self, records: Iterator[Epoch]) -> None:
        self._records = records
        self._begun = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Epoch:
        self._begun = True
        return next(self._records)

    def __del__(self) -> None:
        if not self._begun:
            text = "Trainer.run: nothing was trained, because no epoch was requested; "
            warnings.warn(text + "call trainer.fit(epochs), or write for epoch in trainer.run(epochs):", stacklevel=2)
