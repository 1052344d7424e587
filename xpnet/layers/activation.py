"""Element-wise activations."""

from __future__ import annotations

from math import isfinite
from typing import Any

from xpnet import kernels
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.layers.base import Layer
from xpnet.layers.checks import is_number
from xpnet.typing import Array


class Identity(Layer):
    """The identity, ``y = x``, of any shape.

    Backward: ``dx = dout``.
    Source: Deep Learning from Scratch, section 3.4.3.
    """

    holomorphic = True

    def forward(self, x: Array) -> Array:
        return x

    def backward(self, dout: Array) -> Array:
        return dout


class Relu(Layer):
    """Rectified linear unit, ``y = max(x, 0)``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else 0.
    Source: Deep Learning from Scratch, section 5.5.1.
    """

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.y = xp.maximum(x, xp.zeros_like(x))
        return self.y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.y)
        return dout * xp.astype(self.y > 0, dout.dtype)


class LeakyRelu(Layer):
    """Leaky rectified linear unit, ``y = x`` where ``x > 0``, else ``slope x``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else ``slope dout``.
    Raises: ``ArgumentError`` for a slope that is no finite number.
    Source: Maas, Hannun and Ng, 2013, section 2.
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = finite(self, "slope", slope)

    def forward(self, x: Array) -> Array:
        self.x = x
        return kernels.leaky_relu(x, self.slope)

    def backward(self, dout: Array) -> Array:
        return kernels.leaky_relu_backward(dout, self.x, self.slope)


class Elu(Layer):
    """Exponential linear unit, ``y = x`` where ``x > 0``, else ``α (eˣ - 1)``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else ``dout α eˣ``.
    Raises: ``ArgumentError`` for an alpha that is no finite number.
    Source: Clevert, Unterthiner and Hochreiter, 2016, section 3.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = finite(self, "alpha", alpha)

    def forward(self, x: Array) -> Array:
        self.x = x
        return kernels.elu(x, self.alpha)

    def backward(self, dout: Array) -> Array:
        return kernels.elu_backward(dout, self.x, self.alpha)


class Sigmoid(Layer):
    """Logistic function, ``y = 1 / (1 + e⁻ˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout y (1 - y)``.
    Source: Deep Learning from Scratch, section 5.5.2.
    """

    def forward(self, x: Array) -> Array:
        self.y = kernels.sigmoid(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * (self.y * (1.0 - self.y))
        return dx


class Tanh(Layer):
    """Hyperbolic tangent, ``y = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)``, of any shape.

    Backward: ``dx = dout (1 - y²)``.
    Source: LeCun, Bottou, Orr and Müller, 1998, Efficient BackProp, section 4.4.
    """

    holomorphic = True

    def forward(self, x: Array) -> Array:
        y: Array = array_namespace(x).tanh(x)
        self.y = y
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * (1.0 - self.y * self.y)
        return dx


class Softplus(Layer):
    """Softplus, ``y = log(1 + eˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout / (1 + e⁻ˣ)``.
    Source: Dugas et al., 2001, section 3.
    """

    def forward(self, x: Array) -> Array:
        self.x = x
        return kernels.softplus(x)

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * kernels.sigmoid(self.x)
        return dx


class Silu(Layer):
    """Sigmoid linear unit, also called Swish, ``y = x s`` with ``s = 1 / (1 + e⁻ˣ)``, of any shape.

    Backward: ``dx = dout (s + y (1 - s))``.
    Source: Elfwing, Uchibe and Doya, 2018, section 2.2.
    """

    def forward(self, x: Array) -> Array:
        self.y, self.s = kernels.silu(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        return kernels.silu_backward(dout, self.y, self.s)


class Gelu(Layer):
    """Gaussian error linear unit, ``y = x s`` with ``s = Φ(x) = (1 + erf(x / √2)) / 2``, of any shape.

    With ``approximate="tanh"``, ``s = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2``, which is cheaper and differs by less
    than 5e-4.

    Backward: ``dx = dout (s + x ∂s/∂x)``.
    Raises: ``ArgumentError`` for an ``approximate`` other than ``"none"`` and ``"tanh"``.
    Source: Hendrycks and Gimpel, 2016, section 2.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            who, must = type(self).__name__, 'approximate must be "none" or "tanh"'
            raise ArgumentError(who, must, repr(approximate), "choose one")
        self.approximate = approximate

    def forward(self, x: Array) -> Array:
        self.x = x
        y, self.s = kernels.gelu(x) if self.approximate == "none" else kernels.gelu_tanh(x)
        return y

    def backward(self, dout: Array) -> Array:
        if self.approximate == "none":
            return kernels.gelu_backward(dout, self.x, self.s)
        return kernels.gelu_tanh_backward(dout, self.x, self.s)


def finite(layer: Layer, name: str, number: Any) -> float:
    """The number of an option.

    Raises: ``ArgumentError`` where it is none, or infinite.
    """
    if not is_number(number) or not isfinite(number):
        raise ArgumentError(type(layer).__name__, f"{name} must be a finite number", repr(number), "give a float")
    return float(number)


def sigmoid(x: Array) -> Array:
    """The logistic function as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.exp(xp.minimum(x, xp.zeros_like(x))) / (1.0 + xp.exp(-xp.abs(x)))
    return y
