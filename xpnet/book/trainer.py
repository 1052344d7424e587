"""The book's training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, to_numpy
from xpnet.book.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from xpnet.errors import ArgumentError
from xpnet.typing import Array

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop", "Trainer", "np"]

OPTIMIZERS = {kind.__name__.lower(): kind for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)}


class Trainer:
    """Training on batches from ``numpy.random.choice``, printed line by line unless ``verbose=False``.

    ``network`` is one of the book's, or a class with ``params``, ``gradient``, ``loss`` and ``accuracy``. ``optimizer``
    is a name, ``optimizer_param`` its arguments. The measures are numbers: ``train_loss_list`` has one for each step,
    ``train_acc_list`` and ``test_acc_list`` have one for each epoch, of the first ``evaluate_sample_num_per_epoch``
    rows where it is given.

    Raises: ``ArgumentError`` for an unknown optimizer.
    Source: Deep Learning from Scratch, section 7.5.

    >>> from xpnet.book.two_layer_net import TwoLayerNet
    >>> np.random.seed(0)
    >>> net, x, t = TwoLayerNet(4, 8, 2), np.eye(4), np.array([0, 1, 0, 1])
    >>> trainer = Trainer(net, x, t, x, t, epochs=100, mini_batch_size=4, optimizer="Adam", verbose=False)
    >>> trainer.train()
    >>> len(trainer.train_loss_list), float(trainer.test_acc_list[-1])
    (100, 1.0)
    """

    def __init__(
        self,
        network: Any,
        x_train: Array,
        t_train: Array,
        x_test: Array,
        t_test: Array,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str = "SGD",
        optimizer_param: Mapping[str, float] = {"lr": 0.01},
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        if str(optimizer).lower() not in OPTIMIZERS:
            must = f"optimizer must be one of {', '.join(OPTIMIZERS)}"
            raise ArgumentError(type(self).__name__, must, repr(optimizer), "choose one by its name")
        self.network = network
        self.verbose = verbose
        self.x_train, self.t_train = x_train, t_train
        self.x_test, self.t_test = x_test, t_test
        self.epochs = epochs
        self.batch_size = mini_batch_size
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        self.optimizer: Any = OPTIMIZERS[optimizer.lower()](**optimizer_param)
        self.train_size = x_train.shape[0]
        self.iter_per_epoch = max(self.train_size / mini_batch_size, 1)
        self.max_iter = int(epochs * self.iter_per_epoch)
        self.current_iter = 0
        self.current_epoch = 0
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []

    def train_step(self) -> None:
        """Do one update and compute its loss afterwards, and at the start of an epoch the accuracies."""
        rows = np.random.choice(self.train_size, self.batch_size)
        xp, order = array_namespace(self.x_train), backend_of(self.x_train).asarray(rows)
        x, t = xp.take(self.x_train, order, axis=0), xp.take(self.t_train, order, axis=0)
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        loss = float(to_numpy(self.network.loss(x, t)))
        self.train_loss_list.append(loss)
        self._print(f"train loss:{loss}")
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            rows_seen = slice(self.evaluate_sample_num_per_epoch)
            train = self._accuracy(self.x_train[rows_seen, ...], self.t_train[rows_seen, ...])
            test = self._accuracy(self.x_test[rows_seen, ...], self.t_test[rows_seen, ...])
            self.train_acc_list.append(train)
            self.test_acc_list.append(test)
            self._print(f"=== epoch:{self.current_epoch}, train acc:{train}, test acc:{test} ===")
        self.current_iter += 1

    def train(self) -> None:
        """Do all steps, and compute the accuracy on all test data."""
        for _ in range(self.max_iter):
            self.train_step()
        accuracy = self._accuracy(self.x_test, self.t_test)
        self._print("=============== Final Test Accuracy ===============")
        self._print(f"test acc:{accuracy}")

    def _accuracy(self, x: Array, t: Array) -> float:
        return float(to_numpy(self.network.accuracy(x, t)))

    def _print(self, line: str) -> None:
        if self.verbose:
            print(line)
