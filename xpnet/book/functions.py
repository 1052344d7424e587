"""The book's functions on arrays, numbers and lists."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, device_of, size_of
from xpnet.backend.halves import narrowed, widened
from xpnet.book.arrays import __getattr__ as __getattr__
from xpnet.book.arrays import as_array, as_floating
from xpnet.errors import ShapeError
from xpnet.layers.activation import sigmoid as sigmoid_of
from xpnet.layers.softmax import softmax as softmax_of
from xpnet.typing import Array

__all__ = [
    "cross_entropy_error",
    "identity_function",
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

DELTA = 1e-7  # added by the book, to avoid the logarithm of 0


def identity_function(x: Any) -> Any:
    """Return the identity, ``y = x``.

    Source: Deep Learning from Scratch, section 3.4.3.

    >>> identity_function(np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    return x


def step_function(x: Any) -> Array:
    """Return the step, 1 where ``x > 0``, else 0, as integers.

    Source: Deep Learning from Scratch, section 3.2.2.

    >>> step_function(np.array([-1.0, 1.0, 2.0]))
    array([0, 1, 1])
    """
    x = as_array(x)
    xp = array_namespace(x)
    y: Array = xp.astype(x > 0, xp.arange(1).dtype)
    return y


def sigmoid(x: Any) -> Array:
    """Return the sigmoid, ``y = 1 / (1 + e⁻ˣ)``.

    Source: Deep Learning from Scratch, section 3.2.4.

    >>> sigmoid(np.array([-1.0, 1.0, 2.0]))
    array([0.2689, 0.7311, 0.8808])
    """
    x = as_floating(x)
    return narrowed(sigmoid_of(widened(x)), x)


def sigmoid_grad(x: Any) -> Array:
    """Return the derivative of the sigmoid, ``y (1 - y)``.

    Source: Deep Learning from Scratch, section 5.5.2.

    >>> sigmoid_grad(np.array([0.0, 2.0]))
    array([0.25 , 0.105])
    """
    y = sigmoid(x)
    return y * (1.0 - y)


def relu(x: Any) -> Array:
    """Return the rectified linear unit, ``y = max(x, 0)``; integers stay integers.

    Source: Deep Learning from Scratch, section 3.2.7.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    x = as_array(x)
    xp = array_namespace(x)
    y: Array = xp.maximum(x, xp.zeros_like(x))
    return y


def relu_grad(x: Any) -> Array:
    """Return the derivative of ``relu`` as in the book, 1 where ``x ≥ 0``, else 0; at 0 that of ``Relu`` is 0.

    >>> relu_grad(np.array([-1.0, 0.0, 2.0]))
    array([0., 1., 1.])
    """
    x = as_floating(x)
    slope: Array = array_namespace(x).astype(x >= 0, x.dtype)
    return slope


def softmax(x: Any) -> Array:
    """Return the softmax over the last axis, ``yₖ = e^xₖ / Σⱼ e^xⱼ``.

    Source: Deep Learning from Scratch, section 3.5.

    >>> softmax(np.array([0.3, 2.9, 4.0]))
    array([0.0182, 0.2452, 0.7366])
    >>> softmax(np.array([1010.0, 1000.0, 990.0]))
    array([1., 0., 0.])
    """
    x = as_floating(x)
    return narrowed(softmax_of(widened(x)), x)


def sum_squared_error(y: Any, t: Any) -> Array:
    """Return half the sum of the squared errors, ``E = ½ Σ (y - t)²``.

    Source: Deep Learning from Scratch, section 4.2.1, where it is called the mean squared error.

    >>> sum_squared_error(np.array([0.5, 0.5]), np.array([1, 0]))
    np.float64(0.25)
    """
    y, t = as_floating(y), as_array(t)
    error = y - t
    loss: Array = 0.5 * array_namespace(error).sum(error * error)
    return loss


mean_squared_error = sum_squared_error


def cross_entropy_error(y: Any, t: Any) -> Array:
    """Return the mean cross-entropy of probabilities, ``E = -Σₙ log(y[n, t[n]] + 1e-7) / N``.

    Shapes: ``y (N, K)`` or ``(K,)``; ``t`` one-hot, as ``y``, or class indices ``(N,)``.
    Raises: ``ShapeError`` for labels that do not fit.
    Source: Deep Learning from Scratch, section 4.2.4.

    >>> y = np.array([[0.6, 0.4], [0.1, 0.9]])
    >>> cross_entropy_error(y, np.array([0, 1])).round(4)
    np.float64(0.3081)
    >>> cross_entropy_error(y, np.array([[1, 0], [0, 1]])).round(4)  # the same, one-hot
    np.float64(0.3081)
    """
    y, t = as_floating(y), as_array(t)
    xp = array_namespace(y, t)
    y = xp.reshape(y, (-1, y.shape[-1])) if y.ndim else xp.reshape(y, (1, 1))
    N, K = y.shape
    if size_of(t) == size_of(y):
        t = xp.argmax(xp.reshape(t, (N, K)), axis=1)
    elif size_of(t) != N:
        must, remedy = f"t must be {(N,)} or {(N, K)}", "give a class, or a one-hot row, for each row of y"
        raise ShapeError("cross_entropy_error", must, tuple(t.shape), remedy)
    chosen = xp.arange(K, device=device_of(y)) == xp.reshape(t, (N, 1))
    logs = xp.log(y + DELTA)
    loss: Array = -xp.sum(xp.where(chosen, logs, xp.zeros_like(logs))) / N
    return loss


def softmax_loss(X: Any, t: Any) -> Array:
    """Return ``cross_entropy_error(softmax(X), t)``.

    >>> softmax_loss(np.array([[0.0, 0.0]]), np.array([0])).round(4)  # log 2
    np.float64(0.6931)
    """
    return cross_entropy_error(softmax(X), t)
