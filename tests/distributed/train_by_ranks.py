"""Train some steps by the ranks of ``mpiexec`` and by one process; rank 0 prints how far they are apart, as JSON."""

import json
import sys

import numpy as np

import xpnet as xn
from xpnet.datasets import load_digits
from xpnet.distributed import synchronized
from xpnet.layers import Affine, BatchNormalization, Dropout, Gelu, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, AdamW, clip_by_norm, vectors
from xpnet.random import Generator

STEPS = int(sys.argv[1])
SIZES = (103, 40, 7)  # rows of batches, which no number of ranks divides


def network(norm):
    g = Generator(3)
    layers = [Affine.create(64, 30, rng=g), *([BatchNormalization.create(30)] if norm else []), Relu(), Dropout(0.3, g)]
    layers += [Affine.create(30, 20, rng=g), Gelu(), Dropout(0.5, g), Affine.create(20, 10, rng=g)]
    return Sequential(*layers, loss=SoftmaxWithLoss())


def adam():
    return AdamW(0.01, weight_decay=0.1, groups={vectors: {"weight_decay": 0.0}})


KINDS = {"synchronized": (True, lambda: SGD(0.3), 0), "sharded": (False, adam, 2)}


def trained(kind, group=None):
    norm, make, stage = KINDS[kind]
    net, optimizer = network(norm), make()
    x, t = (array[:103] for array in load_digits()[0])
    if group is not None:
        net = synchronized(net) if norm else net
        optimizer = group.sharded(optimizer, net, stage) if stage else optimizer
    for step in range(STEPS):
        rows = slice(0, SIZES[step % len(SIZES)])
        if group is None:
            grads = net.gradient(x[rows], t[rows])
        else:
            rows = group.rows(rows.stop)
            grads = group.gradient(net, x[rows], t[rows])
        optimizer.update(net.params, clip_by_norm(grads, 0.7))
    return net.params


xn.set_backend("numpy", dtype="float64")
with xn.distributed(bucket_bytes=4096) as group:
    found = {kind: trained(kind, group) for kind in KINDS}
    bits = {kind: b"".join(W.tobytes() for W in params.values()) for kind, params in found.items()}
    told = group.communicator.gather_objects(bits)
if group.rank == 0:
    apart = {f"{kind}, alike": len({each[kind] for each in told}) == 1 for kind in KINDS}
    for kind, params in found.items():
        apart[kind] = max(float(np.max(np.abs(params[name] - W))) for name, W in trained(kind).items())
    sys.stdout.write(json.dumps(apart))
