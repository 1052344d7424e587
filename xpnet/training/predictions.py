"""The answers of a network for rows, with the probabilities of its classes by their names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backend import get_backend, to_numpy
from xpnet.datasets import Classes, Encoding
from xpnet.layers import Layer, SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks.answering import probabilities


@dataclass(frozen=True)
class Predictions:
    """Answers for rows: labels, or numbers; and for classes their names and probabilities, ``(N, K)``."""

    answers: list[Any]
    classes: list[str] | None = None
    probabilities: Any = None

    @classmethod
    def of(cls, loss: Layer | None, encoding: Encoding, scores: Any) -> Predictions:
        """Return the answers that scores on the host stand for, ``(N, K)``, of a network with this loss.

        Classes without names are numbered. Under ``SigmoidWithLoss`` an answer to several questions is the list of
        those that are answered with yes.
        """
        targets, columns = encoding.targets, np.reshape(scores, (len(scores), -1))
        if not isinstance(loss, SoftmaxWithLoss | SigmoidWithLoss):
            return cls(np.asarray(encoding.answers(scores)).tolist())
        shares = to_numpy(probabilities("predictions", loss, get_backend().asarray(columns))).astype(np.float64)
        names = list(targets.names) if isinstance(targets, Classes) else None
        one = shares.shape[1] == 1
        if isinstance(loss, SigmoidWithLoss) and not one and names is None:
            names = list(map(str, range(shares.shape[1])))
            yes = [[names[k] for k in np.flatnonzero(row > 0.5)] for row in shares]
            return cls(yes, names, shares)
        if one:
            shares = np.concatenate([1.0 - shares, shares], axis=1)
        answers = shares.argmax(axis=1) if names is None else targets.decode(columns)  # type: ignore[union-attr]
        return cls(answers.tolist(), names or list(map(str, range(shares.shape[1]))), shares)

    def at(self, row: int) -> Predictions:
        """Return the answer for one row."""
        part = slice(row, row + 1)
        return Predictions(self.answers[part], self.classes, None if self.classes is None else self.probabilities[part])

    def of_row(self, row: int) -> dict[str, Any]:
        """Return the answer for a row, and the probabilities by the names of the classes, for JSON."""
        answer = self.answers[row]
        answer = None if isinstance(answer, float) and not math.isfinite(answer) else answer
        if self.classes is None:
            return {"answer": answer}
        named = zip(self.classes, self.probabilities[row].tolist(), strict=True)
        return {"answer": answer, "probabilities": {name: None if p != p else p for name, p in named}}

    def highest(self, row: int) -> float:
        """Return the probability of the answer for a row."""
        return float(self.probabilities[row].max())
