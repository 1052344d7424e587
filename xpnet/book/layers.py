"""The book's layers: the library's own, some with the book's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy

from xpnet import layers
from xpnet.autodiff.record import base
from xpnet.backend import array_namespace, backend_of, dtype_kind, is_array
from xpnet.book.arrays import __getattr__ as __getattr__
from xpnet.book.functions import (
    cross_entropy_error,
    identity_function,
    mean_squared_error,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from xpnet.book.util import col2im, im2col
from xpnet.layers import AddLayer, Affine, MulLayer, Pooling, Relu, Sigmoid, checks
from xpnet.layers.loss import check_not_empty
from xpnet.typing import Array

__all__ = [
    "AddLayer",
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "MulLayer",
    "Pooling",
    "Relu",
    "Sigmoid",
    "SoftmaxWithLoss",
    "col2im",
    "cross_entropy_error",
    "identity_function",
    "im2col",
    "mean_squared_error",
    "np",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

Kind = TypeVar("Kind", bound=type[layers.Layer])


def with_train_flg(kind: Kind) -> Kind:
    """Add the book's flag to a layer: ``forward(x, train_flg=False)`` is ``predict(x)``."""
    train: Callable[..., Any] = kind.forward

    def forward(self: Any, x: Any, train_flg: bool = True) -> Any:
        return train(self, x) if train_flg else self.predict(x)

    kind.forward = forward
    return kind


class SoftmaxWithLoss(layers.SoftmaxWithLoss):
    """Softmax and the mean of its cross-entropy, ``L = -Σₙ Σₖ t log y / N``, kept as ``loss`` too.

    The library computes L from the scores, so that it needs no 1e-7 in the logarithm: the book's loss is smaller by
    about ``1e-7 / y``, and never above 16.2.

    Shapes: ``x (N, K)``; ``t (N,)`` or ``(N, 1)`` class indices, or ``(N, K)`` one-hot, of integers too.
    Backward: ``dx = dout (y - t) / N``.
    Source: Deep Learning from Scratch, section 5.6.3.

    >>> layer = SoftmaxWithLoss()
    >>> layer.forward(np.array([[0.0, 0.0]]), np.array([[1, 0]])).round(4)
    np.float64(0.6931)
    >>> layer.y, layer.backward()
    (array([[0.5, 0.5]]), array([[-0.5,  0.5]]))
    """

    differentiable = ("x",)
    loss: Any = None

    def forward(self, x: Array, t: Array, weights: Array | None = None) -> Array:
        if is_array(t) and dtype_kind(t) == "integer" and t.ndim == x.ndim:
            xp = array_namespace(x, t)
            t = t[..., 0] if t.shape[-1] == 1 else xp.astype(t, x.dtype)
        loss = self.loss = super().forward(x, t, weights)
        return loss


class Convolution(layers.Convolution):
    """Convolution of images; ``b`` may be a number, one for all filters.

    Shapes, Backward, Raises: as ``xpnet.layers.Convolution``.
    Source: Deep Learning from Scratch, section 7.4.3.

    >>> conv = Convolution(np.ones((1, 1, 2, 2)), 10.0)
    >>> conv.forward(np.ones((1, 1, 2, 3)))
    array([[[[14., 14.]]]])
    """

    def __init__(self, W: Array, b: Any, stride: int = 1, pad: int = 0) -> None:
        if not is_array(b) or type(b) in (int, float):
            b = backend_of(W).asarray(numpy.full(W.shape[:1], float(b)))
        super().__init__(W, b, stride, pad)


@with_train_flg
class Dropout(layers.Layer):
    """Dropout, ``y = x m`` with each m 0 with probability p, else 1; without ``train_flg`` ``y = (1 - p) x``.

    p is ``dropout_ratio``; m comes from ``numpy.random.rand``. The library's own Dropout divides by ``1 - p`` in
    training instead.

    Shapes: ``x`` and ``y`` of any shape.
    Backward: ``dx = dout m``.
    Source: Deep Learning from Scratch, section 6.4.3.

    >>> np.random.seed(0)
    >>> dropout = Dropout(0.5)
    >>> dropout.forward(np.ones(8))
    array([1., 1., 1., 1., 0., 1., 0., 1.])
    >>> dropout.forward(np.ones(8), train_flg=False)
    array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """

    holomorphic = True

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        super().__init__()
        self.dropout_ratio = layers.Dropout(dropout_ratio).dropout_ratio
        self.mask: Any = None

    def forward(self, x: Any) -> Any:
        if not self.training:
            return (1.0 - self.dropout_ratio) * x
        kept = numpy.random.random_sample(x.shape) > self.dropout_ratio
        self.mask = backend_of(base(x)).asarray(kept.astype(numpy.float64))
        return x * self.mask

    def backward(self, dout: Any) -> Any:
        return dout * self.mask


def with_rows(kind: Kind) -> Kind:
    """Wrap a layer that computes on rows, so that y has the shape of x, and dout is flattened to rows."""
    of_rows: Callable[..., Any] = kind.forward
    back: Callable[..., Any] = kind.backward

    def forward(self: Any, x: Any) -> Any:
        return checks.unflatten(of_rows(self, x), x.shape)

    def backward(self: Any, dout: Any = 1.0) -> Any:
        return back(self, checks.flatten(dout))

    kind.forward, kind.backward = forward, backward
    return kind


@with_train_flg
@with_rows
class BatchNormalization(layers.BatchNormalization):
    """Batch normalization, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + 10e-7)``.

    Without ``train_flg`` μ and σ² are the running ones. As in the book, each value of a sample has its own mean, in
    images too; the running statistics start at 0, and a batch may have one row.

    Shapes: ``x (N, D)`` or ``(N, C, H, W)`` with ``D = C H W``; the others ``(D,)``; ``y`` as ``x``.
    Backward: as ``xpnet.layers.BatchNormalization``.
    Source: Deep Learning from Scratch, section 6.3.

    >>> norm = BatchNormalization(np.ones(1), np.zeros(1))
    >>> norm.forward(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    >>> norm.forward(np.array([[1.0], [3.0]]), train_flg=False)  # the running ones are still near 0
    array([[2.5298],
           [8.8543]])
    """

    shapes = {"gamma": "D", "beta": "D", "x": "N D"}
    flattens = True

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
    ) -> None:
        super().__init__(gamma, beta, momentum, running_mean, running_var, eps=10e-7)
        if running_var is None:
            self.running_var = array_namespace(gamma).zeros_like(gamma)

    def check_values(self, x: Array) -> None:
        check_not_empty(type(self).__name__, x)
