"""The loop: the steps of an epoch, and its results."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from xpnet import capturing
from xpnet.backend import Backend, backend_of, is_array, size_of, to_numpy
from xpnet.backend.moving import Movable
from xpnet.backend.several import each, first_of, rows_of
from xpnet.datasets import Batches, Encoding
from xpnet.datasets.array_files import on_disk
from xpnet.datasets.augment import Augmentation
from xpnet.datasets.prefetch import prefetched
from xpnet.errors import ArgumentError, DivergenceError
from xpnet.layers.checks import is_number
from xpnet.networks import Network
from xpnet.networks.measures import Measure, Metric
from xpnet.optimizers import Optimizer
from xpnet.optimizers.state import copied
from xpnet.random import Floats, Generator
from xpnet.training.history import Epoch, History
from xpnet.training.losses import Losses
from xpnet.training.measuring import accuracy_of, measured, scores_of
from xpnet.training.ranks import Ranks
from xpnet.training.rows import first_rows
from xpnet.training.sequences import reset, started_anew
from xpnet.training.streamed import Streamed
from xpnet.training.trouble import LOOKED_AT, advise, bad_arrays, cause, cause_of_gradient, reached_last, readable
from xpnet.training.updates import Updates, loss_and_gradient
from xpnet.typing import Array

Parts = tuple[Any, ...]
"""The pair ``(x, t)`` or the triple ``(x, t, weights)`` of some rows; x may be a tuple of several inputs."""

REPEATED = 1 << 28
"""The number of values of a network and its optimizer up to which an epoch on a device can be repeated."""


class Loop(Movable):
    """The epochs of a training, one at a time; see ``Trainer``."""

    network: Network
    optimizer: Optimizer
    encoding: Encoding | None
    train: Parts
    validation: Parts | None
    batches: Batches | Streamed
    updates: Updates
    ranks: Ranks | None
    history: History
    losses: Losses
    saved: tuple[int, Path] | None
    own: Measure | None
    measure: str | None
    metrics: dict[str, Metric]
    schedule: Callable[[int], float] | None
    augment: list[Augmentation]
    rng: Generator
    capture: bool
    summed: bool
    evaluate_rows: int
    told: set[str]
    watching: bool
    is_finite: Callable[[Any], bool]
    spoilt: bool
    watched: str
    large: list[str]

    @property
    def backend(self) -> Backend:
        """The backend on which the network computes."""
        W = next(iter(self.network.params.values()), None)
        return backend_of(first_of(self.train[0]) if W is None else W)

    def _epoch(self, number: int, on_batch: Callable[[int], None] | None) -> Epoch:
        """Train an epoch and return its record.

        On a device that a read would stall, steps are not watched: an epoch that diverges is repeated from where it
        began, with every step watched, so that the error can name the layer and the row.
        """
        at_hand = all(map(readable, islice(self.network.params.values(), 1)))
        self.watching, self.is_finite = not self.capture and at_hand, math.isfinite if at_hand else finite_on_device
        before = None if self.watching else self._copies()
        try:
            return self._trained(number, on_batch)
        except DivergenceError:
            if before is None:
                raise
            self._restore(*before)
            self.watching = True
            self._trained(number, None)
            raise

    def _copies(self) -> tuple[dict[str, Any], ...] | None:
        """Return copies of all that an epoch changes, or None if it cannot be repeated or they are too large."""
        if self.ranks is not None or isinstance(self.batches, Streamed) or not hasattr(self.optimizer, "state"):
            return None
        own = {**self.network.params, **self.network.states}
        changed = (own, self.updates.averages, self.optimizer.state)
        if sum(size_of(value) for part in changed for value in part.values() if is_array(value)) > REPEATED:
            return None
        return tuple(map(copies, changed))

    def _restore(self, own: dict[str, Any], averages: dict[str, Any], optimizer: dict[str, Any]) -> None:
        """Go back to what the network, the averages and the optimizer were."""
        self._assign(own)
        self.updates.averages, self.optimizer.state = averages, optimizer

    def _assign(self, arrays: Mapping[str, Any]) -> None:
        """Assign copies of parameters and state to the network, by name."""
        params, states = self.network.params, self.network.states
        for name, value in copies(arrays).items():
            (params if name in params else states)[name] = value

    def _trained(self, number: int, on_batch: Callable[[int], None] | None) -> Epoch:
        self._set_rate(number)
        reset(self.network)
        self.updates.begin()
        self.losses = Losses(self.summed)
        self.watched = reached_last(self.network) if self.ranks is None else ""
        start = time.perf_counter()
        captured = self.capture and not self.watching
        step = capturing.capture(self._step) if captured else self._step  # again: attributes may have been assigned
        add, self.spoilt = self.losses.add, False
        # an error keeps this frame alive, and an iterator that is not closed in it would keep its threads
        with closing(self.batches_of_epoch(number)) as batches:  # type: ignore[type-var]
            for done, batch in enumerate(batches, 1):
                loss, *count = step(*batch)
                if loss is not None:
                    add(loss, count[0] if count else first_of(batch[0]).shape[0])
                if self.spoilt:
                    self._spoilt(loss, number, done, batch)
                if on_batch is not None:
                    on_batch(done)
        self.updates.flush()
        self.backend.synchronize()
        seconds = time.perf_counter() - start
        rows, _ = self.batches.sizes
        total, counted = self.losses.total()
        divisor = rows if self.summed else counted
        loss_value = total / divisor if divisor else 0.0  # all rows are ignored
        if not math.isfinite(loss_value):
            steps = [place for place, (loss, _) in enumerate(self.losses.read, 1) if not math.isfinite(loss)]
            at = f", step {steps[0]}" if steps else ""
            self._diverged("the loss must stay finite", f"{loss_value} in epoch {number}{at}")
        return self._record(number, loss_value, seconds)

    def batches_of_epoch(self, number: int) -> Iterator[Parts]:
        """Return the batches of an epoch, on the device of the network, from a generator."""
        batches = self.batches.epoch(number)
        if isinstance(self.batches, Batches) and self.batches.on_disk:
            batches = prefetched(batches)
        batches = self.backend.ahead(batches) if self.batches.on_disk else batches
        batches = self._augmented(number, batches) if self.augment else batches
        return batches if self.ranks is None else self.ranks.steps(batches)

    def _augmented(self, number: int, batches: Iterator[Parts]) -> Iterator[Parts]:
        """Yield the augmented batches; the random numbers of a step are named by it, whenever it is computed."""
        for done, (x, t, *weights) in enumerate(batches):
            step = self.batches.step(number, done)
            for place, augmentation in enumerate(self.augment):
                x, t = augmentation(x, t, partial(self._draw, step, place))
            yield (x, t, *weights)

    def _draw(self, step: int, place: int, name: str, shape: tuple[int, ...]) -> Floats:
        return self.rng.uniform(shape, f"augment {place} {name}", step)

    def _step(self, x: Any, t: Array, *weights: Array) -> tuple[Any, ...]:
        """Return the loss of a step, and its weight in the mean of the epoch if that is not its number of rows.

        The loss is None if ranks store the gradient for a later step.
        """
        gradients: Mapping[str, Array] | None
        if self.ranks is None:
            loss, gradients = loss_and_gradient(self.optimizer, self.network, x, t, *weights)
            counted: Any = getattr(self.network.last_layer, "counted", None)
        else:
            loss, counted, gradients = self.ranks.step(x, t, *weights)
        if gradients is None:
            return (None,)
        counts = hasattr(counted, "shape")  # an array
        if self.watching:
            last = gradients.get(self.watched)
            fine = last is None or self.is_finite(last @ last) or not bad_arrays(gradients)[0]
            self.spoilt = not (self.is_finite(loss) and fine)
        if not self.spoilt:  # parameters stay as they were, to find the cause
            self.updates.take(gradients, counted if counts else first_of(x).shape[0])
        return (loss, counted) if counts else (loss,)

    def _record(self, number: int, loss: float, seconds: float) -> Epoch:
        """Return the results of the epoch, by the weights after it or their average."""
        if self.ranks is not None:
            self.ranks.follow()
        train = tuple([each(partial(first_rows, count=self.evaluate_rows), part) for part in self.train])
        with self._averaged(), started_anew(self.network):
            validation_loss, accuracy, metrics = self._measured(self.validation)
            if validation_loss is not None and not math.isfinite(validation_loss):
                where = cause(self.network, self._first(self.validation or (), None)[0], "the validation data")
                must = "the loss on the validation data must stay finite"
                self._diverged(must, f"{validation_loss} after epoch {number}, {where}")
            infinite, large = bad_arrays({**self.network.states, **self.network.params})
            self.large = [name for name in large if name in self.network.params]
            if infinite:
                must = "parameters and running statistics must stay finite"
                self._diverged(must, f"{', '.join(infinite)} after epoch {number}")
            train_accuracy, train_metrics = None, dict[str, float]()
            if self.measure is not None or self.metrics:
                _, train_accuracy, train_metrics = self._measured(train, with_loss=False)
        named = {f"train {name}": value for name, value in train_metrics.items()} if self.validation else train_metrics
        rows, _ = self.batches.sizes
        speed = rows / seconds
        return Epoch(number, loss, train_accuracy, accuracy, seconds, speed, validation_loss, {**metrics, **named})

    def _measured(
        self, parts: Parts | None, with_loss: bool = True
    ) -> tuple[float | None, float | None, dict[str, float]]:
        if parts is None:
            return None, None, {}
        who, measure = type(self).__name__, self.own
        if measure is None and self.measure is not None:
            measure = Measure(self.measure, partial(accuracy_of, self.network, parts))
        scores = scores_of if self.ranks is None else self.ranks.scores
        return measured(who, self.network, parts, self.backend, self.summed, measure, self.metrics, with_loss, scores)

    def _averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the network has the average of its weights, if one is kept."""
        return self.network.using(self.updates.averages) if self.updates.averages else nullcontext()

    def _first(self, parts: Parts, count: int | None = 1) -> Parts:
        """Return the first rows of parts, or all rows, on the device of the network."""
        most = slice(None) if count is None else slice(0, min(count, first_of(parts[0]).shape[0]))
        found = tuple([rows_of(part, most) for part in parts])
        return tuple([each(self.backend.asarray, part) for part in found]) if on_disk(parts) else found

    def _set_rate(self, number: int) -> None:
        """Set the learning rate of the epoch, if a schedule by epochs determines it."""
        if self.schedule is not None:
            rate = self.schedule(number - 1)
            if not is_number(rate) or not 0.0 <= rate < math.inf:
                must, who = "the learning rate must be at least 0 and finite", type(self).__name__
                raise ArgumentError(who, must, f"{rate!r} in epoch {number}", "check the schedule")
            self.optimizer.lr = float(rate)

    def _loss_so_far(self) -> float:
        """Return the mean of the losses of the steps of this epoch, read now."""
        return self.losses.mean()

    def _advise(self) -> None:
        """Warn, once each, of signs that the training goes badly."""
        if self.ranks is not None and not self.ranks.first:
            return
        (x,) = self._first(self.train[:1], LOOKED_AT)
        with started_anew(self.network), np.errstate(over="ignore", invalid="ignore"):
            advise(type(self).__name__, self.network, self.history, x, self.large, self.told)

    def _spoilt(self, loss: Any, number: int, done: int, batch: Parts) -> None:
        """Raise DivergenceError for a step, naming the first layer and row that were not finite."""
        if self.is_finite(loss):
            wrong = bad_arrays(self.network.grads)[0] or [self.watched]
            where = cause_of_gradient(self.network, batch, wrong)
            self._diverged("the gradient must stay finite", f"nan or inf in epoch {number}, step {done}, {where}")
        look = partial(cause, self.network, batch[0])
        where = look() if self.ranks is None else self.ranks.named(look)
        got = f"{float(to_numpy(loss)) if is_array(loss) else loss} in epoch {number}, step {done}, {where}"
        self._diverged("the loss must stay finite", got)

    def _diverged(self, must: str, got: str) -> None:
        remedy = f"lower the learning rate of {self.optimizer}, or look for extreme values and unknown indices in x"
        if self.saved is not None:
            remedy += "; epoch {} is saved in {}".format(*self.saved)
        raise DivergenceError(type(self).__name__, must, got, remedy)


def copies(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name, with arrays of their own."""
    return {name: copied(value) if is_array(value) else value for name, value in values.items()}


def finite_on_device(value: Any) -> bool:
    """Return whether an array of one value is finite, and wait for its device."""
    return math.isfinite(to_numpy(value))
