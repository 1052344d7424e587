"""The affine map."""

from __future__ import annotations

from typing import Self

from xpnet.backend import array_namespace
from xpnet.initializers import Init, check_size, normal_weights, zeros
from xpnet.layers import checks
from xpnet.layers.base import Layer
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Affine(Layer):
    """Affine map, ``y = x W + b``.

    Without a bias, ``Affine(W)``, b is the number 0.

    Shapes: ``x (N, D)`` or ``(N, ...)`` flattened to D, ``W (D, M)``, ``b (M,)``, ``y (N, M)``.
    Backward: ``dx = dout Wᵀ``, ``dW = xᵀ dout``, ``db = Σₙ dout``.
    Source: Deep Learning from Scratch, section 5.6.

    >>> affine = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]))
    >>> affine.forward(np.array([[1.0, 1.0]]))
    array([[14., 26.]])
    >>> affine.backward(np.array([[1.0, 0.0]]))
    array([[1., 3.]])
    >>> affine.dW
    array([[1., 0.],
           [1., 0.]])
    """

    parameters = ("W", "b")
    shapes = {"x": "N D", "W": "D M", "b": "M"}
    optional_parameters = ("b",)
    units = {"W": 1, "b": 0}
    flattens = True
    holomorphic = True

    W: Array
    b: Array

    def __init__(self, W: Array, b: Array | None = None) -> None:
        super().__init__(W, b)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.x)
        self.dW = self.x.T @ dout
        self.db = xp.sum(dout, axis=0)
        return dout @ self.W.T

    @classmethod
    def create(
        cls, inputs: int, outputs: int, init: Init = "he", rng: Generator | None = None, *, bias: bool = True
    ) -> Self:
        """Return an Affine with parameters on the current backend, ``W = σ z``, ``b = 0``.

        ``init`` is a rule such as ``"he"``, or σ itself; see ``initializers``. ``rng`` gives each layer its own
        numbers. ``bias=False`` leaves b out.

        Raises: ``ArgumentError`` for sizes below 1 or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        for name, size in (("inputs", inputs), ("outputs", outputs)):
            check_size(cls.__name__, name, size)
        W = normal_weights((inputs, outputs), init, rng, rng.next_name("Affine") + ".W")
        return cls(W, initial_bias(cls.__name__, bias, outputs))


def initial_bias(who: str, bias: bool, size: int) -> Array | None:
    """Return the first bias of a layer, ``b = 0`` on the current backend, or None where it has none.

    Raises: ``DtypeError`` unless ``bias`` is True or False.
    """
    checks.check_flags(who, bias=bias)
    return zeros((size,)) if bias else None
