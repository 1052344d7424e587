"""The history of a training: one record for each epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from xpnet.drawing.curves import learning_curve
from xpnet.files import written_in_place
from xpnet.training.shown import measured, number
from xpnet.typesetting import aligned, as_html, within_page

METRIC = "metric "
"""The prefix of the name of a metric among the columns of a history."""

AT_MOST = 12
"""The number of epochs that are shown."""


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch.

    ``loss`` is the mean over its rows, each with its weight in the loss, as they were trained on; for a loss that is a
    sum, the sum divided by the number of rows. Accuracies are shares from 0 to 1 after the epoch, or values of the
    ``metric`` of the Trainer, whose ``measure`` names it; ``test_loss`` is the loss of ``predict`` on the validation
    data. ``seconds`` is the time of the steps alone. Values for validation are None without such data; accuracies are
    None for a network that predicts numbers, or if all rows are ignored. ``metrics`` has those of the Trainer after the
    epoch, by name: on the validation data if there are any, and as ``train f1`` on the training rows.

    >>> x, t = np.eye(4, dtype="float32"), np.array([0, 1, 0, 1])
    >>> epoch = Trainer(TwoLayerNet(4, 8, 2), Adam(0.1), (x, t)).fit(20)[-1]
    >>> epoch.epoch, epoch.train_accuracy, epoch.test_accuracy  # nothing was held out
    (20, 1.0, None)
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
        """The loss by which a training is judged: on the validation data if there are any."""
        return self.loss if self.test_loss is None else self.test_loss


class History(list[Epoch]):
    """The epochs of a training, in order; ``measure`` names what accuracies are. A notebook draws its curves.

    >>> x, t = np.eye(4, dtype="float32"), np.array([0, 1, 0, 1])
    >>> history = Trainer(TwoLayerNet(4, 8, 2), Adam(0.1), (x, t), validation=(x, t)).fit(3)
    >>> history[-1].loss < history[0].loss, history.since_best()
    (True, 0)
    >>> list(history.columns())[:4]
    ['epoch', 'loss', 'train_accuracy', 'test_accuracy']
    """

    measure: str | None = None

    def to_dicts(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self]

    def save(self, path: str | Path, settings: dict[str, Any]) -> None:
        """Write the settings and epochs as JSON, with null for numbers that are not finite.

        Raises: ``DataError`` if the file cannot be written.
        """
        written = finite({"settings": settings, "epochs": self.to_dicts()})
        text = json.dumps(written, indent=1, allow_nan=False)
        with written_in_place(path) as part:
            part.write_text(text + "\n", encoding="utf-8")

    def rows(self) -> list[list[str]]:
        """Return the names of what was measured, and a row for each epoch; of many, the first and the last ones."""
        measure = self.measure or "accuracy"
        columns: dict[str, list[float | None]] = {
            "loss": [record.loss for record in self],
            "test loss": [record.test_loss for record in self],
            f"train {measure}": [record.train_accuracy for record in self],
            f"test {measure}": [record.test_accuracy for record in self],
        }
        for name in dict.fromkeys(name for record in self for name in record.metrics):
            columns[name] = [record.metrics.get(name) for record in self]
        columns["seconds"] = [record.seconds for record in self]
        known = {name: values for name, values in columns.items() if any(value is not None for value in values)}
        lines = [[str(self[i].epoch), *[shown(name, known[name][i]) for name in known]] for i in range(len(self))]
        if len(lines) > AT_MOST:
            lines[1 : 1 - AT_MOST] = [["…"] * (1 + len(known))]
        return [["epoch", *known], *lines]

    def __repr__(self) -> str:
        rows = self.rows()
        return "\n".join(aligned(rows, right=len(rows[0]))) if self else "History()"

    def _repr_html_(self) -> str:
        if not self:
            return ""
        rows, accuracies = self.rows(), [record.train_accuracy is not None for record in self]
        measure = self.measure or ("accuracy" if any(accuracies) else None)
        curve = within_page(learning_curve(self.to_dicts(), measure=measure))
        return curve + as_html(f"{len(self)} epochs", rows, right=len(rows[0]))

    def since_best(self) -> int:
        """Return the number of epochs since the one with the lowest loss, 0 if it is the last; NaN does not count."""
        losses = [record.watched for record in self]
        numbers = [loss for loss in losses if not math.isnan(loss)]
        return len(losses) - 1 - losses.index(min(numbers)) if numbers else len(losses)

    def columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the records as columns of numbers, with NaN for None."""
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
        """Return the history that has these columns."""
        names = list(columns)
        history = cls()
        for row in zip(*(columns[name].tolist() for name in names), strict=True):
            record: dict[str, Any] = {n: None if math.isnan(v) else v for n, v in zip(names, row, strict=True)}
            metrics = {n.removeprefix(METRIC): record.pop(n) for n in names if n.startswith(METRIC)}
            metrics = {name: value for name, value in metrics.items() if value is not None}
            history.append(Epoch(**record | {"epoch": int(record["epoch"]), "metrics": metrics}))
        return history


def shown(name: str, value: float | None) -> str:
    """Return a value as text, in the form that belongs to its name."""
    if value is None:
        return ""
    if name == "seconds":
        return f"{value:.2f}"
    return number(value) if name.endswith("loss") else measured(name, value)


def finite(value: Any) -> Any:
    """Return a value for JSON, with None in place of NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
