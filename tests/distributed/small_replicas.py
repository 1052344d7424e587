"""Small networks that ranks train on their rows of a batch, and one process by itself."""

import numpy as np

from xpnet.backend import to_numpy
from xpnet.distributed import synchronized
from xpnet.layers import Affine, BatchNormalization, Dropout, Gelu, Relu, Residual, SoftmaxWithLoss
from xpnet.networks import MultiLayerNet, Network, Sequential
from xpnet.optimizers import clip_by_norm
from xpnet.random import Generator

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(23, 6)), RNG.integers(0, 4, 23)
SIZES = (23, 9, 5, 23)  # batches that do not divide


def small(loss=None, norm=False, noise=0.3):
    g = Generator(2)
    layers = [Affine.create(6, 8, rng=g), Relu(), *([BatchNormalization.create(8)] if norm else [])]
    layers += [Residual(Affine.create(8, 8, rng=g), Gelu(), Dropout(noise, g)), Affine.create(8, 4, rng=g)]
    return Sequential(*layers, loss=loss or SoftmaxWithLoss())


class Tied(Network):
    """A network with a forward of its own, whose gradients come all at once from the tape."""

    def __init__(self):
        g = Generator(2)
        super().__init__({"a": Affine.create(6, 4, rng=g), "b": Affine.create(4, 4, rng=g)}, loss=SoftmaxWithLoss())

    def forward(self, x):
        a, b = self.layers.values()
        return b(b(a(x)))


NETWORKS = {
    "mean": small,
    "sum": lambda: small(SoftmaxWithLoss(reduction="sum")),
    "ignored": lambda: small(SoftmaxWithLoss(ignore_index=1)),
    "synchronized": lambda: synchronized(small(norm=True)),
    "penalized": lambda: MultiLayerNet(6, [8, 8], 4, weight_decay_lambda=0.2, rng=Generator(2)),
    "own forward": Tied,
}


def trained(network, optimizer, arrays, group=None, weights=False, steps=8):
    """The losses of some steps by one process, or by the ranks of a group on their rows."""
    x, t, w = arrays
    losses = []
    for step in range(steps):
        rows = slice(0, SIZES[step % len(SIZES)])
        if group is not None:
            rows = group.rows(rows.stop)
        given = (x[rows, ...], t[rows], *([w[rows]] if weights else []))
        run = network.loss_and_gradient if group is None else lambda *a: group.loss_and_gradient(network, *a)
        loss, grads = run(*given)
        optimizer.update(network.params, clip_by_norm(grads, 0.8))
        losses.append(float(to_numpy(loss)))
    return losses


def arrays_on(backend):
    return backend.asarray(X), backend.asarray(T), backend.asarray(np.linspace(0.0, 1.0, 23))


def check_alike(found, expected, losses, tolerance):
    for network, own in found:
        np.testing.assert_allclose(own, losses, rtol=tolerance, atol=tolerance)
        for name, W in expected.params.items():
            np.testing.assert_allclose(to_numpy(network.params[name]), to_numpy(W), rtol=tolerance, atol=tolerance)
            assert to_numpy(network.params[name]).tobytes() == to_numpy(found[0][0].params[name]).tobytes()
