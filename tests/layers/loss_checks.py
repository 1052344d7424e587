"""Scores, targets and labels of four samples, and a loss with its gradient."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.layers import Huber, IdentityWithLoss, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss

X = np.random.default_rng(0).normal(size=(4, 3))
T = np.random.default_rng(1).dirichlet(np.ones(3), size=4)
LABELS = np.asarray([0, 2, 1, 2])
ALL = (SoftmaxWithLoss, SigmoidWithLoss, IdentityWithLoss, MeanSquaredError, Huber)
on_every_loss = pytest.mark.parametrize("kind", ALL)


def value_and_dx(layer, *inputs) -> tuple[np.ndarray, np.ndarray]:
    loss = to_numpy(layer(*inputs))
    return loss, to_numpy(layer.backward(1.0))
