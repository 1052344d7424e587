"""Batch normalization with the statistics of all ranks."""

from __future__ import annotations

from typing import Any, TypeVar

from xpnet.backend import array_namespace, device_of, size_of
from xpnet.distributed.current import current
from xpnet.distributed.sending import sum_of
from xpnet.layers import BatchNormalization, Layer
from xpnet.layers.container import Container
from xpnet.layers.normalization import all_but_channels, of_channels
from xpnet.typing import Array

L = TypeVar("L", bound=Layer)


class SynchronizedBatchNormalization(BatchNormalization):
    """Batch normalization over the rows of all ranks, ``y = γ x̂ + β`` with ``x̂ = (x - μ) / √(σ² + ε)``.

    In a step of a group, μ and σ² are the mean and variance of each channel over the batch of all ranks, and backward
    also averages over all ranks; outside of a step, and for a single process, the layer equals ``BatchNormalization``.

    Shapes: as ``BatchNormalization``.
    Backward: as ``BatchNormalization``; ``dγ`` and ``dβ`` sum over the rows of this rank, as in other layers.
    Raises: as ``BatchNormalization``.

    >>> norm = SynchronizedBatchNormalization(np.ones(1), np.zeros(1))
    >>> norm.forward(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    """

    def forward(self, x: Array) -> Array:
        self.ranks = current() if self.training else None
        if self.ranks is None or self.ranks.size == 1:
            self.ranks = None
            return super().forward(x)
        xp, axes = array_namespace(x), all_but_channels(x)
        self.by_batch = True
        rows = xp.full((1,), size_of(x) / x.shape[1], dtype=x.dtype, device=device_of(x))
        sums = sum_of(self.ranks, xp.concat([xp.sum(x, axis=axes), rows]))
        mean, self.count = sums[:-1] / sums[-1], sums[-1]
        centred = x - of_channels(mean, x)
        var = sum_of(self.ranks, xp.sum(centred * centred, axis=axes)) / self.count
        self.follow(mean, var)
        self.std = of_channels(xp.sqrt(var + self.eps), x)
        self.xhat = centred / self.std
        y: Array = of_channels(self.gamma, x) * self.xhat + of_channels(self.beta, x)
        return y

    def backward(self, dout: Array) -> Array:
        if self.ranks is None:
            return super().backward(dout)
        xp, axes = array_namespace(dout, self.xhat), all_but_channels(dout)
        self.dgamma = xp.sum(dout * self.xhat, axis=axes)
        self.dbeta = xp.sum(dout, axis=axes)
        own = xp.concat([self.dbeta * self.gamma, self.dgamma * self.gamma])
        means = sum_of(self.ranks, own) / self.count
        channels = self.gamma.shape[0]
        mean, along = of_channels(means[:channels], dout), of_channels(means[channels:], dout)
        dx: Array = (dout * of_channels(self.gamma, dout) - mean - self.xhat * along) / self.std
        return dx


def synchronized(network: L) -> L:
    """Return a copy of a network, with the same arrays, whose batch normalizations are synchronized.

    >>> net = Sequential(Affine.create(2, 3), BatchNormalization.create(3), loss=SoftmaxWithLoss())
    >>> synchronized(net).layers["BatchNormalization1"]
    SynchronizedBatchNormalization(gamma (3,), beta (3,))
    """
    if isinstance(network, Container):
        return network.over_copies(synchronized)
    layer: Any = network
    if type(layer) is not BatchNormalization:
        return network.copy()
    arrays = layer.gamma, layer.beta, layer.momentum, layer.running_mean, layer.running_var
    made: Any = SynchronizedBatchNormalization(*arrays, eps=layer.eps)
    made.frozen, made.training = layer.frozen, layer.training
    return made  # type: ignore[no-any-return]
