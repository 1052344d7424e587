"""Normalizations: layers that bring values to mean 0 and variance 1, then to a learned scale and shift."""

from __future__ import annotations

from math import inf, prod
from typing import Any, Self

from xpnet.autodiff.record import base
from xpnet.backend import array_namespace, device_of, size_of
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size, ones, zeros
from xpnet.layers import checks
from xpnet.layers.base import Layer
from xpnet.layers.loss import check_not_empty
from xpnet.typing import Array


class LayerNormalization(Layer):
    """Layer normalization over the last axis, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + ε)``.

    μ and σ² are mean and variance of each row.

    Shapes: ``x (..., D)``, ``gamma (D,)``, ``beta (D,)``, ``y`` as ``x``.
    Backward: ``dγ = Σ dout x̂``, ``dβ = Σ dout``, ``dx = (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂)) / √(σ² + ε)``, ``dx̂ = γ dout``.
    Raises: ``ArgumentError`` for an eps that is not above 0.
    Source: Ba, Kiros and Hinton, 2016, section 3.

    >>> norm = LayerNormalization(np.array([1.0, 10.0]), np.array([0.0, 5.0]))
    >>> norm.forward(np.array([[1.0, 3.0], [100.0, 300.0]]))
    array([[-1., 15.],
           [-1., 15.]])
    """

    parameters = ("gamma", "beta")
    shapes = {"gamma": "D", "beta": "D", "x": "... D"}
    holomorphic = True
    in_float32 = True

    gamma: Array
    beta: Array

    def __init__(self, gamma: Array, beta: Array, *, eps: float = 1e-5) -> None:
        super().__init__(gamma, beta)
        self.eps = check_eps(self, eps)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        mean = xp.mean(x, axis=-1, keepdims=True)
        centred = x - mean
        var = xp.mean(centred * centred, axis=-1, keepdims=True)
        self.std = xp.sqrt(var + self.eps)
        self.xhat = centred / self.std
        y: Array = self.gamma * self.xhat + self.beta
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.xhat)
        rows = tuple(range(dout.ndim - 1))
        self.dgamma = xp.sum(dout * self.xhat, axis=rows)
        self.dbeta = xp.sum(dout, axis=rows)
        return through_statistics(dout * self.gamma, self.xhat, self.std, (-1,))

    @classmethod
    def create(cls, size: int, eps: float = 1e-5) -> Self:
        """Return a LayerNormalization of D = ``size`` with parameters on the current backend, ``γ = 1``, ``β = 0``."""
        check_size(cls.__name__, "size", size)
        return cls(ones((size,)), zeros((size,)), eps=eps)


