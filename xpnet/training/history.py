"""The history of a training: one record per epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xpnet.files import written_in_place


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    ``loss`` is the mean over its batches as they were trained on, accuracies are shares from 0 to 1 after it,
    ``seconds`` is the time of its steps alone. Without test data ``test_accuracy`` is None.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float | None
    seconds: float
    samples_per_second: float


class History(list[Epoch]):
    """The epochs of a training, in order."""

    def to_dicts(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self]

    def save(self, path: str | Path, settings: dict[str, Any]) -> None:
        """Write the settings and epochs as JSON.

        Raises: ``DataError`` where the file cannot be written.
        """
        text = json.dumps({"settings": settings, "epochs": self.to_dicts()}, indent=1)
        with written_in_place(path) as part:
            part.write_text(text + "\n", encoding="utf-8")
