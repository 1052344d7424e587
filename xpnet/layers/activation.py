"""Element-wise activations."""

from __future__ import annotations

from xpnet import kernels
from xpnet.layers.base import Layer
from xpnet.typing import Array


class Relu(Layer):
    """Rectified linear unit, ``y = max(x, 0)``, of any shape.

    Backward: ``dx = dout`` where ``x > 0``, else 0.
    Source: Deep Learning from Scratch, section 5.5.1.
    """

    def forward(self, x: Array) -> Array:
        self.y = kernels.relu(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        return kernels.relu_backward(dout, self.y)


class Sigmoid(Layer):
    """Logistic function, ``y = 1 / (1 + e⁻ˣ)``, of any shape; exact for scores of any size.

    Backward: ``dx = dout y (1 - y)``.
    Source: Deep Learning from Scratch, section 5.5.2.
    """

    def forward(self, x: Array) -> Array:
        self.y = kernels.sigmoid(x)
        return self.y

    def backward(self, dout: Array) -> Array:
        dx: Array = dout * self.y * (1.0 - self.y)
        return dx
