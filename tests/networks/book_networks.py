"""The book's networks, small, and images for them."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.networks import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, ResNet, SimpleConvNet, TwoLayerNet
from xpnet.random import Generator

FILTERS = {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}
EVERYTHING = {"weight_decay_lambda": 0.1, "use_batchnorm": True, "use_dropout": True}


def deep(**keywords) -> DeepConvNet:
    convs = {f"conv_param_{i}": FILTERS | {"pad": 2 if i == 4 else 1} for i in range(1, 7)}
    return DeepConvNet((1, 4, 4), **convs, hidden_size=4, output_size=3, rng=Generator(0), **keywords)


SMALL = {
    "TwoLayerNet": lambda: TwoLayerNet(16, 5, 3, weight_init_std=0.5, rng=Generator(0)),
    "MultiLayerNet": lambda: MultiLayerNet(16, [5, 4], 3, rng=Generator(0)),
    "decay": lambda: MultiLayerNet(16, [5, 4], 3, activation="sigmoid", weight_decay_lambda=0.1, rng=Generator(0)),
    "MultiLayerNetExtend": lambda: MultiLayerNetExtend(16, [5, 4], 3, rng=Generator(0), **EVERYTHING),
    "SimpleConvNet": lambda: SimpleConvNet((1, 4, 4), FILTERS, 5, 3, weight_init_std=0.5, rng=Generator(0)),
    "DeepConvNet": deep,
    "ResNet": lambda: ResNet((1, 4, 4), channels=(2, 3), output_size=3, rng=Generator(0)),
}
on_every_network = pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)


def batch():
    return normal("x", 4, 1, 4, 4), np.asarray([0, 2, 1, 1])
