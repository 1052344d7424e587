"""A network that is split over ranks: of a pair of affine maps each has columns of the first and rows of the second.

Every rank sees the whole batch. Between the two maps nothing is sent: the ReLU works on the columns that a rank has.
After the second the ranks add what each has come to, and on the way back they add the derivatives by x. At the end the
parts are put together, and compared with a network that one rank has trained alone.

    mpiexec -n 2 python -m mpi4py examples/tensor_parallel.py

Source: Shoeybi et al., 2019, "Megatron-LM: training multi-billion parameter language models using model parallelism".
"""

import argparse

import xpnet as xn
from xpnet.datasets import load_digits
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator

HIDDEN, STEPS, ROWS = 64, 60, 100


def added(communicator, array):
    """The sum of an array over the ranks."""
    flat = array.reshape(-1).copy()
    communicator.allreduce(flat).wait()
    return flat.reshape(array.shape)


class ColumnAffine(Affine):
    """The columns of an affine map that this rank has, ``yᵣ = x Wᵣ + bᵣ``.

    Backward: ``dx = Σᵣ doutᵣ Wᵣᵀ``, ``dWᵣ = xᵀ doutᵣ``, ``dbᵣ = Σₙ doutᵣ``.
    """

    communicator = None

    def backward(self, dout):
        return added(self.communicator, super().backward(dout))


class RowAffine(Affine):
    """The rows of an affine map that this rank has, ``y = Σᵣ xᵣ Wᵣ + b``.

    Backward: ``dxᵣ = dout Wᵣᵀ``, ``dWᵣ = xᵣᵀ dout``, ``db = Σₙ dout``.
    """

    communicator = None

    def forward(self, x):
        self.x = x
        return added(self.communicator, x @ self.W) + self.b


def whole():
    """The network as one rank has it."""
    rng = Generator(0)
    return Sequential(
        Affine.create(64, HIDDEN, rng=rng), Relu(), Affine.create(HIDDEN, 10, rng=rng), loss=SoftmaxWithLoss()
    )


def split(network, group):
    """The part of a network that this rank has."""
    W1, b1, W2, b2 = network.params.values()
    own = group.rows(HIDDEN)
    first, second = ColumnAffine(W1[:, own].copy(), b1[own].copy()), RowAffine(W2[own].copy(), b2.copy())
    first.communicator = second.communicator = group.communicator
    return Sequential(first, Relu(), second, loss=SoftmaxWithLoss())


def train(network):
    """Train a network, whole or a part, and return the losses."""
    (x, t), _ = load_digits()
    optimizer, losses = Adam(0.01), []
    for step in range(STEPS):
        rows = slice(step * ROWS % 1400, step * ROWS % 1400 + ROWS)
        loss, grads = network.loss_and_gradient(x[rows], t[rows])
        optimizer.update(network.params, grads)
        losses.append(float(loss))
    return losses


def apart(network, part, group):
    """How far the parts of all ranks are from the whole."""
    own = group.rows(HIDDEN)
    W1, b1, W2, b2 = network.params.values()
    pairs = zip((W1[:, own], b1[own], W2[own], b2), part.params.values(), strict=True)
    return max(group.communicator.gather_objects(max(float(abs(a - b).max()) for a, b in pairs)))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    xn.set_backend("numpy", dtype="float64")
    with xn.distributed() as group:
        one = whole()
        part = split(one, group)
        losses, expected = train(part), train(one)
        distance = apart(one, part, group)
        if group.rank == 0:
            held, of = (sum(W.size for W in network.params.values()) for network in (part, one))
            print(f"{group.size} ranks, each with {held:,} of {of:,} parameters")
            print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, whole {expected[0]:.3f} -> {expected[-1]:.3f}")
            print(f"parameters are {distance:.1g} apart at most")
