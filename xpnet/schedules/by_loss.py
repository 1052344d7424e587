"""A rate that follows the loss, and one that rises to another schedule, which may follow it."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

from xpnet.arguments import is_number
from xpnet.errors import ArgumentError
from xpnet.schedules.checks import check, check_step


class Warmup:
    """A rise to the first rate of any other schedule, ``ηₖ = η₀ (k + 1) / (steps + 1)``, and then that schedule.

    It may be one that watches the loss, ``Warmup(Plateau(0.1), steps=500)``, or a number, a rate that stays.

    Raises: ``ArgumentError`` for options out of range.
    Source: Goyal et al., 2017, section 2.2.

    >>> [Warmup(Exponential(0.8, factor=0.5), steps=1)(k) for k in range(5)]
    [0.4, 0.8, 0.4, 0.2, 0.1]
    """

    def __init__(self, schedule: Any, steps: int) -> None:
        self.schedule, self.steps = schedule, steps
        if not callable(schedule) and not (is_number(schedule) and 0.0 <= schedule < inf):
            must = "schedule must be a function of the step, or a rate that is finite and not negative"
            remedy = "such as Exponential(0.1, 0.99)"
            raise ArgumentError(type(self).__name__, must, repr(schedule), remedy)
        check(self, steps="count")
        if hasattr(schedule, "observe"):
            self.observe = schedule.observe

    def __call__(self, step: int) -> float:
        done = check_step(self, step)
        after = max(done - self.steps, 0)
        rate = float(self.schedule(after) if callable(self.schedule) else self.schedule)
        return rate * ((done + 1) / (self.steps + 1)) if done < self.steps else rate

    @property
    def state(self) -> dict[str, float]:
        """The numbers that the schedule keeps, by name."""
        kept: dict[str, float] = getattr(self.schedule, "state", {})
        return kept

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        self.schedule.state = state

    def __repr__(self) -> str:
        return f"Warmup({self.schedule!r}, steps={self.steps})"


class Plateau:
    """A rate that falls when the loss stays, ``η ← max(γ η, floor)`` after ``patience`` epochs and one without a gain.

    γ is ``factor``. A loss is a gain if it is below the best by more than ``threshold`` times the size of the best,
    whatever its sign. The ``cooldown`` epochs after a fall are not counted. ``Trainer`` passes the loss of each epoch
    to it, by ``optimizer.observe``.

    Raises: ``ArgumentError`` for options out of range.

    >>> schedule = Plateau(0.1, patience=1)
    >>> for loss in (2.0, 1.0, 1.0, 1.0):  # as of four epochs
    ...     schedule.observe(loss)
    >>> round(schedule.rate, 4)
    0.01
    """

    def __init__(
        self,
        lr: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        cooldown: int = 0,
        floor: float = 0.0,
    ) -> None:
        self.lr, self.factor, self.patience = lr, factor, patience
        self.threshold, self.cooldown, self.floor = threshold, cooldown, floor
        check(self, lr="positive", factor="share", patience="whole", threshold="below 1", cooldown="whole")
        check(self, floor="at least 0")
        self.rate = float(lr)
        self.best = inf
        self.waited = 0
        self.resting = 0

    def __call__(self, step: int) -> float:
        check_step(self, step)
        return self.rate

    def observe(self, loss: float) -> None:
        """Note the loss of an epoch; NaN is not a gain."""
        least = self.threshold * abs(self.best) if isfinite(self.best) else 0.0
        gained = loss < self.best - least
        self.waited = 0 if gained else self.waited + 1
        if gained:
            self.best = float(loss)
        if self.resting > 0:
            self.resting -= 1
            self.waited = 0
        if self.waited > self.patience:
            self.rate = max(self.rate * self.factor, self.floor)
            self.resting, self.waited = self.cooldown, 0

    @property
    def state(self) -> dict[str, float]:
        """The numbers that the schedule keeps, by name."""
        return {name: getattr(self, name) for name in ("rate", "best", "waited", "resting")}

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        self.rate, self.best = float(state["rate"]), float(state["best"])
        self.waited, self.resting = int(state["waited"]), int(state["resting"])

    def __repr__(self) -> str:
        return f"Plateau(lr={self.rate:g}, factor={self.factor:g}, patience={self.patience})"
