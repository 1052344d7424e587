"""The book's layers, with lists of parameters and gradients."""

from __future__ import annotations

from typing import Any

from xpnet import layers
from xpnet.book import layers as book
from xpnet.book.functions import cross_entropy_error, softmax
from xpnet.book.sequel.listed import Listed, floating_like
from xpnet.book.sequel.np import __getattr__ as __getattr__
from xpnet.typing import Array

__all__ = [
    "GPU",
    "Affine",
    "Dropout",
    "Embedding",
    "MatMul",
    "Sigmoid",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "cross_entropy_error",
    "np",
    "softmax",
]


class MatMul(Listed):
    """Product with a matrix, ``y = x W``.

    Shapes: ``x (N, D)``, ``W (D, M)``, ``y (N, M)``.
    Source: Deep Learning from Scratch 2, section 1.3.5.
    """

    def __init__(self, W: Array) -> None:
        super().__init__(layers.MatMul(W), W)


class Affine(Listed):
    """Affine map, ``y = x W + b``.

    Shapes: ``x (N, D)``, ``W (D, M)``, ``b (M,)``, ``y (N, M)``.
    Source: Deep Learning from Scratch 2, section 1.3.5.
    """

    def __init__(self, W: Array, b: Array) -> None:
        super().__init__(layers.Linear(W, b), W, b)


class Softmax(Listed):
    """Softmax over the last axis, ``y = eˣ / Σ eˣ``.

    Shapes: ``x (N, K)``, ``y (N, K)``.
    """

    def __init__(self) -> None:
        super().__init__(layers.Softmax())


class Sigmoid(Listed):
    """Sigmoid, ``y = 1 / (1 + e⁻ˣ)``.

    Source: Deep Learning from Scratch 2, section 1.3.5.
    """

    def __init__(self) -> None:
        super().__init__(layers.Sigmoid())


class ListedLoss(Listed):
    """The base of losses, ``forward(x, t)``; ``y`` are the probabilities."""

    loss: Any = None

    def forward(self, x: Array, t: Array) -> Any:  # type: ignore[override]
        """Return the loss."""
        self.loss = self.layer.forward(x, t)
        return self.loss

    @property
    def y(self) -> Array:
        """The probabilities of the last batch."""
        return self.layer.y  # type: ignore[no-any-return]


class SoftmaxWithLoss(ListedLoss):
    """Softmax and the mean of its cross-entropy, ``L = -Σₙ log y[n, t[n]] / N``, without the book's 1e-7.

    Shapes: ``x (N, K)``; ``t (N,)`` class indices or ``(N, K)`` one-hot.
    Source: Deep Learning from Scratch 2, section 1.3.1.
    """

    def __init__(self) -> None:
        super().__init__(book.SoftmaxWithLoss())


class SigmoidWithLoss(ListedLoss):
    """Sigmoid and the mean of its binary cross-entropy, ``L = -Σₙ (t log y + (1 - t) log(1 - y)) / N``.

    Shapes: ``x (N,)``, ``t (N,)`` of 0 and 1.
    Source: Deep Learning from Scratch 2, section 4.2.4.
    """

    def __init__(self) -> None:
        super().__init__(layers.SigmoidWithLoss())

    def forward(self, x: Array, t: Array) -> Any:  # type: ignore[override]
        return super().forward(x, floating_like(x, t))


class Dropout(Listed):
    """Dropout as in the first volume, ``y = x m``; without ``train_flg`` ``y = (1 - p) x``.

    The mask m comes from ``numpy.random.rand``.
    """

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        super().__init__(book.Dropout(dropout_ratio))

    def forward(self, x: Array, train_flg: bool = True) -> Any:
        return self.layer.forward(x, train_flg)


class Embedding(Listed):
    """Rows of a matrix, ``y[n] = W[idx[n]]``.

    Shapes: ``idx`` of any shape, integer, ``W (V, D)``, ``y (..., D)``.
    Source: Deep Learning from Scratch 2, section 4.1.
    """

    def __init__(self, W: Array) -> None:
        super().__init__(layers.Embedding(W), W)

    def forward(self, idx: Array) -> Any:
        self._take()
        return self.layer.forward(idx)
