"""The losses of the steps of an epoch, left on their device until they are read together."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, is_array, library_of, to_numpy

MOST = 4096
"""The number of steps after which losses are read from the device."""


class Losses:
    """The losses and weights of steps, with mean ``Σᵢ nᵢ lᵢ / Σᵢ nᵢ``, or ``Σᵢ lᵢ`` for losses that are sums."""

    def __init__(self, summed: bool) -> None:
        self.summed = summed
        self.read: list[tuple[float, float]] = []
        self._waiting: list[tuple[Any, Any]] = []

    def add(self, loss: Any, counted: Any) -> None:
        """Add the loss of a step, and its weight."""
        self._waiting.append((loss, counted))
        if len(self._waiting) == MOST:
            self.look()

    def look(self) -> None:
        """Read the losses on the device, in one transfer."""
        if self._waiting:
            losses, counts = (on_host(list(column)) for column in zip(*self._waiting, strict=True))
            self.read += list(zip(losses, counts, strict=True))
            self._waiting = []

    def total(self) -> tuple[float, float]:
        """Return the weighted sum of the losses, and the sum of the weights."""
        self.look()
        counted = sum(count for _, count in self.read)
        return sum(loss if self.summed else loss * count for loss, count in self.read if self.summed or count), counted

    def mean(self) -> float:
        """Return the mean of the steps so far, or 0 if their weights are 0."""
        total, counted = self.total()
        return total / counted if counted else 0.0


def on_host(values: list[Any]) -> list[float]:
    """Return numbers, or arrays of one value, read in one transfer."""
    if not is_array(values[0]):
        return [float(value) for value in values]
    xp = array_namespace(values[0])
    if library_of(xp).readable(values[0]):
        return list(map(float, values))
    numbers: list[float] = to_numpy(xp.stack([xp.reshape(value, ()) for value in values])).astype("float64").tolist()
    return numbers