class GroupNormalization(Layer):
    """Group normalization, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + ε)``.

    μ and σ² are those of each sample over each group of C / G channels and all places; γ and β belong to a channel.

    Shapes: ``x (N, C, ...)``, ``gamma (C,)``, ``beta (C,)``, ``y`` as ``x``.
    Backward: ``dγ = Σ dout x̂``, ``dβ = Σ dout``, ``dx = (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂)) / √(σ² + ε)``, ``dx̂ = γ dout``.
    Raises: ``ArgumentError`` for groups that do not divide the channels, or an eps that is not above 0.
    Source: Wu and He, 2018, section 3.

    >>> norm = GroupNormalization(np.ones(4), np.zeros(4), groups=2)
    >>> norm.forward(np.array([[1.0, 3.0, 100.0, 300.0]]))
    array([[-1.,  1., -1.,  1.]])
    """

    parameters = ("gamma", "beta")
    shapes = {"gamma": "C", "beta": "C", "x": "N C ..."}
    holomorphic = True
    in_float32 = True

    gamma: Array
    beta: Array

    def __init__(self, gamma: Array, beta: Array, *, groups: int, eps: float = 1e-5) -> None:
        super().__init__(gamma, beta)
        who, channels = type(self).__name__, gamma.shape[0]
        check_size(who, "groups", groups)
        if channels % groups:
            got = f"{groups} groups of {channels} channels"
            raise ArgumentError(who, "groups must divide the channels", got, "choose a divisor")
        self.groups = int(groups)
        self.eps = check_eps(self, eps)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        rows = self.rows(x)
        mean = xp.mean(rows, axis=-1, keepdims=True)
        centred = rows - mean
        var = xp.mean(centred * centred, axis=-1, keepdims=True)
        self.std = xp.sqrt(var + self.eps)
        self.xhat = xp.reshape(centred / self.std, x.shape)
        y: Array = of_channels(self.gamma, x) * self.xhat + of_channels(self.beta, x)
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.xhat)
        axes = all_but_channels(dout)
        self.dgamma = xp.sum(dout * self.xhat, axis=axes)
        self.dbeta = xp.sum(dout, axis=axes)
        dxhat = self.rows(dout * of_channels(self.gamma, dout))
        dx: Array = through_statistics(dxhat, self.rows(self.xhat), self.std, (-1,))
        return xp.reshape(dx, dout.shape)  # type: ignore[no-any-return]

    def rows(self, x: Array) -> Array:
        """Return the values of each sample and group side by side, ``(N, G, C / G ...)``."""
        return array_namespace(x).reshape(x, (x.shape[0], self.groups, prod(x.shape[1:]) // self.groups))  # type: ignore[no-any-return]

    @classmethod
    def create(cls, channels: int, groups: int, eps: float = 1e-5) -> Self:
        """Return a GroupNormalization with parameters on the current backend, ``γ = 1``, ``β = 0``."""
        check_size(cls.__name__, "channels", channels)
        return cls(ones((channels,)), zeros((channels,)), groups=groups, eps=eps)


class InstanceNormalization(GroupNormalization):
    """Instance normalization, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + ε)``.

    μ and σ² are those of each sample and channel over all places; γ and β belong to a channel.

    Shapes: ``x (N, C, ...)``, ``gamma (C,)``, ``beta (C,)``, ``y`` as ``x``.
    Backward: as ``GroupNormalization``, of which it is the case of one channel in a group.
    Raises: ``ArgumentError`` for an eps that is not above 0.
    Source: Ulyanov, Vedaldi and Lempitsky, 2016, section 2.

    >>> norm = InstanceNormalization(np.ones(2), np.zeros(2))
    >>> norm.forward(np.array([[[1.0, 3.0], [100.0, 300.0]]]))
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """

    def __init__(self, gamma: Array, beta: Array, *, eps: float = 1e-5) -> None:
        super().__init__(gamma, beta, groups=gamma.shape[0], eps=eps)

    @classmethod
    def create(cls, channels: int, eps: float = 1e-5) -> Self:  # type: ignore[override]
        """Return an InstanceNormalization with parameters on the current backend, ``γ = 1``, ``β = 0``."""
        check_size(cls.__name__, "channels", channels)
        return cls(ones((channels,)), zeros((channels,)), eps=eps)


class BatchNormalization(Layer):
    """Batch normalization, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + ε)``.

    In training μ and σ² are the mean and the (biased) variance of each channel over the batch and all places, and the
    running statistics follow them, ``running = momentum running + (1 - momentum) batch``. ``predict`` uses the running
    ones, and so does a frozen layer, whose ``training`` is False: they are constants in its backward. As in the book,
    momentum is the share of the old value (in torch it is that of the new one: 0.9 here is 0.1 there) and the running
    variance follows σ² itself (torch's follows ``σ² n / (n - 1)`` with n the values of a channel). The book's ε is
    10e-7. Running statistics are float32 where γ is float16 or bfloat16, in which small steps are lost.

    Shapes: ``x (N, D)`` or ``(N, C, ...)``; the others ``(D,)`` or ``(C,)``; ``y`` as ``x``.
    Backward: ``dγ = Σ dout x̂``, ``dβ = Σ dout``, ``dx = (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂)) / √(σ² + ε)``, ``dx̂ = γ dout``;
    frozen, ``dx = dx̂ / √(σ² + ε)``.
    Raises: ``ShapeError`` in training for fewer than two values of a channel, which have no variance; ``ArgumentError``
    for a momentum outside 0 … 1 or an eps that is not above 0.
    Source: Ioffe and Szegedy, 2015, section 3; Deep Learning from Scratch, section 6.3.

    >>> norm = BatchNormalization(np.ones(1), np.zeros(1))
    >>> norm.forward(np.array([[1.0], [3.0]]))  # by the mean 2 and the deviation 1 of the batch
    array([[-1.],
           [ 1.]])
    >>> norm.running_mean, norm.running_var
    (array([0.2]), array([1.]))
    >>> norm.predict(np.array([[1.0], [3.0]]))  # by the running ones
    array([[0.8],
           [2.8]])
    """

    parameters = ("gamma", "beta")
    state = ("running_mean", "running_var")
    shapes = {"gamma": "C", "beta": "C", "x": "N C ..."}
    holomorphic = True
    in_float32 = True

    gamma: Array
    beta: Array
    running_mean: Array
    running_var: Array

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
        *,
        eps: float = 1e-5,
    ) -> None:
        super().__init__(gamma, beta)
        who = type(self).__name__
        if not checks.is_number(momentum) or not 0.0 <= momentum <= 1.0:
            raise ArgumentError(who, "momentum must be from 0 to 1", repr(momentum), "try 0.9")
        self.momentum = float(momentum)
        self.eps = check_eps(self, eps)
        for name, array in (("running_mean", running_mean), ("running_var", running_var)):
            if array is None:
                continue
            checks.check_one_place(who, {"gamma": gamma, name: array})
            checks.check_floating(self.spec, name, array)
            if array.shape != gamma.shape:
                raise ShapeError(who, f"{name} must be {tuple(gamma.shape)}", tuple(array.shape), "give one a channel")
        xp = array_namespace(gamma)
        like = {"dtype": xp.result_type(gamma, xp.float32), "device": device_of(gamma)}
        self.running_mean = xp.zeros(gamma.shape, **like) if running_mean is None else running_mean
        self.running_var = xp.ones(gamma.shape, **like) if running_var is None else running_var

    def forward(self, x: Array) -> Array:
        xp = array_namespace(x)
        self.by_batch = self.training
        if self.by_batch:
            self.check_values(x)
            axes = all_but_channels(x)
            mean = xp.mean(x, axis=axes)
            centred = x - of_channels(mean, x)
            var = xp.mean(centred * centred, axis=axes)
            self.follow(mean, var)
        else:
            mean, var = self.running_mean, self.running_var
            centred = x - of_channels(mean, x)
        self.std = of_channels(array_namespace(var).sqrt(var + self.eps), x)
        self.xhat = centred / self.std
        y: Array = of_channels(self.gamma, x) * self.xhat + of_channels(self.beta, x)
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout, self.xhat)
        axes = all_but_channels(dout)
        self.dgamma = xp.sum(dout * self.xhat, axis=axes)
        self.dbeta = xp.sum(dout, axis=axes)
        dxhat = dout * of_channels(self.gamma, dout)
        if self.by_batch:
            return through_statistics(dxhat, self.xhat, self.std, axes)
        dx: Array = dxhat / self.std
        return dx

    def follow(self, mean: Array, var: Array) -> None:
        """Move the running statistics towards those of a batch."""
        for name, batch in (("running_mean", mean), ("running_var", var)):
            running = getattr(self, name)
            batch = array_namespace(running).astype(base(batch), running.dtype)
            setattr(self, name, self.momentum * running + (1.0 - self.momentum) * batch)

    def check_values(self, x: Array) -> None:
        """Raise ShapeError for a batch in which a channel has fewer than two values."""
        who = type(self).__name__
        check_not_empty(who, x)
        if size_of(x) == x.shape[1]:
            remedy = "train on larger batches; leave a last batch of one row out, Trainer(…, drop_last=True)"
            raise ShapeError(who, "x must hold two values of each channel in training", tuple(x.shape), remedy)

    @classmethod
    def create(cls, channels: int, momentum: float = 0.9, eps: float = 1e-5) -> Self:
        """Return a BatchNormalization with parameters on the current backend, ``γ = 1``, ``β = 0``."""
        check_size(cls.__name__, "channels", channels)
        return cls(ones((channels,)), zeros((channels,)), momentum, eps=eps)


