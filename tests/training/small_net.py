"""A network of three classes, and its values on the host."""

from __future__ import annotations

import numpy as np

from xpnet.backend import to_numpy
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator


def small_net(seed: int = 0) -> TwoLayerNet:
    return TwoLayerNet(4, 6, 3, weight_init_std=0.5, rng=Generator(seed))


def values(net) -> dict[str, np.ndarray]:
    return {name: to_numpy(array).copy() for name, array in net.params.items()}
