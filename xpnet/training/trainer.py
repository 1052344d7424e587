"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xpnet import capturing
from xpnet.backend import backend_of, dtype_kind, to_numpy
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.datasets import Batches, check_data
from xpnet.errors import DivergenceError, DtypeError
from xpnet.initializers import check_size
from xpnet.layers import SoftmaxWithLoss
from xpnet.layers.checks import check_flags
from xpnet.networks import Network
from xpnet.optimizers import Optimizer, clip_by_norm, clip_by_value
from xpnet.optimizers.clipping import check_limit
from xpnet.random import Generator
from xpnet.training.checkpoint import load, save
from xpnet.training.history import Epoch, History
from xpnet.typing import Array

Data = tuple[Array, Array]


class Trainer(Movable):
    """Mini-batch training, ``W ← W - update(∂L/∂W)`` over shuffled batches.

    The shuffle of an epoch is named by the seed of ``rng`` and the epoch's number, the same on every backend.
    The loss stays on the device and is read once per epoch. ``clip_norm`` and ``clip_value`` limit the gradients
    (see ``clip_by_norm`` and ``clip_by_value``).

    Accuracy is reported where labels are classes, that is integers or the shares of a ``SoftmaxWithLoss``, over the
    rows that its ``ignore_index`` leaves; the loss on test data always. ``evaluate_rows`` is the number of training
    rows, the first, on which the accuracy of training is measured; by default all. With ``capture`` a step on CuPy is
    recorded and replayed (see ``xpnet.capture``).

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError`` for data that does not fit or is not finite, before the
    first step; ``DivergenceError`` where the loss is no longer a finite number.
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
    ) -> None:
        check_arguments(type(self).__name__, network, optimizer, train=train, test=(train if test is None else test))
        self.network = network
        self.optimizer = optimizer
        self.train = train
        self.test = test
        self.batches = Batches(*train, batch_size, Generator(0) if rng is None else rng)
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
        self.classifies = dtype_kind(train[1]) == "integer" or isinstance(last, SoftmaxWithLoss)
        self.summed = getattr(last, "reduction", "mean") == "sum"
        for data in filter(None, (train, test)):
            self._check(data)

    def run(
        self, epochs: int, on_batch: Callable[[int], None] | None = None, patience: int | None = None
    ) -> Iterator[Epoch]:
        """Train for some epochs, yielding the record of each as it ends; ``on_batch`` hears of every batch.

        Nothing is trained before it is asked for: write ``for epoch in trainer.run(5):``, or ``list(trainer.run(5))``.

        With ``patience`` it ends early, where that many epochs in a row have not lowered the test loss (the training
        loss without test data).

        Raises: ``ArgumentError`` for fewer than one epoch, ``DivergenceError``.
        """
        for name, number in (("epochs", epochs), ("patience", patience)):
            if name == "epochs" or number is not None:
                check_size(type(self).__name__, name, number)
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

    def _changes(self, destination: Destination) -> list[Change]:
        parts = (self.network, self.optimizer)
        inside = [change for part in parts if isinstance(part, Movable) for change in part._changes(destination)]
        return [*inside, *destination.changes(vars(self)), *destination.changes(vars(self.batches))]

    def _has_moved(self) -> None:
        self.network._has_moved()

    def _check(self, data: Data) -> None:
        """Raise what the loss of a row, or a look at all rows, has to say against the data."""
        last, (x, t) = self.network.last_layer, (part[:1, ...] for part in data)
        labels = isinstance(last, SoftmaxWithLoss)  # other losses may refuse integers: no label is to blame there
        with np.errstate(over="ignore", invalid="ignore"):
            if not labels:
                self.network.loss(x, t, predict=True)
            classes = self.network.predict(x).shape[-1]
            check_data(*data, classes if self.classifies else None, getattr(last, "ignore_index", None))
            if labels:
                self.network.loss(x, t, predict=True)

    def _epoch(self, number: int, on_batch: Callable[[int], None] | None) -> Epoch:
        backend = backend_of(self.train[0])
        start = time.perf_counter()
        step = capturing.capture(self._step) if self.capture else self._step  # anew: attributes may have been assigned
        total: Array | float = 0.0
        for done, (x, t) in enumerate(self.batches.epoch(number), 1):
            loss = step(x, t)
            total = (loss if self.summed else loss * x.shape[0]) + total
            if on_batch is not None:
                on_batch(done)
        backend.synchronize()
        seconds = time.perf_counter() - start
        rows = self.batches.rows
        loss_value = float(to_numpy(total)) / rows
        if not math.isfinite(loss_value):
            self._diverged(f"{loss_value} in epoch {number}")
        x, t = (part[: self.evaluate_rows, ...] for part in self.train)
        train_accuracy = self._accuracy((x, t))
        test_loss = None if self.test is None else float(to_numpy(self.network.loss(*self.test, predict=True)))
        test_accuracy = self._accuracy(self.test)
        return Epoch(number, loss_value, train_accuracy, test_accuracy, seconds, rows / seconds, test_loss)

    def _step(self, x: Array, t: Array) -> Array:
        loss, gradients = self.network.loss_and_gradient(x, t)
        if self.clip_value is not None:
            gradients = clip_by_value(gradients, self.clip_value)
        if self.clip_norm is not None:
            gradients = clip_by_norm(gradients, self.clip_norm)
        self.optimizer.update(self.network.params, gradients)
        return loss

    def _accuracy(self, data: Data | None) -> float | None:
        if not self.classifies or data is None:
            return None
        accuracy = self.network.accuracy(*data)
        return None if math.isnan(accuracy) else accuracy

    def _diverged(self, got: str) -> None:
        remedy = f"lower the learning rate of {self.optimizer}, or look for extreme values and unknown indices in x"
        if self.saved is not None:
            remedy += "; epoch {} is saved in {}".format(*self.saved)
        raise DivergenceError(type(self).__name__, "the loss must stay finite", got, remedy)


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
