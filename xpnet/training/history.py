"""The history of a training: one record per epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.files import written_in_place


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    ``loss`` is the mean over its batches as they were trained on; accuracies are shares from 0 to 1 after it, and
    ``test_loss`` is the loss of ``predict``. ``seconds`` is the time of its steps alone. Without test data its entries
    are None, and so are the accuracies of a network that gives numbers and not classes, or where all rows are ignored.
    """

    epoch: int
    loss: float
    train_accuracy: float | None
    test_accuracy: float | None
    seconds: float
    samples_per_second: float
    test_loss: float | None = None

    @property
    def watched(self) -> float:
        """The loss by which a training is judged: on the test data where there are any."""
        return self.loss if self.test_loss is None else self.test_loss


class History(list[Epoch]):
    """The epochs of a training, in order."""

    def to_dicts(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self]

    def save(self, path: str | Path, settings: dict[str, Any]) -> None:
        """Write the settings and epochs as JSON, with null for what is no finite number.

        Raises: ``DataError`` where the file cannot be written.
        """
        written = _finite({"settings": settings, "epochs": self.to_dicts()})
        text = json.dumps(written, indent=1, allow_nan=False)
        with written_in_place(path) as part:
            part.write_text(text + "\n", encoding="utf-8")

    def since_best(self) -> int:
        """The number of epochs since the one with the lowest loss, 0 where it is the last; NaN is not the lowest."""
        losses = [record.watched for record in self]
        numbers = [loss for loss in losses if not math.isnan(loss)]
        return len(losses) - 1 - losses.index(min(numbers)) if numbers else len(losses)

    def columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """The records as columns of numbers, with NaN for None."""
        return {
            field.name: np.asarray(
                [math.nan if (value := getattr(record, field.name)) is None else value for record in self],
                dtype=np.float64,
            )
            for field in fields(Epoch)
        }

    @classmethod
    def of_columns(cls, columns: Mapping[str, np.ndarray[Any, Any]]) -> Self:
        """The history whose ``columns`` these are."""
        names = list(columns)
        history = cls()
        for row in zip(*(columns[name].tolist() for name in names), strict=True):
            record: dict[str, Any] = {n: None if math.isnan(v) else v for n, v in zip(names, row, strict=True)}
            history.append(Epoch(**record | {"epoch": int(record["epoch"])}))
        return history


def _finite(value: Any) -> Any:
    """What JSON knows: None in the place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
