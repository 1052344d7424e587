"""Normalization by the root mean square alone."""

from __future__ import annotations

from typing import Self

from xpnet.backend import array_namespace
from xpnet.initializers import check_size, ones
from xpnet.layers.base import Layer
from xpnet.layers.normalization import check_eps
from xpnet.typing import Array


class RMSNormalization(Layer):
    """Root mean square normalization over the last axis, ``y = γ x̂`` with ``x̂ = x / √(mean x² + ε)``.

    Shapes: ``x (..., D)``, ``gamma (D,)``, ``y`` as ``x``.
    Backward: ``dγ = Σ dout x̂``, ``dx = (dx̂ - x̂ mean(dx̂ x̂)) / √(mean x² + ε)``, ``dx̂ = γ dout``.
    Raises: ``ArgumentError`` for an eps that is not above 0.
    Source: Zhang and Sennrich, 2019, section 4.

    >>> RMSNormalization(np.ones(2)).forward(np.array([[1.0, 7.0], [-10.0, 70.0]]))
    array([[ 0.2,  1.4],
           [-0.2,  1.4]])
    """

    parameters = ("gamma",)
    shapes = {"gamma": "D", "x": "... D"}
    holomorphic = True
    in_float32 = True

    gamma: Array

    def __init__(self, gamma: Array, *, eps: float = 1e-5) -> None:
        super().__init__(gamma)
        self.eps = check_eps(self, eps)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.rms = xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + self.eps)
        self.xhat = x / self.rms
        y: Array = self.gamma * self.xhat
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.xhat)
        self.dgamma = xp.sum(dout * self.xhat, axis=tuple(range(dout.ndim - 1)))
        dxhat = dout * self.gamma
        dx: Array = (dxhat - self.xhat * xp.mean(dxhat * self.xhat, axis=-1, keepdims=True)) / self.rms
        return dx

    @classmethod
    def create(cls, size: int, eps: float = 1e-5) -> Self:
        """Return an RMSNormalization of D = ``size`` with parameters on the current backend, ``γ = 1``."""
        check_size(cls.__name__, "size", size)
        return cls(ones((size,)), eps=eps)
