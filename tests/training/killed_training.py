"""A training that is killed: one that writes a run folder, slowly enough to be hit at any moment."""

from __future__ import annotations

import sys
import time

import numpy as np
from named_numbers import normal

from xpnet.layers import Affine, BatchNormalization, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.schedules import Plateau
from xpnet.training import Trainer

EPOCHS = 30


def trainer_of() -> Trainer:
    rng = Generator(0)
    net = Sequential(
        Affine.create(4, 20, rng=rng),
        BatchNormalization.create(20),
        Relu(),
        Dropout(0.3, rng=rng),
        Affine.create(20, 3, rng=rng),
        loss=SoftmaxWithLoss(),
    )
    x = normal("x", 60, 4).astype(np.float32)
    optimizer = Adam(Plateau(0.01, factor=0.5, patience=1))
    data = x, np.argmax(x[:, :3], axis=1)
    return Trainer(net, optimizer, data, 0.3, batch_size=20, rng=rng, average=0.9, metrics=["f1"])


if __name__ == "__main__":
    trainer = trainer_of()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    trainer.fit(EPOCHS, on_batch=lambda done: time.sleep(0.002), folder=sys.argv[1], resume=True)
