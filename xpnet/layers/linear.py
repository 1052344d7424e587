"""Maps of the last axis, such as the features at each step of a sequence."""

from __future__ import annotations

from math import prod
from typing import Self

from xpnet.backend import array_namespace
from xpnet.initializers import Init, check_size, normal_weights, zeros
from xpnet.layers.affine import initial_bias
from xpnet.layers.base import Layer
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class MatMul(Layer):
    """Product with a matrix along the last axis, ``y = x W``.

    Shapes: ``x (..., D)``, ``W (D, M)``, ``y (..., M)``.
    Backward: ``dx = dout Wᵀ``, ``dW = Σ xᵀ dout`` over all rows.

    >>> MatMul(np.array([[0.0, 1.0], [1.0, 0.0]])).forward(np.array([[5.0, 7.0]]))
    array([[7., 5.]])
    """

    parameters = ("W",)
    shapes = {"x": "... D", "W": "D M"}
    holomorphic = True

    W: Array

    def forward(self, x: Array) -> Array:
        self.x = rows(x)
        return in_rows_of(x, self.x @ self.W)

    def backward(self, dout: Array) -> Array:
        d = rows(dout)
        self.dW = self.x.T @ d
        return in_rows_of(dout, d @ self.W.T)

    @classmethod
    def create(cls, inputs: int, outputs: int, init: Init = "he", rng: Generator | None = None) -> Self:
        """Return a MatMul with weights on the current backend, with the arguments of ``Affine.create``."""
        rng = generator_of(cls.__name__, rng)
        return cls(normal_weights((inputs, outputs), init, rng, rng.next_name(cls.__name__) + ".W"))


class Linear(Layer):
    """Affine map along the last axis, ``y = x W + b``: an Affine at every step of a sequence.

    Without a bias, ``Linear(W)``, b is the number 0.

    Shapes: ``x (..., D)``, ``W (D, M)``, ``b (M,)``, ``y (..., M)``.
    Backward: ``dx = dout Wᵀ``, ``dW = Σ xᵀ dout``, ``db = Σ dout`` over all rows.

    >>> linear = Linear(np.array([[2.0], [3.0]]), np.array([1.0]))
    >>> linear.forward(np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]]))  # three steps of a sequence
    array([[[3.],
            [4.],
            [6.]]])
    """

    parameters = ("W", "b")
    optional_parameters = ("b",)
    shapes = {"x": "... D", "W": "D M", "b": "M"}
    holomorphic = True

    W: Array
    b: Array

    def __init__(self, W: Array, b: Array | None = None) -> None:
        super().__init__(W, b)

    def forward(self, x: Array) -> Array:
        self.x = rows(x)
        return in_rows_of(x, self.x @ self.W + self.b)

    def backward(self, dout: Array) -> Array:
        d = rows(dout)
        self.dW = self.x.T @ d
        self.db = array_namespace(d).sum(d, axis=0)
        return in_rows_of(dout, d @ self.W.T)

    @classmethod
    def create(
        cls, inputs: int, outputs: int, init: Init = "he", rng: Generator | None = None, *, bias: bool = True
    ) -> Self:
        """Return a Linear with parameters on the current backend, with the arguments of ``Affine.create``."""
        rng = generator_of(cls.__name__, rng)
        W = normal_weights((inputs, outputs), init, rng, rng.next_name(cls.__name__) + ".W")
        return cls(W, initial_bias(cls.__name__, bias, outputs))


class Bias(Layer):
    """A number added to each value along the last axis, ``y = x + b``.

    Shapes: ``x (..., M)``, ``b (M,)``, ``y (..., M)``.
    Backward: ``dx = dout``, ``db = Σ dout`` over all rows.

    >>> bias = Bias(np.array([1.0, 10.0]))
    >>> bias.forward(np.array([[0.0, 0.0], [5.0, 5.0]]))
    array([[ 1., 10.],
           [ 6., 15.]])
    >>> dx = bias.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> bias.db
    array([4., 6.])
    """

    parameters = ("b",)
    shapes = {"x": "... M", "b": "M"}
    holomorphic = True

    b: Array

    def forward(self, x: Array) -> Array:
        y: Array = x + self.b
        return y

    def backward(self, dout: Array) -> Array:
        self.db = array_namespace(dout).sum(rows(dout), axis=0)
        return dout

    @classmethod
    def create(cls, outputs: int) -> Self:
        """Return a Bias of zeros on the current backend.

        Raises: ``ArgumentError`` for a size below 1.
        """
        check_size(cls.__name__, "outputs", outputs)
        return cls(zeros((outputs,)))


def rows(x: Array) -> Array:
    """Return all but the last axis as one, ``(..., D) -> (n, D)``: one product is faster than a batch of them."""
    if x.ndim == 2:
        return x
    return array_namespace(x).reshape(x, (prod(x.shape[:-1]), x.shape[-1]))  # type: ignore[no-any-return]


def in_rows_of(x: Array, y: Array) -> Array:
    """Return the rows of y in the leading axes of x, ``(n, M) -> (..., M)``."""
    if x.ndim == 2:
        return y
    return array_namespace(y).reshape(y, (*x.shape[:-1], y.shape[-1]))  # type: ignore[no-any-return]
