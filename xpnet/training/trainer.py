"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xpnet import capturing
from xpnet.backend import array_namespace, backend_of, dtype_kind, is_array, to_numpy
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.datasets import Batches, check_data
from xpnet.datasets.check import advise_scale
from xpnet.errors import DivergenceError, DtypeError
from xpnet.initializers import check_size
from xpnet.layers import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.layers.checks import check_flags
from xpnet.networks import Network
from xpnet.networks.low_precision import changed
from xpnet.networks.measures import Metric, measure_for, own_measure
from xpnet.optimizers import Optimizer, clip_by_norm, clip_by_value
from xpnet.optimizers.clipping import check_limit
from xpnet.random import Generator
from xpnet.training.checkpoint import load, save
from xpnet.training.epochs import Epochs
from xpnet.training.history import Epoch, History
from xpnet.typing import Array

Data = tuple[Array, Array]


class Trainer(Movable):
    """Mini-batch training, ``W ← W - update(∂L/∂W)`` over shuffled batches.

    The shuffle of an epoch is named by the seed of ``rng`` and the epoch's number, the same on every backend.
    The loss stays on the device and is read once per epoch. ``clip_norm`` and ``clip_value`` limit the gradients
    (see ``clip_by_norm`` and ``clip_by_value``).

    Accuracy (see ``Network.accuracy``) is reported where targets are classes or labels: integers, or those of
    ``SoftmaxWithLoss`` and ``SigmoidWithLoss``. With a ``metric``, a function of scores and targets that returns a
    number, its values stand in the place of accuracies; ``measure`` is the name of what is measured, None for nothing.
    The loss on test data is reported always. ``evaluate_rows`` is the number of training rows, the first, on which the
    accuracy of training is measured; by default all. ``drop_last`` leaves out what a last batch would hold too few of.
    With ``capture`` a step on CuPy is recorded and replayed (see ``xpnet.capture``).

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError`` for data that does not fit or is not finite, and for a
    last batch of one row where batch normalization needs two, before the first step; ``DivergenceError`` where the
    loss, that on the test data, a parameter or a running statistic is no longer finite.
    Source: Deep Learning from Scratch, section 4.5.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        train: Data,
        test: Data | None = None,
        batch_size: int = 100,
        rng: Generator | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        evaluate_rows: int | None = None,
        capture: bool = False,
        metric: Metric | None = None,
        drop_last: bool = False,
    ) -> None:
        check_arguments(type(self).__name__, network, optimizer, train=train, test=(train if test is None else test))
        self.network = network
        self.optimizer = optimizer
        self.train = train
        self.test = test
        self.batches = Batches(*train, batch_size, Generator(0) if rng is None else rng, drop_last)
        self.metric = metric
        self.measure = None if metric is None else own_measure(type(self).__name__, metric).name
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.capture = capture
        rows = self.batches.rows if evaluate_rows is None else evaluate_rows
        check_size(type(self).__name__, "evaluate_rows", rows)
        check_flags(type(self).__name__, capture=capture)
        self.evaluate_rows = min(rows, self.batches.rows)
        self.history = History()
        self.saved: tuple[int, Path] | None = None
        for limit in (clip_norm, clip_value):
            if limit is not None:
                check_limit(type(self).__name__, limit)
        last = network.last_layer
        self.summed = getattr(last, "reduction", "mean") == "sum"
        for data in filter(None, (train, test)):
            self._check(data)
        if self.batches.sizes[1] == 1:
            with np.errstate(over="ignore", invalid="ignore"):
                network.loss(train[0][:1, ...], train[1][:1, ...])  # some layers need more rows in training
        advise_scale(type(self).__name__, x=train[0], t=train[1])

    def fit(self, epochs: int, on_batch: Callable[[int], None] | None = None, patience: int | None = None) -> History:
        """Train for some epochs and return the history; ``on_batch`` hears of every batch.

        With ``patience`` it ends early, where that many epochs in a row have not lowered the test loss (the training
        loss without test data).

        Raises: ``ArgumentError`` for fewer than one epoch, ``DivergenceError``.
        """
        for _ in self.run(epochs, on_batch, patience):
            pass
        return self.history

    def run(
        self, epochs: int, on_batch: Callable[[int], None] | None = None, patience: int | None = None
    ) -> Iterator[Epoch]:
        """``fit`` by hand, ``for epoch in trainer.run(5):``: each epoch is trained when its record is asked for.

        Raises: as ``fit``; it warns where it is thrown away before anything was trained.
        """
        for name, number in (("epochs", epochs), ("patience", patience)):
            if name == "epochs" or number is not None:
                check_size(type(self).__name__, name, number)
        return Epochs(self._run(epochs, on_batch, patience))

    def _run(self, epochs: int, on_batch: Callable[[int], None] | None, patience: int | None) -> Iterator[Epoch]:
        for _ in range(epochs):
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that diverges is told once, by name
                record = self._epoch(len(self.history) + 1, on_batch)
            self.history.append(record)
            if hasattr(self.optimizer, "observe"):
                self.optimizer.observe(record.watched)
            yield record
            if patience is not None and self.history.since_best() >= patience:
                return

    def save(self, path: str | Path) -> None:
        """Write the network, the optimizer and the history, so that ``resume`` can go on from there.

        Raises: ``DataError`` where the file cannot be written.
        """
        save(path, self.network, self.optimizer, self.history)
        self.saved = len(self.history), Path(path)

    def resume(self, path: str | Path) -> None:
        """Go on where the Trainer stood that wrote the file: the same data, batches and seed give the same bits.

        Raises: ``DataError`` for a file that is missing, damaged, or of another network or optimizer.
        """
        load(path, self.network, self.optimizer, self.history)
        self.saved = len(self.history), Path(path)

    def changes(self, destination: Destination) -> list[Change]:
        parts = (self.network, self.optimizer)
        inside = [change for part in parts if isinstance(part, Movable) for change in part.changes(destination)]
        return [*inside, *destination.changes(vars(self)), *destination.changes(vars(self.batches))]

    def has_moved(self) -> None:
        self.network.has_moved()

    def _check(self, data: Data) -> None:
        """Raise what the loss of a row, or a look at all rows, has to say against the data."""
        last, (x, t) = self.network.last_layer, (part[:1, ...] for part in data)
        labels = isinstance(last, SoftmaxWithLoss)  # other losses may refuse integers: no label is to blame there
        with np.errstate(over="ignore", invalid="ignore"):
            if not labels:
                self.network.loss(x, t, predict=True)
            y = self.network.predict(x)
            indices = dtype_kind(t) == "integer" and not isinstance(last, SigmoidWithLoss)
            classes = y.shape[-1] if indices and (labels or y.shape[-1] > 1) else None
            check_data(*data, classes, getattr(last, "ignore_index", None))
            if labels:
                self.network.loss(x, t, predict=True)
            if self.metric is None and (labels or classes is not None or isinstance(last, SigmoidWithLoss)):
                self.measure = measure_for(type(self.network).__name__, last, y, t).name

    def _epoch(self, number: int, on_batch: Callable[[int], None] | None) -> Epoch:
        backend = backend_of(self.train[0])
        start = time.perf_counter()
        step = capturing.capture(self._step) if self.capture else self._step  # anew: attributes may have been assigned
        total: Array | float = 0.0
        counted: Array | float = 0.0
        for done, (x, t) in enumerate(self.batches.epoch(number), 1):
            loss, *count = step(x, t)
            weight = count[0] if count else x.shape[0]
            total = (loss if self.summed else loss * weight) + total
            counted = weight + counted
            if on_batch is not None:
                on_batch(done)
        backend.synchronize()
        seconds = time.perf_counter() - start
        rows, _ = self.batches.sizes
        divisor = rows if self.summed else on_host(counted)
        loss_value = on_host(total) / divisor if divisor else 0.0  # all rows are ignored
        if not math.isfinite(loss_value):
            self._diverged("the loss must stay finite", f"{loss_value} in epoch {number}")
        test_loss = self._test_loss()
        if test_loss is not None and not math.isfinite(test_loss):
            self._diverged("the loss on the test data must stay finite", f"{test_loss} after epoch {number}")
        if infinite := self._infinite():
            must = "parameters and running statistics must stay finite"
            self._diverged(must, f"{', '.join(infinite)} after epoch {number}")
        train_accuracy = self._accuracy(part[: self.evaluate_rows, ...] for part in self.train)
        test_accuracy = None if self.test is None else self._accuracy(self.test)
        return Epoch(number, loss_value, train_accuracy, test_accuracy, seconds, rows / seconds, test_loss)

    def _step(self, x: Array, t: Array) -> tuple[Array, ...]:
        """The loss of a step, and what it counts in the mean of an epoch where that is not its number of rows."""
        loss, gradients = self.network.loss_and_gradient(x, t)
        counted: Any = getattr(self.network.last_layer, "counted", None)
        if frozen := self.network.params.frozen:
            gradients = changed(gradients, {name: dW for name, dW in gradients.items() if name not in frozen})
        if self.clip_value is not None:
            gradients = clip_by_value(gradients, self.clip_value)
        if self.clip_norm is not None:
            gradients = clip_by_norm(gradients, self.clip_norm)
        self.optimizer.update(self.network.params, gradients)
        return (loss, counted) if is_array(counted) else (loss,)

    def _test_loss(self) -> float | None:
        """The loss of ``predict`` on the test data, per row where it is a sum."""
        if self.test is None:
            return None
        loss = on_host(self.network.loss(*self.test, predict=True))
        return loss / self.test[0].shape[0] if self.summed else loss

    def _infinite(self) -> list[str]:
        """The names of parameters and states that hold what is not finite, from one transfer."""
        arrays: dict[str, Any] = {**self.network.params, **self.network.states}
        arrays = {name: array for name, array in arrays.items() if is_array(array) and dtype_kind(array) == "real"}
        if not arrays:
            return []
        xp = array_namespace(*arrays.values())
        finite = to_numpy(xp.stack([xp.all(xp.isfinite(array)) for array in arrays.values()]))
        return [name for name, good in zip(arrays, finite.tolist(), strict=True) if not good]

    def _accuracy(self, data: Iterable[Array]) -> float | None:
        if self.measure is None:
            return None
        x, t = data
        measured = self.network.accuracy(x, t) if self.metric is None else self.network.measure(x, t, self.metric)
        return None if math.isnan(measured) else measured

    def _diverged(self, must: str, got: str) -> None:
        remedy = f"lower the learning rate of {self.optimizer}, or look for extreme values and unknown indices in x"
        if self.saved is not None:
            remedy += "; epoch {} is saved in {}".format(*self.saved)
        raise DivergenceError(type(self).__name__, must, got, remedy)


def on_host(number: Any) -> float:
    """A number of the device, read."""
    return float(to_numpy(number)) if is_array(number) else float(number)


def check_arguments(who: str, network: Any, optimizer: Any, **data: Any) -> None:
    """Raise DtypeError unless these are a network, an optimizer and pairs of data."""
    if not isinstance(network, Network):
        got, remedy = type(network).__name__, "give it first, then the optimizer"
        raise DtypeError(who, "network must be a Network", got, remedy)
    if isinstance(optimizer, type) or not hasattr(optimizer, "update"):
        got = optimizer.__name__ if isinstance(optimizer, type) else type(optimizer).__name__
        raise DtypeError(who, "optimizer must be an Optimizer", got, "give an instance, such as SGD(lr=0.1)")
    for name, pair in data.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DtypeError(who, f"{name} must be a pair (x, t)", type(pair).__name__, f"write {name}=(x, t)")
