"""The book's training loops."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import import_module
from math import exp
from typing import Any

import numpy

from xpnet.backend import array_namespace, backend_of, to_numpy
from xpnet.book.sequel.np import __getattr__ as __getattr__
from xpnet.book.sequel.util import clip_grads
from xpnet.errors import BackendError, StateError
from xpnet.typing import Array

__all__ = ["GPU", "RnnlmTrainer", "Trainer", "clip_grads", "np", "remove_duplicate"]


class Loop:
    """The base of the loops: a step, and the line and the value of each report."""

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.model, self.optimizer = model, optimizer
        self.eval_interval: int | None = None
        self.current_epoch = 0
        self.losses: list[Any] = []

    def step(self, x: Array, t: Array, max_grad: float | None) -> None:
        """Do one update on a batch, and note its loss."""
        self.losses.append(self.model.forward(x, t))
        self.model.backward()
        params, grads = remove_duplicate(self.model.params, self.model.grads)
        if max_grad is not None:
            clip_grads(grads, max_grad)
        self.optimizer.update(params, grads)

    def mean_loss(self) -> float:
        """Return the mean of the losses since the last report, and forget them."""
        mean = float(to_numpy(sum(self.losses))) / len(self.losses)
        self.losses = []
        return mean

    def report(self, step: int, steps: int, began: float, name: str, value: float) -> None:
        """Print a line."""
        epoch, seconds = self.current_epoch + 1, int(time.time() - began)
        print(f"| epoch {epoch} |  iter {step} / {steps} | time {seconds}[s] | {name} {value:.2f}")

    def draw(self, values: Sequence[float], name: str, ylim: tuple[float, float] | None = None) -> None:
        """Show the values of all reports with Matplotlib."""
        try:
            plt: Any = import_module("matplotlib.pyplot")
        except ImportError as error:
            who, remedy = f"{type(self).__name__}.plot", "pip install matplotlib, or draw the list yourself"
            raise BackendError(who, "matplotlib must be installed", "none", remedy) from error
        if ylim is not None:
            plt.ylim(*ylim)
        plt.plot(range(len(values)), values, label="train")
        plt.xlabel(f"iterations (x{self.eval_interval})")
        plt.ylabel(name)
        plt.show()


class Trainer(Loop):
    """Training on batches in an order that ``numpy.random.permutation`` draws anew for each epoch.

    Every ``eval_interval`` steps, a line is printed and the mean loss since the last goes into ``loss_list``.
    ``max_grad`` is the largest norm of all gradients.

    Source: Deep Learning from Scratch 2, section 1.4.4.

    >>> from xpnet.book.sequel.layers import MatMul, SoftmaxWithLoss
    >>> from xpnet.book.sequel.optimizer import SGD
    >>> class Model:
    ...     def __init__(self):
    ...         self.layer, self.loss_layer = MatMul(np.zeros((2, 2))), SoftmaxWithLoss()
    ...         self.params, self.grads = self.layer.params, self.layer.grads
    ...
    ...     def forward(self, x, t):
    ...         return self.loss_layer.forward(self.layer.forward(x), t)
    ...
    ...     def backward(self):
    ...         self.layer.backward(self.loss_layer.backward())
    >>> trainer = Trainer(Model(), SGD(1.0))
    >>> trainer.fit(np.eye(2), np.array([0, 1]), max_epoch=2, batch_size=2)
    | epoch 1 |  iter 1 / 1 | time ...[s] | loss 0.69
    | epoch 2 |  iter 1 / 1 | time ...[s] | loss 0.47
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        super().__init__(model, optimizer)
        self.loss_list: list[float] = []

    def fit(
        self,
        x: Array,
        t: Array,
        max_epoch: int = 10,
        batch_size: int = 32,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for ``max_epoch`` epochs; the rows that are left over at the end of an epoch are left out."""
        rows, steps, began = x.shape[0], x.shape[0] // batch_size, time.time()
        self.eval_interval, self.losses = eval_interval, []
        for _ in range(max_epoch):
            order = backend_of(x).asarray(numpy.random.permutation(numpy.arange(rows)))
            x, t = (array_namespace(array).take(array, order, axis=0) for array in (x, t))
            for step in range(steps):
                batch = slice(step * batch_size, (step + 1) * batch_size)
                self.step(x[batch, ...], t[batch, ...], max_grad)
                if eval_interval is not None and step % eval_interval == 0:
                    self.loss_list.append(self.mean_loss())
                    self.report(step + 1, steps, began, "loss", self.loss_list[-1])
            self.current_epoch += 1

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show ``loss_list`` with Matplotlib."""
        self.draw(self.loss_list, "loss", ylim)


class RnnlmTrainer(Loop):
    """Training of a language model on a text that goes on from batch to batch, in as many rows as a batch has.

    Every ``eval_interval`` steps, a line is printed and the perplexity since the last goes into ``ppl_list``.

    Source: Deep Learning from Scratch 2, section 5.5.4.

    >>> trainer = RnnlmTrainer(model=None, optimizer=None)
    >>> text = np.arange(10)
    >>> trainer.get_batch(text[:-1], text[1:], batch_size=2, time_size=3)  # a row begins at 0, the other in the middle
    (array([[0, 1, 2],
           [4, 5, 6]]), array([[1, 2, 3],
           [5, 6, 7]]))
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        super().__init__(model, optimizer)
        self.time_idx: int | None = None
        self.ppl_list: list[float] | None = None

    def get_batch(self, x: Array, t: Array, batch_size: int, time_size: int) -> tuple[Array, Array]:
        """Return the next ``time_size`` symbols of each row, and those that follow; a row goes on at the start."""
        size, first = x.shape[0], self.time_idx or 0
        starts = numpy.arange(batch_size)[:, None] * (size // batch_size)
        places = backend_of(x).asarray((starts + first + numpy.arange(time_size)) % size)
        self.time_idx = first + time_size
        return x[places], t[places]

    def fit(
        self,
        xs: Array,
        ts: Array,
        max_epoch: int = 10,
        batch_size: int = 20,
        time_size: int = 35,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for ``max_epoch`` epochs."""
        steps, began = xs.shape[0] // (batch_size * time_size), time.time()
        self.time_idx, self.ppl_list, self.losses = 0, [], []
        self.eval_interval = eval_interval
        for _ in range(max_epoch):
            for step in range(steps):
                self.step(*self.get_batch(xs, ts, batch_size, time_size), max_grad)
                if eval_interval is not None and step % eval_interval == 0:
                    self.ppl_list.append(exp(self.mean_loss()))
                    self.report(step + 1, steps, began, "perplexity", self.ppl_list[-1])
            self.current_epoch += 1

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show ``ppl_list`` with Matplotlib."""
        if self.ppl_list is None:
            raise StateError("RnnlmTrainer.plot", "fit must run before plot", "no perplexities", "call fit first")
        self.draw(self.ppl_list, "perplexity", ylim)


def remove_duplicate(params: list[Any], grads: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return parameters without those that are there twice, and gradients, which are added up.

    A parameter is there twice as the same array, or as a matrix that is equal to the transpose of another.

    >>> W = np.array([[1.0]])
    >>> remove_duplicate([W, W], [np.array([[2.0]]), np.array([[3.0]])])
    ([array([[1.]])], [array([[5.]])])
    """
    kept: list[Any] = []
    total: list[Any] = []
    for W, dW in zip(params, grads, strict=True):
        for other, sum_of in zip(kept, total, strict=True):
            if W is other:
                sum_of += dW
                break
            if is_transpose(W, other):
                sum_of += dW.T
                break
        else:
            kept.append(W)
            total.append(dW)
    return kept, total


def is_transpose(W: Any, other: Any) -> bool:
    """Return whether two matrices are each other's transpose."""
    if W.ndim != 2 or other.ndim != 2 or W.T.shape != other.shape:
        return False
    return bool(to_numpy(array_namespace(W, other).all(other == W.T)))
