"""Rates that are formulas of the number of updates done."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, inf, isfinite, pi

from xpnet.errors import ArgumentError
from xpnet.schedules.checks import FAR, check, check_step


@dataclass(frozen=True)
class StepDecay:
    """A rate that falls in steps, ``η γ^⌊k / every⌋``; γ is ``factor``.

    Raises: ``ArgumentError`` for options out of range, and for a step at which a γ above 1 has made the rate infinite.

    >>> [StepDecay(1.0, every=2, factor=0.5)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
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

    >>> [round(Cosine(1.0, steps=6, warmup=2)(k), 3) for k in range(7)]
    [0.333, 0.667, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    lr: float
    steps: int
    warmup: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", warmup="whole", floor="at least 0")
        if self.warmup >= self.steps:
            raise ArgumentError("Cosine", "warmup must be less than steps", self.warmup, f"steps are {self.steps}")

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

    >>> [round(OneCycle(1.0, steps=6, rise=0.5)(k), 2) for k in range(6)]
    [0.04, 0.52, 1.0, 0.75, 0.25, 0.0]
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

    >>> [Exponential(0.8, factor=0.5)(k) for k in range(4)]
    [0.8, 0.4, 0.2, 0.1]
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

    >>> [Polynomial(1.0, steps=4, power=2.0)(k) for k in range(5)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0]
    """

    lr: float
    steps: int
    power: float = 1.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", power="positive", floor="at least 0")

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

    >>> [round(WarmRestarts(1.0, steps=2, growth=2)(k), 2) for k in range(7)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """

    lr: float
    steps: int
    growth: int = 1
    floor: float = 0.0

    def __post_init__(self) -> None:
        check(self, lr="positive", steps="count", growth="count", floor="at least 0")

    def __call__(self, step: int) -> float:
        done, length = min(check_step(self, step), FAR), self.steps
        if self.growth == 1:
            done %= length
        while done >= length:
            done, length = done - length, length * self.growth
        return between(self.lr, self.floor, done / length)


def between(start: float, end: float, share: float) -> float:
    """Return half a cosine from ``start`` to ``end``, ``end + (start - end) (1 + cos π s) / 2``."""
    return float(end + (start - end) * ((1.0 + cos(pi * min(share, 1.0))) / 2.0))
