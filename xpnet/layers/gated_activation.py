"""Activations that let one half of the values through by the other half, the gate."""

from __future__ import annotations

from math import pi, sqrt

from xpnet.backend import array_namespace
from xpnet.errors import DtypeError, ShapeError
from xpnet.kernels import erf
from xpnet.layers.activation import sigmoid
from xpnet.layers.base import Layer
from xpnet.layers.shape import whole_numbers
from xpnet.typing import Array


class Glu(Layer):
    """Gated linear unit, ``y = a σ(g)`` with ``x = [a, g]`` and ``σ(g) = 1 / (1 + e⁻ᵍ)``.

    a and g are the first and the second half of x along ``axis``. A ``Linear`` to twice the width goes before it.

    Shapes: ``x (..., 2M)``, ``y (..., M)``, or as x with half the size of ``axis``.
    Backward: ``dx = [dout σ(g), dout a σ'(g)]`` with ``σ' = σ (1 - σ)``.
    Raises: ``ShapeError`` for an odd size; ``DtypeError`` for an axis that is not an integer.
    Source: Dauphin et al., 2017, section 2.

    >>> Glu().forward(np.array([[3.0, 3.0, 0.0, 100.0]]))  # gates half and wholly open
    array([[1.5, 3. ]])
    """

    in_float32 = True

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        if not whole_numbers([axis]):
            raise DtypeError(type(self).__name__, "axis must be an integer", repr(axis), "leave it out for the last")
        self.axis = int(axis)

    def forward(self, x: Array) -> Array:
        who = type(self).__name__
        if not -x.ndim <= self.axis < x.ndim:
            raise ShapeError(who, f"x must have axis {self.axis}", tuple(x.shape), "choose another axis")
        size = x.shape[self.axis]
        if size % 2:
            must = f"x must have an even size along axis {self.axis}"
            raise ShapeError(who, must, tuple(x.shape), "let the layer before it give twice the width")
        before = (slice(None),) * (self.axis % x.ndim)
        self.a = x[(*before, slice(None, size // 2), ...)]
        self.g = x[(*before, slice(size // 2, None), ...)]
        self.s, self.slope = self.gate(self.g)
        return self.a * self.s

    def backward(self, dout: Array) -> Array:
        dx: Array = array_namespace(dout, self.s).concat([dout * self.s, dout * self.a * self.slope], axis=self.axis)
        return dx

    def gate(self, g: Array) -> tuple[Array, Array]:
        """Return the gate and its slope."""
        s = sigmoid(g)
        return s, s * (1.0 - s)


class GeGlu(Glu):
    """Gated linear unit with a GELU, ``y = a g Φ(g)`` with ``x = [a, g]`` and ``Φ(g) = (1 + erf(g / √2)) / 2``.

    Shapes: as ``Glu``.
    Backward: ``dx = [dout g Φ(g), dout a (Φ(g) + g φ(g))]`` with φ the density of the normal distribution.
    Raises: as ``Glu``.
    Source: Shazeer, 2020, "GLU variants improve Transformer", section 2.

    >>> GeGlu().forward(np.array([[3.0, 3.0, 0.0, 1.0]]))
    array([[0.   , 2.524]])
    """

    def gate(self, g: Array) -> tuple[Array, Array]:
        share = 0.5 + 0.5 * erf(g * sqrt(0.5))
        return g * share, share + g * array_namespace(g).exp(-0.5 * (g * g)) * (1.0 / sqrt(2.0 * pi))


class SwiGlu(Glu):
    """Gated linear unit with a Swish, ``y = a g σ(g)`` with ``x = [a, g]`` and ``σ(g) = 1 / (1 + e⁻ᵍ)``.

    Shapes: as ``Glu``.
    Backward: ``dx = [dout g σ(g), dout a (σ(g) + g σ(g) (1 - σ(g)))]``.
    Raises: as ``Glu``.
    Source: Shazeer, 2020, "GLU variants improve Transformer", section 2.

    >>> SwiGlu().forward(np.array([[3.0, 3.0, 0.0, 1.0]]))
    array([[0.    , 2.1932]])
    """

    def gate(self, g: Array) -> tuple[Array, Array]:
        s = sigmoid(g)
        y = g * s
        return y, s + y * (1.0 - s)
