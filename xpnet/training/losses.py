"""The losses of the steps of an epoch, left on their device until they are read together."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, is_array, library_of, to_numpy

MOST = 4096
"""The steps whose losses wait on the device."""


class Losses:
    """The losses of steps and what each counts, ``Σᵢ nᵢ lᵢ / Σᵢ nᵢ``; of losses that are sums, ``Σᵢ lᵢ``."""

    def __init__(self, summed: bool) -> None:
        self.summed = summed
        self.read: list[tuple[float, float]] = []
        self._waiting: list[tuple[Any, Any]] = []

    def add(self, loss: Any, counted: Any) -> None:
        """The loss of a step, and what it counts."""
        self._waiting.append((loss, counted))
        if len(self._waiting) == MOST:
            self.look()

    def look(self) -> None:
        """Read what waits, in one transfer."""
        if self._waiting:
            losses, counts = (on_host(list(column)) for column in zip(*self._waiting, strict=True))
            self.read += list(zip(losses, counts, strict=True))
            self._waiting = []

    def total(self) -> tuple[float, float]:
        """The sum of the losses as they count, and what they count."""
        self.look()
        counted = sum([count for _, count in self.read])
        return sum(
            [loss if self.summed else loss * count for loss, count in self.read if self.summed or count]
        ), counted

    def mean(self) -> float:
        """The mean of the steps so far, 0 where nothing counts."""
        total, counted = self.total()
        return total / counted if counted else 0.0


def on_host(values: list[Any]) -> list[float]:
    """Numbers, or arrays of one value, read in one transfer."""
    if not is_array(values[0]):
        return [float(value) for value in values]
    xp = array_namespace(values[0])
    if library_of(xp).readable(values[0]):
        return list(map(float, values))
    numbers: list[float] = to_numpy(xp.stack([xp.reshape(value, ()) for value in values])).astype("float64").tolist()
    return numbers
