"""The learning rate test: the rate rises step by step, to find where the loss falls fastest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpnet.backend import is_array, to_numpy
from xpnet.drawing.plot import Panel, plot
from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.layers.checks import is_number
from xpnet.optimizers.state import copied
from xpnet.training.keeping import Keeping
from xpnet.training.updates import loss_and_gradient
from xpnet.typesetting import within_page

WORSE = 4.0
"""The test ends at this multiple of the lowest smoothed loss."""

SMOOTH = 0.9


@dataclass(frozen=True)
class RateTest:
    """The rates that were tried, the smoothed losses of their steps, and a rate to start with.

    >>> x, t = np.eye(4, dtype="float32"), np.array([0, 1, 0, 1])
    >>> found = rate_test(Trainer(TwoLayerNet(4, 8, 2), SGD(0.1), (x, t)), low=0.01, high=10.0, steps=30)
    >>> best = found.rates[np.argmin(found.losses)]
    >>> round(best / found.suggestion, 2)  # the best rate is near to where a training breaks
    10.0
    """

    rates: list[float]
    losses: list[float]
    suggestion: float

    def _repr_html_(self) -> str:
        points = [(math.log10(rate), loss) for rate, loss in zip(self.rates, self.losses, strict=True)]
        return within_page(plot([Panel("Loss", {"loss": points}, x="log10 of the rate")], str(self)))

    def __str__(self) -> str:
        return f"try lr={self.suggestion:.2g}: between {self.rates[0]:.0e} and {self.rates[-1]:.0e} the loss fell there"


def rate_test(trainer: Keeping, low: float = 1e-6, high: float = 1.0, steps: int = 100) -> RateTest:
    """Train some steps with a rate that rises from low to high, ``lr = low (high / low)^(i / (steps - 1))``.

    The suggestion is a tenth of the rate with the lowest loss, or the end of the range if the loss still fell there.
    Network and optimizer are restored afterwards. The test ends early if the loss rises too far.

    Raises: ``ArgumentError`` for a range that does not rise, for fewer than two steps, and if no loss improved.
    Source: Smith, 2017, "Cyclical learning rates for training neural networks", section 3.3.

    >>> x, t = np.eye(4, dtype="float32"), np.array([0, 1, 0, 1])
    >>> trainer = Trainer(TwoLayerNet(4, 8, 2), SGD(0.1), (x, t))
    >>> found = rate_test(trainer, low=0.01, high=10.0, steps=30)
    >>> 0.1 < found.suggestion < 1.0, trainer.network.params["b2"]  # what was trained is undone
    (True, array([0., 0.], dtype=float32))
    """
    who = "rate_test"
    check_size(who, "steps", steps)
    if not (is_number(low) and is_number(high) and 0.0 < low < high < math.inf) or steps < 2:
        got = f"{low} to {high} in {steps} steps"
        raise ArgumentError(who, "low must be above 0 and below high, in two steps or more", got, "try 1e-6 to 1.0")
    network, optimizer = trainer.network, trainer.optimizer
    before = {**network.params, **network.states}
    before = {name: copied(value) if is_array(value) else value for name, value in before.items()}
    state, lr = dict(optimizer.state), optimizer.lr
    state = {name: copied(value) if is_array(value) else value for name, value in state.items()}
    rates = [low * (high / low) ** (i / (steps - 1)) for i in range(steps)]
    losses: list[float] = []
    smoothed: list[float] = []
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for rate, batch in zip(rates, batches_of(trainer), strict=False):
                optimizer.lr = rate
                loss, gradients = loss_and_gradient(optimizer, network, *batch)
                optimizer.update(network.params, gradients)
                losses.append(float(to_numpy(loss)) if is_array(loss) else float(loss))
                smoothed = smooth(losses)
                if not math.isfinite(losses[-1]) or smoothed[-1] > WORSE * max(min(smoothed), 1e-12) + 1e-12:
                    break
    finally:
        optimizer.lr = lr
        optimizer.state = state
        for name, value in before.items():
            mapping: Any = network.params if name in network.params else network.states
            mapping[name] = value
    begun = min(max(5, steps // 10), len(losses) - 1)  # the first losses are those of single batches
    lowest = begun + int(np.nanargmin(smoothed[begun:]))
    if not smoothed[lowest] < 0.99 * smoothed[begun] or lowest == begun:
        must, remedy = "the loss must fall at some rate", f"begin with a lower one, such as low={low / 1e3:.0e}"
        got = f"{smoothed[begun]:.4g} at {rates[begun]:.1e}, and no better from there"
        raise ArgumentError(who, must, got, remedy)
    falls = lowest >= len(losses) - 2 and len(losses) == steps
    return RateTest(rates[: len(losses)], smoothed, rates[lowest] if falls else rates[lowest] / 10.0)


def batches_of(trainer: Keeping) -> Any:
    """Yield batches without end, in the order of the first epochs."""
    number = 1
    while True:
        yield from trainer.batches_of_epoch(number)
        number += 1


def smooth(losses: list[float]) -> list[float]:
    """Return exponential averages, corrected for their first values."""
    found, average = [], 0.0
    for i, loss in enumerate(losses, 1):
        average = SMOOTH * average + (1.0 - SMOOTH) * loss
        found.append(average / (1.0 - SMOOTH**i))
    return found
