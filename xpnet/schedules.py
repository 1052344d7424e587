"""Schedules of the learning rate: ``lr=Cosine(0.1, steps=1000)``.

A schedule is any function of the number of updates done, from 0; these refuse a number that is negative or not finite.
An epoch is ``len(trainer.batches)`` updates. ``Plateau`` follows the loss of each epoch instead, and its state is saved
with the optimizer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, inf, isfinite, pi
from typing import Any

from xpnet.arguments import is_number, is_whole
from xpnet.errors import ArgumentError


@dataclass(frozen=True)
class StepDecay:
    """A rate that falls in steps, ``η γ^⌊k / every⌋``; γ is ``factor``.

    Raises: ``ArgumentError`` for options out of range, and for a step at which a γ above 1 has made the rate infinite.
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check(self, lr="positive", every="count", factor="positive")

    def __call__(self, step: int) -> float:
        falls = min(check_step(self, step) // self.every, FAR)
        try:
            rate = float(self.lr) * float(self.factor) ** falls
        except OverflowError:
            rate = inf
        if rate == inf:
            must, got = "the rate must stay finite", f"{self.lr:g} times {self.factor:g} to the {falls}"
            raise ArgumentError(type(self).__name__, must, got, "choose a factor of at most 1, or fewer steps")
        return rate


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from η to ``floor``, ``floor + (η - floor) (1 + cos π s) / 2`` with s the share of steps done.

    The first ``warmup`` of the ``steps`` rise to η, ``η (k + 1) / (warmup + 1)``. After the last it is ``floor``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Loshchilov and Hutter, 2017, "SGDR", equation 5, without restarts; Goyal et al., 2017, section 2.2.
    """

    lr: float
    steps: int
    warmup: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", warmup="whole", floor="at least 0")
        if self.warmup >= self.steps:
            raise ArgumentError("Cosine", "warmup must be less than steps", self.warmup, f"steps are {self.steps}")
        check_floor(self)

    def __call__(self, step: int) -> float:
        step = min(check_step(self, step), self.steps)
        if step < self.warmup:
            return float(self.lr) * ((step + 1) / (self.warmup + 1))
        return between(self.lr, self.floor, (step - self.warmup) / (self.steps - self.warmup))


@dataclass(frozen=True)
class OneCycle:
    """Half a cosine from η / ``start`` up to η over the share ``rise`` of the steps, then one down to ``η / end``.

    η is the highest rate. After the last step the rate stays.

    Raises: ``ArgumentError`` for options out of range.
    Source: Smith and Topin, 2018, "Super-convergence", with cosines for lines.
    """

    lr: float
    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 250_000.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", rise="share", start="positive", end="positive")
        for name, divisor in (("start", self.start), ("end", self.end)):
            if not isfinite(float(self.lr) / float(divisor)):
                must, got = f"lr / {name} must be finite", f"{self.lr:g} / {divisor:g}"
                raise ArgumentError(type(self).__name__, must, got, "choose a larger divisor")

    def __call__(self, step: int) -> float:
        step = min(check_step(self, step), self.steps)
        top, last = self.rise * self.steps - 1.0, self.steps - 1.0
        if step <= top:
            return between(self.lr / self.start, self.lr, step / top if top > 0.0 else 1.0)
        return between(self.lr, self.lr / self.end, (step - top) / (last - top) if step < last else 1.0)


@dataclass(frozen=True)
class Exponential:
    """A rate that falls by a factor in every step, ``η γᵏ``; γ is ``factor``.

    Raises: ``ArgumentError`` for options out of range.
    """

    lr: float
    factor: float

    def __post_init__(self) -> None:
        check(self, lr="positive", factor="at most 1")

    def __call__(self, step: int) -> float:
        return float(self.lr) * float(self.factor) ** min(check_step(self, step), FAR)


@dataclass(frozen=True)
class Polynomial:
    """A power of the share of steps that are left, ``floor + (η - floor) (1 - k / steps)^p``; p is ``power``.

    After the last step it is ``floor``.

    Raises: ``ArgumentError`` for options out of range.
    """

    lr: float
    steps: int
    power: float = 1.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", power="positive", floor="at least 0")
        check_floor(self)

    def __call__(self, step: int) -> float:
        left = 1.0 - min(check_step(self, step), self.steps) / self.steps
        return float(self.floor + (self.lr - self.floor) * left**self.power)


@dataclass(frozen=True)
class WarmRestarts:
    """Half a cosine from η to ``floor``, again and again, ``floor + (η - floor) (1 + cos π s) / 2``.

    s is the share of its steps that are done. The first takes ``steps`` steps, and each other ``growth`` times as many
    as the one before.

    Raises: ``ArgumentError`` for options out of range.
    Source: Loshchilov and Hutter, 2017, "SGDR", equation 5.
    """

    lr: float
    steps: int
    growth: int = 1
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", growth="count", floor="at least 0")
        check_floor(self)

    def __call__(self, step: int) -> float:
        done, length = min(check_step(self, step), FAR), self.steps
        if self.growth == 1:
            done %= length
        while done >= length:
            done, length = done - length, length * self.growth
        return between(self.lr, self.floor, done / length)


class Warmup:
    """A rise to the first rate of any other schedule, ``ηₖ = η₀ (k + 1) / (steps + 1)``, and then that schedule.

    It may be one that watches the loss, ``Warmup(Plateau(0.1), steps=500)``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Goyal et al., 2017, section 2.2.
    """

    def __init__(self, schedule: Any, steps: int) -> None:
        self.schedule, self.steps = schedule, steps
        if not callable(schedule):
            must, remedy = "schedule must be a function of the step", "such as Exponential(0.1, 0.99)"
            raise ArgumentError(type(self).__name__, must, repr(schedule), remedy)
        check(self, steps="count")
        if hasattr(schedule, "observe"):
            self.observe = schedule.observe

    def __call__(self, step: int) -> float:
        done = check_step(self, step)
        if done < self.steps:
            return float(self.schedule(0)) * ((done + 1) / (self.steps + 1))
        return float(self.schedule(done - self.steps))

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
        check_floor(self)
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


def check_floor(schedule: Any) -> None:
    """Raise ArgumentError if a rate would rise to its floor."""
    if schedule.floor > schedule.lr:
        raise ArgumentError(type(schedule).__name__, "floor must be at most lr", schedule.floor, f"lr is {schedule.lr}")


def check_step(schedule: Any, step: Any) -> int:
    """Return the number of updates done, if it is one.

    Raises: ``ArgumentError``.
    """
    if not is_number(step) or not 0 <= step < inf:
        remedy = "give the number of updates done"
        raise ArgumentError(type(schedule).__name__, "step must be finite and from 0", repr(step), remedy)
    return step  # type: ignore[return-value]


def between(start: float, end: float, share: float) -> float:
    """Return half a cosine from ``start`` to ``end``, ``end + (start - end) (1 + cos π s) / 2``."""
    return float(end + (start - end) * ((1.0 + cos(pi * min(share, 1.0))) / 2.0))


FAR = 2**53
"""The count above which not every integer is a float."""

KINDS: dict[str, tuple[str, Callable[[Any], bool], Callable[[Any], bool]]] = {
    "positive": ("above 0 and finite", is_number, lambda value: 0.0 < value < inf),
    "at least 0": ("at least 0 and finite", is_number, lambda value: 0.0 <= value < inf),
    "below 1": ("from 0 to below 1", is_number, lambda value: 0.0 <= value < 1.0),
    "at most 1": ("above 0 and at most 1", is_number, lambda value: 0.0 < value <= 1.0),
    "share": ("between 0 and 1", is_number, lambda value: 0.0 < value < 1.0),
    "count": ("a whole number from 1", is_whole, lambda value: 1 <= value <= FAR),
    "whole": ("a whole number from 0", is_whole, lambda value: 0 <= value <= FAR),
}


def check(schedule: Any, **kinds: str) -> None:
    """Raise ArgumentError unless every attribute named is of its kind."""
    for name, kind in kinds.items():
        must, of_kind, fits = KINDS[kind]
        value = getattr(schedule, name)
        if not of_kind(value) or not fits(value):
            raise ArgumentError(type(schedule).__name__, f"{name} must be {must}", repr(value), "choose another")
