"""A small training, whose losses must equal NumPy's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xpnet.backend import use_backend
from xpnet.conformance.rows import Finding, Row, attempt, distance
from xpnet.conformance.subject import Subject
from xpnet.datasets import load_digits
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

SECTION = "training"
EPOCHS = 3


def training_rows(subject: Subject) -> Iterator[Row]:
    """Train a TwoLayerNet on the digits, and yield a row for the loss of each epoch."""
    with use_backend("numpy", dtype=subject.dtype):
        expected = list(losses())
    steps = losses()
    for epoch, wanted in enumerate(expected, 1):
        loss = float("nan")

        def check(wanted: float = wanted) -> Finding:
            nonlocal loss
            loss = next(steps)
            return distance(np.asarray(loss), np.asarray(wanted), subject.tolerance)

        row = attempt(subject, SECTION, f"epoch {epoch}", f"loss {wanted:.6f}", check)
        yield row
        if row.status not in ("ok", "deviates"):
            return


def losses() -> Iterator[float]:
    """Yield the training loss of each epoch on the current backend."""
    network = TwoLayerNet(64, 20, 10, weight_init_std=0.1, rng=Generator(0))
    trainer = Trainer(network, SGD(0.5), load_digits()[0], batch_size=100, rng=Generator(0))
    for record in trainer.run(EPOCHS):
        yield record.loss
