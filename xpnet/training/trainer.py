"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from xpnet.backend import backend_of, to_numpy
from xpnet.datasets import Batches, check_data
from xpnet.errors import ArgumentError, DivergenceError
from xpnet.networks import Network
from xpnet.optimizers import Optimizer
from xpnet.random import Generator
from xpnet.training.history import Epoch, History
from xpnet.typing import Array

Data = tuple[Array, Array]


class Trainer:
    """Mini-batch training, ``W ← W - update(∂L/∂W)`` over shuffled batches.

    The shuffle of an epoch is named by the seed of ``rng`` and the epoch's number, the same on every backend.
    The loss stays on the device and is read once per epoch.

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
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.train = train
        self.test = test
        self.batches = Batches(*train, batch_size, Generator(0) if rng is None else rng)
        self.history = History()
        for data in filter(None, (train, test)):
            classes = network.predict(data[0][:1, ...]).shape[-1]
            check_data(*data, classes)

    def run(self, epochs: int, on_batch: Callable[[int], None] | None = None) -> Iterator[Epoch]:
        """Train for some epochs, yielding the record of each as it ends; ``on_batch`` hears of every batch.

        Raises: ``ArgumentError`` for fewer than one epoch, ``DivergenceError``.
        """
        if epochs < 1:
            raise ArgumentError(type(self).__name__, "epochs must be at least 1", epochs, "give 1 or more")
        for _ in range(epochs):
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that diverges is told once, by name
                record = self._epoch(len(self.history) + 1, on_batch)
            self.history.append(record)
            yield record

    def _epoch(self, number: int, on_batch: Callable[[int], None] | None) -> Epoch:
        backend = backend_of(self.train[0])
        start = time.perf_counter()
        total: Array | float = 0.0
        for done, (x, t) in enumerate(self.batches.epoch(number), 1):
            loss, gradients = self.network.loss_and_gradient(x, t)
            self.optimizer.update(self.network.params, gradients)
            total = loss * x.shape[0] + total
            if on_batch is not None:
                on_batch(done)
        backend.synchronize()
        seconds = time.perf_counter() - start
        rows = self.batches.rows
        loss_value = float(to_numpy(total)) / rows
        if not math.isfinite(loss_value):
            raise DivergenceError(
                type(self).__name__,
                "the loss must stay finite",
                f"{loss_value} in epoch {number}",
                f"lower the learning rate of {self.optimizer}, or look for extreme values in the data",
            )
        test_accuracy = None if self.test is None else self.network.accuracy(*self.test)
        return Epoch(number, loss_value, self.network.accuracy(*self.train), test_accuracy, seconds, rows / seconds)
