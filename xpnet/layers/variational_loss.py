"""The loss of a variational autoencoder."""

from __future__ import annotations

from math import inf

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.checks import is_number
from xpnet.layers.loss import Loss, check_not_empty, check_targets
from xpnet.typing import Array


class VariationalLoss(Loss):
    """The lower bound of a likelihood, ``L = Σₙ (Σ (log(1 + eʸ) - t y) + β Σ (μ² + eˢ - 1 - s) / 2) / N``.

    x has three parts, ``x = (y, μ, s)``: the scores y of the targets, from 0 to 1, as ``SigmoidWithLoss`` takes them,
    and the mean and the logarithm of the variance of the code, whose distance from the standard normal distribution is
    the second term. β is ``beta``.

    Shapes: ``x (N, D + 2Z)``, ``t (N, D)``; ``weights (N,)``.
    Backward: ``dy = dout (σ(y) - t) / N``, ``dμ = dout β μ / N``, ``ds = dout β (eˢ - 1) / 2N``.
    Raises: ``ShapeError`` for targets that leave no code, or half of one; ``ArgumentError`` for a beta below 0.
    Source: Kingma and Welling, 2014, equation 10; Higgins et al., 2017 (β).

    >>> loss = VariationalLoss()
    >>> y, mu, s = [0.0], [1.0], [0.0]  # a score, and a code with mean 1 and variance 1
    >>> loss.forward(np.array([y + mu + s]), np.array([[1.0]])).round(4)  # log 2 + 1/2
    np.float64(1.1931)
    >>> loss.backward()
    array([[-0.5,  1. ,  0. ]])
    """

    shapes = {"x": "N M"}

    def __init__(self, beta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(beta) or not 0.0 <= beta < inf:
            raise ArgumentError(type(self).__name__, "beta must be at least 0 and finite", repr(beta), "try 1.0")
        self.beta = float(beta)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_not_empty(type(self).__name__, x)
        rest = x.shape[1] - t.shape[1] if t.ndim == 2 and t.shape[0] == x.shape[0] else -1
        if rest <= 0 or rest % 2:
            must, got = "x must have the columns of t, and those of μ and s", f"{tuple(x.shape)} for {tuple(t.shape)}"
            raise ShapeError(type(self).__name__, must, got, "give scores, mean and spread side by side")
        xp, D, Z = array_namespace(x, t), t.shape[1], rest // 2
        check_targets(self, x[:, :D], t)
        y, self.mean, s = x[:, :D], x[:, D : D + Z], x[:, D + Z :]
        self.error = 0.5 + 0.5 * xp.tanh(0.5 * y) - t
        self.excess = xp.expm1(s)
        fit = 0.5 * (y + xp.abs(y)) + xp.log1p(xp.exp(-xp.abs(y))) - t * y
        far = self.mean * self.mean + self.excess - s
        return xp.sum(fit, axis=1) + (0.5 * self.beta) * xp.sum(far, axis=1)  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        parts = [self.error, self.beta * self.mean, (0.5 * self.beta) * self.excess]
        dx: Array = array_namespace(self.error).concat(parts, axis=1) * self.dlosses(dout)
        return dx
