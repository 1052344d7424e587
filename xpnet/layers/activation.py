"""Element-wise activations."""

from __future__ import annotations

from math import isfinite, pi, sqrt
from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.kernels import erf
from xpnet.layers.base import Layer
from xpnet.layers.checks import is_number
from xpnet.typing import Array

CUBE = 0.044715  # of the tanh form of GELU


class Identity(Layer):
    """The identity, ``y = x``, of any shape.

    Backward: ``dx = dout``.
    Source: Deep Learning from Scratch, section 3.4.3.

    >>> Identity().forward(np.array([-1.0, 2.0]))
    array([-1.,  2.])
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

    >>> relu = Relu()
    >>> relu.forward(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> relu.backward(np.array([5.0, 5.0]))
    array([0., 5.])
    """

    y: Array

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.y = xp.maximum(x, xp.zeros_like(x))
        return self.y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.y)
        dx: Array = dout * xp.astype(self.y > 0, dout.dtype)
        return dx


class LeakyRelu(Layer):
    """Leaky rectified linear unit, ``y = x`` where ``x > 0``, else ``slope x``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else ``slope dout``.
    Raises: ``ArgumentError`` for a slope that is not a finite number.
    Source: Maas, Hannun and Ng, 2013, section 2.

    >>> LeakyRelu(slope=0.1).forward(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    in_float32 = True

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = finite(self, "slope", slope)

    def forward(self, x: Array) -> Array:
        self.x = x
        y: Array = array_namespace(x).where(x > 0, x, self.slope * x)
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.x)
        dx: Array = xp.where(self.x > 0, dout, self.slope * dout)
        return dx


class Elu(Layer):
    """Exponential linear unit, ``y = x`` where ``x > 0``, else ``α (eˣ - 1)``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else ``dout α eˣ``.
    Raises: ``ArgumentError`` for an alpha that is not a finite number.
    Source: Clevert, Unterthiner and Hochreiter, 2016, section 3.

    >>> Elu().forward(np.array([-10.0, -1.0, 2.0]))
    array([-1.    , -0.6321,  2.    ])
    """

    in_float32 = True

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = finite(self, "alpha", alpha)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.x = x
        y: Array = xp.where(x > 0, x, self.alpha * xp.expm1(not_above_0(x)))
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.x)
        dx: Array = xp.where(self.x > 0, dout, dout * self.alpha * xp.exp(not_above_0(self.x)))
        return dx


class Sigmoid(Layer):
    """Logistic function, ``y = 1 / (1 + e⁻ˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout y (1 - y)``.
    Source: Deep Learning from Scratch, section 5.5.2.

    >>> sigmoid = Sigmoid()
    >>> sigmoid.forward(np.array([-1000.0, 0.0, 2.0]))
    array([0.    , 0.5   , 0.8808])
    >>> sigmoid.backward(np.ones(3))
    array([0.   , 0.25 , 0.105])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.y = sigmoid(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        return dout * (self.y * (1.0 - self.y))


class Tanh(Layer):
    """Hyperbolic tangent, ``y = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)``, of any shape.

    Backward: ``dx = dout (1 - y²)``.
    Source: LeCun, Bottou, Orr and Müller, 1998, Efficient BackProp, section 4.4.

    >>> tanh = Tanh()
    >>> tanh.forward(np.array([0.0, 0.5, 5.0]))
    array([0.    , 0.4621, 0.9999])
    >>> tanh.backward(np.ones(3))
    array([1.    , 0.7864, 0.0002])
    """

    holomorphic = True
    in_float32 = True

    def forward(self, x: Array) -> Array:
        y: Array = array_namespace(x).tanh(x)
        self.y = y
        return y

    def backward(self, dout: Array) -> Array:
        return dout * (1.0 - self.y * self.y)


class Softplus(Layer):
    """Softplus, ``y = log(1 + eˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout / (1 + e⁻ˣ)``.
    Source: Dugas et al., 2001, section 3.

    >>> Softplus().forward(np.array([-1000.0, 0.0, 1000.0]))
    array([   0.    ,    0.6931, 1000.    ])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.x = x
        return softplus(x)

    def backward(self, dout: Array) -> Array:
        return dout * sigmoid(self.x)


class Silu(Layer):
    """Sigmoid linear unit, also called Swish, ``y = x s`` with ``s = 1 / (1 + e⁻ˣ)``, of any shape.

    Backward: ``dx = dout (s + y (1 - s))``.
    Source: Elfwing, Uchibe and Doya, 2018, section 2.2.

    >>> Silu().forward(np.array([-5.0, -1.0, 0.0, 5.0]))
    array([-0.0335, -0.2689,  0.    ,  4.9665])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.s = sigmoid(x)
        self.y = x * self.s
        return self.y

    def backward(self, dout: Array) -> Array:
        return dout * (self.s + self.y * (1.0 - self.s))


class Gelu(Layer):
    """Gaussian error linear unit, ``y = x s`` with ``s = Φ(x) = (1 + erf(x / √2)) / 2``, of any shape.

    With ``approximate="tanh"``, ``s = (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2``, which is cheaper and differs by less
    than 5e-4.

    Backward: ``dx = dout (s + x ∂s/∂x)``.
    Raises: ``ArgumentError`` for an ``approximate`` other than ``"none"`` and ``"tanh"``.
    Source: Hendrycks and Gimpel, 2016, section 2.

    >>> x = np.array([-3.0, -1.0, 1.0, 3.0])
    >>> Gelu().forward(x)
    array([-0.004 , -0.1587,  0.8413,  2.996 ])
    >>> Gelu(approximate="tanh").forward(x)
    array([-0.0036, -0.1588,  0.8412,  2.9964])
    """

    in_float32 = True

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            who, must = type(self).__name__, 'approximate must be "none" or "tanh"'
            raise ArgumentError(who, must, repr(approximate), "choose one")
        self.approximate = approximate

    def forward(self, x: Array) -> Array:
        if self.approximate == "none":
            inner = erf(x * sqrt(1.0 / 2.0))
        else:
            inner = array_namespace(x).tanh(sqrt(2.0 / pi) * x * (1.0 + CUBE * (x * x)))
        self.x, self.s = x, 0.5 + 0.5 * inner
        return x * self.s

    def backward(self, dout: Array) -> Array:
        x, s = self.x, self.s
        slope: Array
        if self.approximate == "none":
            slope = array_namespace(x).exp(-0.5 * (x * x)) * (1.0 / sqrt(2.0 * pi))
        else:
            slope = 2.0 * s * (1.0 - s) * (sqrt(2.0 / pi) * (1.0 + 3.0 * CUBE * (x * x)))
        return dout * (s + x * slope)


def sigmoid(x: Array) -> Array:
    """Return the logistic function as ``exp(min(x, 0)) / (1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.exp(not_above_0(x)) / (1.0 + xp.exp(-xp.abs(x)))
    return y


def softplus(x: Array) -> Array:
    """Return ``log(1 + eˣ)``, the softplus, as ``max(x, 0) + log(1 + exp(-|x|))``, which cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))
    return y


def not_above_0(x: Array) -> Array:
    """Return ``min(x, 0)``, whose exponential cannot overflow."""
    xp = array_namespace(x)
    y: Array = xp.minimum(x, xp.zeros_like(x))
    return y


def finite(layer: Layer, name: str, number: Any) -> float:
    """Return the value of an option as a float.

    Raises: ``ArgumentError`` unless it is a finite number.
    """
    if not is_number(number) or not isfinite(number):
        raise ArgumentError(type(layer).__name__, f"{name} must be a finite number", repr(number), "give a float")
    return float(number)
