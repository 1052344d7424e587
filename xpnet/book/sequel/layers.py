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

    >>> layer = MatMul(np.array([[1.0], [2.0]]))
    >>> layer.forward(np.array([[3.0, 4.0]]))
    array([[11.]])
    >>> dx = layer.backward(np.array([[1.0]]))
    >>> layer.grads
    [array([[3.],
           [4.]])]
    """

    def __init__(self, W: Array) -> None:
        super().__init__(layers.MatMul(W), W)


class Affine(Listed):
    """Affine map, ``y = x W + b``.

    Shapes: ``x (N, D)``, ``W (D, M)``, ``b (M,)``, ``y (N, M)``.
    Source: Deep Learning from Scratch 2, section 1.3.5.

    >>> layer = Affine(np.array([[1.0], [2.0]]), np.array([10.0]))
    >>> layer.forward(np.array([[3.0, 4.0]]))
    array([[21.]])
    >>> layer.backward(np.array([[1.0]])), layer.grads[1]
    (array([[1., 2.]]), array([1.]))
    """

    def __init__(self, W: Array, b: Array) -> None:
        super().__init__(layers.Linear(W, b), W, b)


class Softmax(Listed):
    """Softmax over the last axis, ``y = eˣ / Σ eˣ``.

    Shapes: ``x (N, K)``, ``y (N, K)``.

    >>> Softmax().forward(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    def __init__(self) -> None:
        super().__init__(layers.Softmax())


class Sigmoid(Listed):
    """Sigmoid, ``y = 1 / (1 + e⁻ˣ)``.

    Source: Deep Learning from Scratch 2, section 1.3.5.

    >>> Sigmoid().forward(np.array([0.0, 2.0]))
    array([0.5   , 0.8808])
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

    >>> layer = SoftmaxWithLoss()
    >>> layer.forward(np.array([[0.0, 0.0]]), np.array([1])).round(4)
    np.float64(0.6931)
    >>> layer.backward()
    array([[ 0.5, -0.5]])
    """

    def __init__(self) -> None:
        super().__init__(book.SoftmaxWithLoss())


class SigmoidWithLoss(ListedLoss):
    """Sigmoid and the mean of its binary cross-entropy, ``L = -Σₙ (t log y + (1 - t) log(1 - y)) / N``.

    Shapes: ``x (N,)``, ``t (N,)`` of 0 and 1.
    Source: Deep Learning from Scratch 2, section 4.2.4.

    >>> layer = SigmoidWithLoss()
    >>> layer.forward(np.array([0.0, 0.0]), np.array([1, 0])).round(4)
    np.float64(0.6931)
    >>> layer.backward()
    array([-0.25,  0.25])
    """

    def __init__(self) -> None:
        super().__init__(layers.SigmoidWithLoss())

    def forward(self, x: Array, t: Array) -> Any:  # type: ignore[override]
        return super().forward(x, floating_like(x, t))


class Dropout(Listed):
    """Dropout as in the first volume, ``y = x m``; without ``train_flg`` ``y = (1 - p) x``.

    The mask m comes from ``numpy.random.rand``.

    >>> np.random.seed(0)
    >>> Dropout(0.5).forward(np.ones((1, 8)))
    array([[1., 1., 1., 1., 0., 1., 0., 1.]])
    """

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        super().__init__(book.Dropout(dropout_ratio))

    def forward(self, x: Array, train_flg: bool = True) -> Any:
        return self.layer.forward(x, train_flg)


class Embedding(Listed):
    """Rows of a matrix, ``y[n] = W[idx[n]]``.

    Shapes: ``idx`` of any shape, integer, ``W (V, D)``, ``y (..., D)``.
    Source: Deep Learning from Scratch 2, section 4.1.

    >>> layer = Embedding(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> layer.forward(np.array([1, 1, 0]))
    array([[2., 3.],
           [2., 3.],
           [0., 1.]])
    >>> layer.backward(np.ones((3, 2)))
    >>> layer.grads[0]
    array([[1., 1.],
           [2., 2.]])
    """

    def __init__(self, W: Array) -> None:
        super().__init__(layers.Embedding(W), W)

    def forward(self, idx: Array) -> Any:
        self._take()
        return self.layer.forward(idx)
