"""The last layers of a regression: losses of the distance between output and target."""

from __future__ import annotations

from math import inf

from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers.checks import is_number
from xpnet.layers.loss import Loss, check_targets
from xpnet.typing import Array


class IdentityWithLoss(Loss):
    """The identity and the mean of its sum of squared errors, ``L = ½ Σₙ Σₘ (y - t)² / N`` with ``y = x``.

    Shapes: ``x (N, ...)``, or ``(M,)`` for one sample; ``t`` as ``x``; ``weights (N,)``.
    Backward: ``dx = dout (y - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Deep Learning from Scratch, section 4.2.1 and appendix A.5.

    >>> loss = IdentityWithLoss()
    >>> loss.forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))
    np.float64(4.5)
    >>> loss.backward()
    array([[0., 3.]])
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        self.y, self.t = x, t
        squares = (x - t) * (x - t)
        xp = array_namespace(squares)
        losses: Array = 0.5 * xp.sum(squares, axis=tuple(range(1, x.ndim)) if x.ndim > 1 else None)
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = (self.y - self.t) * self.dlosses(dout)
        return dx


class MeanSquaredError(Loss):
    """The mean of squared errors, ``L = Σ (x - t)² / N``, over all N elements of x.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = 2 dout (x - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 1.5.5.

    >>> loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))
    np.float64(4.5)
    >>> loss.backward()
    array([[0., 3.]])
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        self.d = x - t
        return self.d * self.d

    def backward(self, dout: Array) -> Array:
        dx: Array = 2.0 * self.d * self.dlosses(dout)
        return dx


class Huber(Loss):
    """The mean of errors squared up to δ and linear beyond, ``L = Σ g (d - g/2) / N``, over all N elements of x.

    Here ``d = x - t`` and ``g = min(max(d, -δ), δ)``: ``d² / 2`` where ``|d| ≤ δ``, else ``δ (|d| - δ/2)``.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = dout g / N``.
    Raises: ``ArgumentError`` for a delta that is not above 0; ``ShapeError`` for targets or weights of another shape or
    an empty batch.
    Source: Huber, 1964.

    >>> loss = Huber()
    >>> loss.forward(np.array([0.5, 100.0]), np.array([0.0, 0.0]))
    np.float64(49.8125)
    >>> loss.backward()  # the outlier pulls with 1, and not with 100
    array([0.25, 0.5 ])
    """

    shapes = {"x": "N ..."}

    g: Array

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(delta) or not 0.0 < delta < inf:
            raise ArgumentError(type(self).__name__, "delta must be above 0 and finite", repr(delta), "try 1.0")
        self.delta = float(delta)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        d = x - t
        xp = array_namespace(d)
        end = xp.full((), self.delta, dtype=d.dtype, device=device_of(d))
        self.g = xp.maximum(xp.minimum(d, end), -end)
        return self.g * (d - 0.5 * self.g)

    def backward(self, dout: Array) -> Array:
        dx: Array = self.g * self.dlosses(dout)
        return dx


class MeanAbsoluteError(Loss):
    """The mean of absolute errors, ``L = Σ |x - t| / N``, over all N elements of x.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = dout sign(x - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 1.5.5.

    >>> loss = MeanAbsoluteError()
    >>> loss.forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))
    np.float64(1.5)
    >>> loss.backward()
    array([[0. , 0.5]])
    """

    shapes = {"x": "N ..."}

    slope: Array

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        d = x - t
        xp = array_namespace(d)
        self.slope = xp.sign(d)
        return xp.abs(d)  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        dx: Array = self.slope * self.dlosses(dout)
        return dx


