"""The history of a training: one record per epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.files import written_in_place

METRIC = "metric "
"""What stands before the name of a metric among the columns of a history."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    ``loss`` is the mean over its rows, each with the weight that it has in the loss, as they were trained on; of a loss
    that is a sum, the sum over the number of rows. Accuracies are shares from 0 to 1 after it, or the metric that the
    Trainer was given, whose ``measure`` names it; ``test_loss`` is the loss of ``predict``, as ``loss``. ``seconds`` is
    the time of its steps alone. Without test data its entries are None, and so are the accuracies of a network that
    gives numbers and not classes, or where all rows are ignored. ``metrics`` are those that the Trainer was asked for,
    by name, after the epoch: on the validation data where there are any, and as ``train f1`` on the rows of training.
    """

    epoch: int
    loss: float
    train_accuracy: float | None
    test_accuracy: float | None
    seconds: float
    samples_per_second: float
    test_loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)

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
        written = finite({"settings": settings, "epochs": self.to_dicts()})
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
        names = [field.name for field in fields(Epoch) if field.name != "metrics"]
        measured = dict.fromkeys(name for record in self for name in record.metrics)
        columns = {name: [getattr(record, name) for record in self] for name in names}
        columns |= {f"{METRIC}{name}": [record.metrics.get(name) for record in self] for name in measured}
        return {
            name: np.asarray([math.nan if value is None else value for value in values], dtype=np.float64)
            for name, values in columns.items()
        }

    @classmethod
    def of_columns(cls, columns: Mapping[str, np.ndarray[Any, Any]]) -> Self:
        """The history whose ``columns`` these are."""
        names = list(columns)
        history = cls()
        for row in zip(*(columns[name].tolist() for name in names), strict=True):
            record: dict[str, Any] = {n: None if math.isnan(v) else v for n, v in zip(names, row, strict=True)}
            metrics = {n.removeprefix(METRIC): record.pop(n) for n in names if n.startswith(METRIC)}
            metrics = {name: value for name, value in metrics.items() if value is not None}
            history.append(Epoch(**record | {"epoch": int(record["epoch"]), "metrics": metrics}))
        return history


def finite(value: Any) -> Any:
    """What JSON knows: None in the place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
