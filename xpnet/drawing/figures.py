"""The figures of the book's chapter on backpropagation, computed and not copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, get_backend
from xpnet.layers import Affine, Sigmoid, SoftmaxWithLoss


def apples() -> Variable:
    """Compute two apples at 100 and 10 % tax, ``220``, with derivatives 2.2, 110, 200 (section 5.1.3)."""
    apple, count, tax = Variable(100.0, name="apple"), Variable(2.0, name="count"), Variable(1.1, name="tax")
    return _with_derivatives(apple * count * tax, "price")


def apples_and_oranges() -> Variable:
    """Compute two apples, three oranges and tax, ``715`` (section 5.3.3)."""
    apple, apples = Variable(100.0, name="apple"), Variable(2.0, name="apple count")
    orange, oranges = Variable(150.0, name="orange"), Variable(3.0, name="orange count")
    tax = Variable(1.1, name="tax")
    return _with_derivatives((apples * apple + orange * oranges) * tax, "price")


def squared_sum() -> Variable:
    """Apply the chain rule to ``z = (x + y)²`` at x = 1, y = 2 (section 5.2.2)."""
    x, y = Variable(1.0, name="x"), Variable(2.0, name="y")
    return _with_derivatives((x + y) ** 2, "z")


def sigmoid_steps() -> Variable:
    """Compute the logistic function node by node, ``y = 1 / (1 + exp(-x))`` (section 5.5.2)."""
    x = Variable(0.5, name="x")
    return _with_derivatives(1.0 / (1.0 + array_namespace(x).exp(x * -1.0)), "y")


def sigmoid() -> Variable:
    """Compute the same as one node, ``dx = dout y (1 - y)`` (section 5.5.2)."""
    y: Variable = Sigmoid()(Variable(0.5, name="x"))
    return _with_derivatives(y, "y")


def affine() -> Variable:
    """Compute an Affine with the shapes of its arrays, ``y = x W + b`` for two rows (section 5.6.2)."""
    asarray = get_backend().asarray
    layer = Affine(asarray(np.ones((2, 3))), asarray(np.zeros(3)))
    y: Variable = layer(Variable(asarray(np.ones((2, 2))), name="x"))
    y.name = "y"
    y.backward(asarray(np.ones((2, 3))))
    return y


def softmax_with_loss() -> Variable:
    """Compute ``dx = y - t = (0.3, -0.8, 0.5)`` for y = (0.3, 0.2, 0.5), t = (0, 1, 0) (section 5.6.3)."""
    asarray = get_backend().asarray
    x = Variable(asarray(np.log([0.3, 0.2, 0.5])), name="x")
    loss: Variable = SoftmaxWithLoss()(x, asarray([0.0, 1.0, 0.0]))
    return _with_derivatives(loss, "loss")


def _with_derivatives(y: Variable, name: str) -> Variable:
    y.name = name
    y.backward()
    return y


FIGURES: Mapping[str, Callable[[], Variable]] = {
    "apples": apples,
    "apples-and-oranges": apples_and_oranges,
    "squared-sum": squared_sum,
    "sigmoid-steps": sigmoid_steps,
    "sigmoid": sigmoid,
    "affine": affine,
    "softmax-with-loss": softmax_with_loss,
}