class QuantileLoss(Loss):
    """The pinball loss of the quantile q, ``L = Σ max(q (t - x), (q - 1) (t - x)) / N``, over all N elements of x.

    Its least mean is at the x below which t lies with probability q; q is ``quantile``.

    Shapes: ``x (N, ...)``; ``t`` as ``x``; ``weights`` over leading axes of x.
    Backward: ``dx = -q dout / N`` where ``x < t``, ``(1 - q) dout / N`` where ``x > t``, else 0.
    Raises: ``ArgumentError`` for a quantile that is not between 0 and 1; ``ShapeError`` for targets or weights of
    another shape or an empty batch.
    Source: Koenker and Bassett, 1978, section 3.

    >>> loss = QuantileLoss(0.9)  # nine times as bad to be below t as above it
    >>> [loss.forward(np.array([x]), np.array([10.0])).round(4) for x in (0.0, 20.0)]
    [np.float64(9.0), np.float64(1.0)]
    """

    shapes = {"x": "N ..."}

    slope: Array

    def __init__(self, quantile: float = 0.5, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(quantile) or not 0.0 < quantile < 1.0:
            raise ArgumentError(type(self).__name__, "quantile must be between 0 and 1", repr(quantile), "try 0.9")
        self.quantile = float(quantile)

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        d = t - x
        xp, q = array_namespace(d), self.quantile
        self.slope = -(q - 0.5) * xp.abs(xp.sign(d)) - 0.5 * xp.sign(d)
        return xp.maximum(q * d, (q - 1.0) * d)  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        dx: Array = self.slope * self.dlosses(dout)
        return dx


class PoissonLoss(Loss):
    """The negative log-likelihood of counts with rate eˣ, ``L = Σ (eˣ - t x) / N``, over all N elements of x.

    The term ``log t!``, which does not depend on x, is left out.

    Shapes: ``x (N, ...)``; ``t`` as ``x``, from 0 on; ``weights`` over leading axes of x.
    Backward: ``dx = dout (eˣ - t) / N``.
    Raises: ``ShapeError`` for targets or weights of another shape or an empty batch.
    Source: Bishop, 2006, Pattern Recognition and Machine Learning, section 4.3.6.

    >>> loss = PoissonLoss()
    >>> L = loss.forward(np.log([2.0, 3.0]), np.array([2.0, 1.0]))
    >>> loss.backward()  # the first rate is right, the second too large by 2, of which half counts
    array([0., 1.])
    """

    holomorphic = True
    shapes = {"x": "N ..."}

    def per_sample(self, x: Array, t: Array) -> Array:
        check_targets(self, x, t)
        rate = array_namespace(x).exp(x)
        self.d = rate - t
        losses: Array = rate - t * x
        return losses

    def backward(self, dout: Array) -> Array:
        dx: Array = self.d * self.dlosses(dout)
        return dx


class GaussianLoss(Loss):
    """The negative log-likelihood of a normal distribution, ``L = ½ Σ (s + (t - μ)² e⁻ˢ) / N`` with ``x = [μ, s]``.

    The first half of the last axis of x is the mean μ, the second s = log σ², the logarithm of the variance; N is the
    number of elements of t. The term ½ log 2π is left out.

    Shapes: ``x (..., 2M)``, ``t (..., M)``, ``weights`` over leading axes of t.
    Backward: ``dμ = dout (μ - t) e⁻ˢ / N``, ``ds = ½ dout (1 - (t - μ)² e⁻ˢ) / N``.
    Raises: ``ShapeError`` for an odd last axis, targets or weights of another shape or an empty batch.
    Source: Nix and Weigend, 1994, equation 2.

    >>> loss = GaussianLoss()
    >>> loss.forward(np.array([[0.0, 0.0], [0.0, np.log(4.0)]]), np.array([[2.0], [2.0]])).round(4)
    np.float64(1.5966)
    >>> loss.backward()  # an error of 2 asks for more variance than 1, and 4 is right
    array([[-1.  , -0.75],
           [-0.25,  0.  ]])
    """

    holomorphic = True
    shapes = {"x": "... D"}

    def per_sample(self, x: Array, t: Array) -> Array:
        xp, M = array_namespace(x, t), x.shape[-1] // 2
        if x.shape[-1] % 2:
            must = "x must have an even last axis"
            raise ShapeError(
                type(self).__name__, must, tuple(x.shape), "give a mean and a log-variance for each target"
            )
        mean, s = x[..., :M], x[..., M:]
        check_targets(self, mean, t)
        self.d, self.precision = mean - t, xp.exp(-s)
        self.square = self.d * self.d * self.precision
        losses: Array = 0.5 * (s + self.square)
        return losses

    def backward(self, dout: Array) -> Array:
        each = self.dlosses(dout)
        dx: Array = array_namespace(self.d).concat(
            [self.d * self.precision * each, (0.5 - 0.5 * self.square) * each], axis=-1
        )
        return dx
