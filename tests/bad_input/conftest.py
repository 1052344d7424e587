"""A layer and a network that are fine."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.layers import Affine
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator


@pytest.fixture
def affine(asarray) -> Affine:
    return Affine(asarray(np.ones((4, 3))), asarray(np.zeros(3)))


@pytest.fixture
def net(backend) -> TwoLayerNet:
    return TwoLayerNet(4, 5, 3, rng=Generator(0))