def through_statistics(dxhat: Array, xhat: Array, std: Array, axes: tuple[int, ...]) -> Array:
    """Return the backward of ``x̂ = (x - μ) / √(σ² + ε)``, ``dx = (dx̂ - mean dx̂ - x̂ mean(dx̂ x̂)) / √(σ² + ε)``.

    The means are over the axes of μ and σ², which also depend on x.
    """
    xp = array_namespace(dxhat, xhat)
    along = xp.mean(dxhat * xhat, axis=axes, keepdims=True)
    dx: Array = (dxhat - xp.mean(dxhat, axis=axes, keepdims=True) - xhat * along) / std
    return dx


def all_but_channels(x: Array) -> tuple[int, ...]:
    """Return the axes of x ``(N, C, ...)`` except that of the channels."""
    return (0, *range(2, x.ndim))


def of_channels(values: Array, x: Array) -> Array:
    """Return values ``(C,)`` in a shape that broadcasts against x ``(N, C, ...)``."""
    return array_namespace(values).reshape(values, values.shape + (1,) * (x.ndim - 2))  # type: ignore[no-any-return]


def check_eps(layer: Layer, eps: Any) -> float:
    """Return the ε under a root, after a check that it is above 0.

    Raises: ``ArgumentError``.
    """
    if not checks.is_number(eps) or not 0.0 < eps < inf:
        raise ArgumentError(type(layer).__name__, "eps must be above 0 and finite", repr(eps), "try 1e-5")
    return float(eps)
