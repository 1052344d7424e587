"""The book's layers over time, on whole sequences ``(N, T, ...)``."""

from __future__ import annotations

from typing import Any

from xpnet import layers
from xpnet.backend import array_namespace
from xpnet.book import layers as book
from xpnet.book.functions import cross_entropy_error, sigmoid, softmax
from xpnet.book.sequel.layers import (
    Affine,
    Dropout,
    Embedding,
    ListedLoss,
    MatMul,
    Sigmoid,
    SigmoidWithLoss,
    Softmax,
    SoftmaxWithLoss,
)
from xpnet.book.sequel.listed import Listed
from xpnet.book.sequel.np import __getattr__ as __getattr__
from xpnet.book.sequel.recurrent import GRU, LSTM, RNN, TimeBiLSTM, TimeGRU, TimeLSTM, TimeRNN
from xpnet.typing import Array

__all__ = [
    "GPU",
    "GRU",
    "LSTM",
    "RNN",
    "Affine",
    "Dropout",
    "Embedding",
    "MatMul",
    "Sigmoid",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "TimeAffine",
    "TimeBiLSTM",
    "TimeDropout",
    "TimeEmbedding",
    "TimeGRU",
    "TimeLSTM",
    "TimeRNN",
    "TimeSigmoidWithLoss",
    "TimeSoftmaxWithLoss",
    "cross_entropy_error",
    "np",
    "sigmoid",
    "softmax",
]


class TimeEmbedding(Embedding):
    """Rows of a matrix at each step, ``y[n, t] = W[xs[n, t]]``.

    Shapes: ``xs (N, T)`` integer, ``W (V, D)``, ``y (N, T, D)``.
    Source: Deep Learning from Scratch 2, section 5.4.2.

    >>> TimeEmbedding(np.array([[0.0, 1.0], [2.0, 3.0]])).forward(np.array([[1, 0]]))
    array([[[2., 3.],
            [0., 1.]]])
    """

    @property
    def W(self) -> Array:  # noqa: N802 (the book's name)
        """The matrix."""
        return self.params[0]


class TimeAffine(Affine):
    """Affine map at each step, ``y[n, t] = x[n, t] W + b``.

    Shapes: ``x (N, T, D)``, ``W (D, M)``, ``b (M,)``, ``y (N, T, M)``.
    Source: Deep Learning from Scratch 2, section 5.4.2.

    >>> layer = TimeAffine(np.array([[1.0], [2.0]]), np.array([10.0]))
    >>> layer.forward(np.array([[[3.0, 4.0], [0.0, 0.0]]]))
    array([[[21.],
            [10.]]])
    """


class TimeDropout(Listed):
    """Dropout that divides by what it keeps, ``y = x m / (1 - p)``; ``y = x`` where ``train_flg`` is False.

    The mask m comes from ``numpy.random.rand``.

    Source: Deep Learning from Scratch 2, section 6.5.2.

    >>> np.random.seed(0)
    >>> layer = TimeDropout(0.5)
    >>> layer.forward(np.ones((1, 1, 8)))
    array([[[2., 2., 2., 2., 0., 2., 0., 2.]]])
    >>> layer.train_flg = False
    >>> layer.forward(np.ones((1, 1, 8)))
    array([[[1., 1., 1., 1., 1., 1., 1., 1.]]])
    """

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        super().__init__(book.Dropout(dropout_ratio))
        self.train_flg = True

    def forward(self, x: Array) -> Any:
        return self.layer.forward(x) / (1.0 - self.layer.dropout_ratio) if self.train_flg else x

    def backward(self, dout: Any = 1) -> Any:
        return self.layer.backward(dout) / (1.0 - self.layer.dropout_ratio)


class TimeSoftmaxWithLoss(ListedLoss):
    """Softmax and the mean of its cross-entropy over rows and steps, ``L = -Σ log y[n, t, ts[n, t]] / N T``.

    Steps whose label is -1 are left out, also of the mean.

    Shapes: ``xs (N, T, V)``; ``ts (N, T)`` class indices or ``(N, T, V)`` one-hot.
    Source: Deep Learning from Scratch 2, section 5.4.2.

    >>> layer = TimeSoftmaxWithLoss()
    >>> layer.forward(np.zeros((1, 2, 4)), np.array([[3, -1]])).round(4)  # log 4: the second step does not count
    np.float64(1.3863)
    """

    ignore_label = -1

    def __init__(self) -> None:
        super().__init__(layers.SoftmaxWithLoss(ignore_index=self.ignore_label))

    def forward(self, x: Array, t: Array) -> Any:  # type: ignore[override]
        return super().forward(x, array_namespace(t).argmax(t, axis=-1) if t.ndim == x.ndim else t)


class TimeSigmoidWithLoss(SigmoidWithLoss):
    """Sigmoid and the mean of its binary cross-entropy over rows and steps.

    Shapes: ``xs (N, T)``, ``ts (N, T)`` of 0 and 1.

    >>> layer = TimeSigmoidWithLoss()
    >>> layer.forward(np.zeros((1, 2)), np.array([[1, 0]])).round(4)
    np.float64(0.6931)
    """
