"""The choice of the next symbol from scores: draws, the highest score, and the search with several beams."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any

import numpy as np

from xpnet.errors import ArgumentError
from xpnet.initializers import check_size

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Choice:
    """The way from scores to the next symbol, and to the end of a text; the options of ``generate``.

    Raises: ``ArgumentError`` for values that are not allowed, from ``checked``.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    stop: int | None = None
    beams: int | None = None
    length_penalty: float = 0.0

    def checked(self, who: str, vocabulary: int) -> Choice:
        """Return the choice itself, after a look at all its values."""
        check_number(who, "temperature", self.temperature, "0 takes the highest score", least=0.0)
        check_number(who, "repetition_penalty", self.repetition_penalty, "1 leaves scores as they are", above=0.0)
        check_number(who, "length_penalty", self.length_penalty, "0 compares sums, 1 means", least=0.0)
        for name in ("top_k", "beams"):
            if getattr(self, name) is not None:
                check_size(who, name, getattr(self, name))
        if self.top_p is not None:
            check_number(who, "top_p", self.top_p, "1 leaves all symbols", above=0.0, most=1.0)
        if self.stop is not None and not (is_whole(self.stop) and 0 <= self.stop < vocabulary):
            must = f"stop must be a symbol from 0 to {vocabulary - 1}"
            raise ArgumentError(who, must, repr(self.stop), "encode it with the vocabulary of the training")
        if self.beams is None and self.length_penalty:
            must = "length_penalty must go with beams"
            raise ArgumentError(who, must, "no beams", "leave it out, or search with beams")
        if self.beams is not None and (self.temperature != 1.0, self.top_k, self.top_p) != (False, None, None):
            must = "beams must be searched without temperature, top_k and top_p, which are for draws"
            raise ArgumentError(who, must, "both", "leave one out")
        return self

    def penalized(self, scores: Host, symbols: Host) -> Host:
        """Return scores in which those of symbols that occur count less, ``s / θ`` for s > 0 and ``s θ`` for others.

        Source: Keskar et al., 2019, "CTRL", section 4.1.
        """
        if self.repetition_penalty == 1.0:
            return scores
        scores = scores.copy()
        seen = np.take_along_axis(scores, symbols, axis=1)
        less = np.where(seen > 0.0, seen / self.repetition_penalty, seen * self.repetition_penalty)
        np.put_along_axis(scores, symbols, less, axis=1)
        return scores

    def drawn(self, scores: Host, u: Host | None) -> Host:
        """Return a symbol for each row, ``k`` with ``Σᵢ₍ₖ pᵢ ≤ u < Σᵢ≤ₖ pᵢ`` and ``p = softmax(scores / temperature)``.

        Without u, and at a temperature of 0, it is the one with the highest score.

        Shapes: ``scores (N, V)``, ``u (N, 1)`` uniform in [0, 1), result ``(N, 1)``.
        """
        if u is None or self.temperature == 0.0:
            return np.asarray(np.argmax(scores, axis=1, keepdims=True))
        V = scores.shape[1]
        order = None
        if (self.top_k or V) < V or (self.top_p or 1.0) < 1.0:
            order = np.argsort(-scores, axis=1, kind="stable")
        with np.errstate(over="ignore"):  # it overflows at a tiny temperature, where the share is 0
            shares = np.exp((scores - np.max(scores, axis=1, keepdims=True)) / self.temperature)
        if order is not None:
            if self.top_k is not None:
                np.put_along_axis(shares, order[:, self.top_k :], 0.0, axis=1)
            if self.top_p is not None:
                falling = np.take_along_axis(shares, order, axis=1)
                before = np.cumsum(falling, axis=1) - falling
                falling[before >= self.top_p * np.sum(falling, axis=1, keepdims=True)] = 0.0
                np.put_along_axis(shares, order, falling, axis=1)
        upto = np.cumsum(shares, axis=1)
        whole = upto[:, -1:]
        symbols: Host = np.sum((upto <= u * whole) & (upto < whole), axis=1, keepdims=True)
        return symbols


def log_softmax(scores: Host) -> Host:
    """Return the logarithms of the shares of each row."""
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True)))


def is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_number(
    who: str, name: str, value: Any, remedy: str, least: float = -inf, above: float = -inf, most: float = inf
) -> None:
    """Raise ArgumentError unless a value is a finite number within its bounds."""
    if isinstance(value, Real) and least <= float(value) <= most and above < float(value) < inf:
        return
    bounds = "finite and not negative" if least == 0.0 else "above 0 and finite"
    if most < inf:
        bounds = f"above 0 and at most {most:g}"
    raise ArgumentError(who, f"{name} must be {bounds}", repr(value), remedy)
