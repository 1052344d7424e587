"""The book's networks learn the digits."""

from __future__ import annotations

import numpy as np
import pytest
from book_networks import FILTERS, SMALL

from xpnet.datasets import load_digits
from xpnet.layers import Affine
from xpnet.networks import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, ResNet, SimpleConvNet
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Trainer


@pytest.mark.parametrize(
    ("make", "optimizer", "least"),
    [
        (lambda: MultiLayerNet(64, [60, 60], 10, weight_decay_lambda=1e-4, rng=Generator(0)), Adam(lr=0.01), 0.95),
        (lambda: MultiLayerNetExtend(64, [60, 60], 10, rng=Generator(0), use_batchnorm=True), Adam(lr=0.01), 0.95),
        (
            lambda: MultiLayerNetExtend(64, [80], 10, use_dropout=True, dropout_ration=0.2, rng=Generator(0)),
            Adam(lr=0.01),
            0.95,
        ),
        (
            lambda: SimpleConvNet((1, 8, 8), FILTERS | {"filter_num": 8}, 40, weight_init_std="he", rng=Generator(0)),
            Adam(lr=0.01),
            0.95,
        ),
        (lambda: ResNet((1, 8, 8), (8, 16), rng=Generator(0)), Adam(lr=0.01), 0.95),
    ],
    ids=["decay", "batch norm", "dropout", "SimpleConvNet", "ResNet"],
)
def test_the_digits_are_learnt(make, optimizer, least):
    train, test = load_digits(flatten=False)
    trainer = Trainer(make(), optimizer, train, test, batch_size=50, rng=Generator(0))
    *_, last = trainer.run(5)
    assert last.test_accuracy >= least


def test_deep_conv_net_learns_without_a_pause():
    convs = {f"conv_param_{i}": FILTERS | {"filter_num": 8} for i in range(1, 7)}
    net = DeepConvNet((1, 8, 8), **convs, rng=Generator(0))
    train, _ = load_digits(flatten=False)
    trainer = Trainer(net, Adam(lr=0.003), train, batch_size=50, rng=Generator(0))
    losses = [epoch.loss for epoch in trainer.run(3)]
    assert losses[0] > losses[1] > losses[2]


def test_convolutional_networks_infer_a_hundred_rows_at_a_time():
    net, rows = SMALL["SimpleConvNet"](), []
    forward = Affine.forward

    def counting(self, x):
        rows.append(x.shape[0])
        return forward(self, x)

    x = np.zeros((250, 1, 4, 4), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Affine, "forward", counting)
        net.predict(x)
        assert max(rows) == 100
        rows.clear()
        net.accuracy(x, np.zeros(250, dtype=np.int64), batch_size=125)
        assert max(rows) == 125
