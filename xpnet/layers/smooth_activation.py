"""Element-wise activations that have a slope everywhere, or nearly so."""

from __future__ import annotations

from xpnet.backend import array_namespace
from xpnet.layers.activation import not_above_0, sigmoid, softplus
from xpnet.layers.base import Layer
from xpnet.typing import Array

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # for which mean 0 and variance 1 are a fixed point


class Mish(Layer):
    """Mish, ``y = x w`` with ``w = tanh(log(1 + eˣ))``, of any shape.

    Backward: ``dx = dout (w + x s (1 - w²))`` with ``s = 1 / (1 + e⁻ˣ)``.
    Source: Misra, 2020, section 2.

    >>> Mish().forward(np.array([-5.0, -1.0, 0.0, 5.0]))
    array([-0.0336, -0.3034,  0.    ,  4.9996])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.x, self.w = x, array_namespace(x).tanh(softplus(x))
        y: Array = x * self.w
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * (self.w + self.x * sigmoid(self.x) * (1.0 - self.w * self.w))
        return dx


class Selu(Layer):
    """Self-normalizing unit, ``y = λ x`` where ``x > 0``, else ``λ α (eˣ - 1)``, of any shape.

    α is 1.6733 and λ 1.0507, with which layers keep mean 0 and variance 1.

    Backward: ``dx = λ dout`` where ``x > 0``, else ``dout λ α eˣ``.
    Source: Klambauer et al., 2017, section 2.

    >>> x = np.random.default_rng(0).standard_normal(10_000)
    >>> y = Selu().forward(x)
    >>> print(f"{y.mean():.2f} {y.var():.2f}")
    0.01 1.00
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.x = x
        y: Array = SCALE * xp.where(x > 0, x, ALPHA * xp.expm1(not_above_0(x)))
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.x)
        dx: Array = SCALE * xp.where(self.x > 0, dout, dout * ALPHA * xp.exp(not_above_0(self.x)))
        return dx


class Softsign(Layer):
    """Softsign, ``y = x / (1 + |x|)``, of any shape.

    Backward: ``dx = dout / (1 + |x|)²``.
    Source: Glorot and Bengio, 2010, section 3.2.

    >>> Softsign().forward(np.array([-9.0, 0.0, 1.0]))
    array([-0.9,  0. ,  0.5])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.d = 1.0 + array_namespace(x).abs(x)
        y: Array = x / self.d
        return y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout / (self.d * self.d)
        return dx


class LogSigmoid(Layer):
    """Logarithm of the logistic function, ``y = -log(1 + e⁻ˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout / (1 + eˣ)``.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 4.3.2.

    >>> LogSigmoid().forward(np.array([-1000.0, 0.0, 3.0]))
    array([-1000.    ,    -0.6931,    -0.0486])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.x = x
        return -softplus(-x)

    def backward(self, dout: Array) -> Array:
        return dout * sigmoid(-self.x)
