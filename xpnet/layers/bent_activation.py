"""Element-wise activations of straight pieces, one of them with a learned slope."""

from __future__ import annotations

from math import isfinite
from typing import Self

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size, ones
from xpnet.layers.activation import finite
from xpnet.layers.base import Layer
from xpnet.layers.checks import is_number
from xpnet.typing import Array


class PRelu(Layer):
    """Rectified linear unit with a learned slope, ``y = x`` where ``x > 0``, else ``a x``.

    Shapes: ``x (N, C, ...)`` with ``a (C,)``, a slope for each channel, or any x with ``a (1,)``; ``y`` as ``x``.
    Backward: ``dx = dout`` where ``x > 0``, else ``a dout``; ``da = Σ dout x`` where ``x ≤ 0``.
    Raises: ``ShapeError`` for slopes that are neither one nor one for each channel.
    Source: He et al., 2015, "Delving deep into rectifiers", section 2.1.

    >>> prelu = PRelu(np.array([0.25]))
    >>> prelu.forward(np.array([[-4.0, 2.0]]))
    array([[-1.,  2.]])
    >>> prelu.backward(np.array([[1.0, 1.0]]))
    array([[0.25, 1.  ]])
    >>> prelu.da
    array([-4.])
    """

    parameters = ("a",)
    shapes = {"a": "C"}

    a: Array

    def forward(self, x: Array) -> Array:
        C = self.a.shape[0]
        if C != 1 and (x.ndim < 2 or x.shape[1] != C):
            must = f"x must be (N, {C}, ...)"
            raise ShapeError(type(self).__name__, must, tuple(x.shape), "give one slope, or one for each channel")
        self.x = x
        y: Array = array_namespace(x, self.a).where(x > 0, x, self.slope(x.ndim) * x)
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.x)
        below = xp.where(self.x > 0, xp.zeros_like(dout), dout)
        channels = self.a.shape[0] > 1
        da = xp.sum(below * self.x, axis=tuple(i for i in range(dout.ndim) if i != 1 or not channels))
        self.da = xp.reshape(da, self.a.shape)
        dx: Array = xp.where(self.x > 0, dout, self.slope(dout.ndim) * dout)
        return dx

    def slope(self, ndim: int) -> Array:
        """Return the slopes in a shape that broadcasts against x."""
        C = self.a.shape[0]
        shape = (C, *(1,) * (ndim - 2)) if C > 1 else (1,) * ndim
        return array_namespace(self.a).reshape(self.a, shape)  # type: ignore[no-any-return]

    @classmethod
    def create(cls, channels: int = 1, slope: float = 0.25) -> Self:
        """Return a PRelu with a slope for each channel, or a single one, on the current backend."""
        check_size(cls.__name__, "channels", channels)
        if not is_number(slope) or not isfinite(slope):
            raise ArgumentError(cls.__name__, "slope must be a finite number", repr(slope), "give a float")
        return cls(slope * ones((channels,)))


class HardTanh(Layer):
    """The identity between two limits, ``y = min(max(x, low), high)``, of any shape.

    Backward: ``dx = dout`` where ``low < x < high``, else 0.
    Raises: ``ArgumentError`` for limits that are not finite, or not in order.
    Source: Collobert, 2004, section 5.

    >>> hard = HardTanh()
    >>> hard.forward(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    >>> hard.backward(np.ones(3))
    array([0., 1., 0.])
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = finite(self, "low", low), finite(self, "high", high)
        if not self.low < self.high:
            raise ArgumentError(type(self).__name__, "low must be below high", f"{low!r} and {high!r}", "swap them")

    def forward(self, x: Array) -> Array:
        self.inside = (x > self.low) & (x < self.high)
        return between(x, self.low, self.high)

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.inside)
        dx: Array = xp.where(self.inside, dout, xp.zeros_like(dout))
        return dx


class Relu6(HardTanh):
    """Rectified linear unit of at most 6, ``y = min(max(x, 0), 6)``, of any shape.

    Backward: ``dx = dout`` where ``0 < x < 6``, else 0.
    Source: Krizhevsky, 2010, "Convolutional deep belief networks on CIFAR-10", section 2.2.

    >>> Relu6().forward(np.array([-1.0, 5.0, 7.0]))
    array([0., 5., 6.])
    """

    def __init__(self) -> None:
        super().__init__(0.0, 6.0)


class HardSigmoid(Layer):
    """Logistic function of straight pieces, ``y = min(max(x / 6 + 1/2, 0), 1)``, of any shape.

    Backward: ``dx = dout / 6`` where ``-3 < x < 3``, else 0.
    Source: Howard et al., 2019, "Searching for MobileNetV3", section 5.2.

    >>> HardSigmoid().forward(np.array([-4.0, 0.0, 1.5, 4.0]))
    array([0.  , 0.5 , 0.75, 1.  ])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.inside = (x > -3.0) & (x < 3.0)
        return hard_sigmoid(x)

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.inside)
        dx: Array = xp.where(self.inside, dout * (1.0 / 6.0), xp.zeros_like(dout))
        return dx


class HardSwish(Layer):
    """Swish of straight pieces, ``y = x s`` with ``s = min(max(x / 6 + 1/2, 0), 1)``, of any shape.

    Backward: ``dx = dout (s + x / 6)`` where ``-3 < x < 3``, else ``dout s``.
    Source: Howard et al., 2019, "Searching for MobileNetV3", section 5.2.

    >>> HardSwish().forward(np.array([-2.0, 1.0, 4.0]))
    array([-0.3333,  0.6667,  4.    ])
    """

    in_float32 = True

    def forward(self, x: Array) -> Array:
        self.x, self.s = x, hard_sigmoid(x)
        return x * self.s

    def backward(self, dout: Array) -> Array:
        xp, x = array_namespace(dout, self.x), self.x
        inside = (x > -3.0) & (x < 3.0)
        dx: Array = dout * xp.where(inside, self.s + x * (1.0 / 6.0), self.s)
        return dx


def hard_sigmoid(x: Array) -> Array:
    """Return ``min(max(x / 6 + 1/2, 0), 1)``."""
    return between(x * (1.0 / 6.0) + 0.5, 0.0, 1.0)


def between(x: Array, low: float, high: float) -> Array:
    """Return ``min(max(x, low), high)``, in which a NaN stays one."""
    xp = array_namespace(x)
    bottom, top = (xp.full((), limit, dtype=x.dtype, device=device_of(x)) for limit in (low, high))
    y: Array = xp.minimum(xp.maximum(x, bottom), top)
    return y
