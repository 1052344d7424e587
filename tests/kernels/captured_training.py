"""Networks and optimizers that train with and without a capture."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet import capturing
from xpnet.backend import to_numpy
from xpnet.layers import LSTM, RNN, Affine, Reshape, SoftmaxWithLoss
from xpnet.networks import MultiLayerNetExtend, ResNet, Sequential, SimpleConvNet, TransformerLM, TwoLayerNet
from xpnet.optimizers import SGD, Adam, AdamW, Momentum, clip_by_norm
from xpnet.random import Generator
from xpnet.schedules import Cosine
from xpnet.training.updates import loss_and_gradient

CONV = {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}
EVERYTHING = {"weight_decay_lambda": 0.1, "use_batchnorm": True, "use_dropout": True}
LM = {"hidden": 3, "dropout_ratio": 0.5, "tied": True}
UNDECAYED = {"*.b": {"weight_decay": 0.0}, "*.gamma": {"lr": 0.01}}
TRAININGS = {
    "TwoLayerNet": (lambda rng: TwoLayerNet(36, 5, 3, weight_init_std=0.5, rng=rng), lambda: SGD(Cosine(0.1, 10))),
    "MultiLayerNetExtend": (lambda rng: MultiLayerNetExtend(36, [5, 4], 3, **EVERYTHING, rng=rng), lambda: Adam(0.1)),
    "SimpleConvNet": (lambda rng: SimpleConvNet((1, 6, 6), CONV, 4, 3, weight_init_std=0.5, rng=rng), Adam),
    "ResNet": (lambda rng: ResNet((1, 6, 6), channels=(2, 3), output_size=3, rng=rng), Momentum),
    "LSTM": (
        lambda rng: Sequential(
            Reshape(12, 3),
            LSTM.create(3, 4, stateful=True, rng=rng),
            RNN.create(4, 4, stateful=True, return_sequences=False, recurrent_dropout=0.5, rng=rng),
            Affine.create(4, 3, rng=rng),
            loss=SoftmaxWithLoss(),
        ),
        lambda: Momentum(0.5),
    ),
    "TransformerLM": (
        lambda rng: TransformerLM(5, 4, 4, 2, 2, **LM, rng=rng),
        lambda: AdamW(Cosine(0.1, 10), groups=UNDECAYED),
    ),
}
NUMBERS = {  # that are new in every step: those of the optimizer for each set of options, and one for each dropout
    "TwoLayerNet": 1,
    "MultiLayerNetExtend": 2 + 2,
    "SimpleConvNet": 2,
    "ResNet": 1,
    "LSTM": 1 + 1,
    "TransformerLM": 3 * 3 + 4,
}
DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal((6, 5, 1, 6, 6)).astype("float32"), DRAW.integers(0, 3, (6, 5))
SYMBOLS = DRAW.integers(0, 5, (6, 5, 4)), DRAW.integers(0, 5, (6, 5, 4))


class Training:
    """A network on CuPy, its optimizer, and a step of training."""

    def __init__(self, cupy, name="TwoLayerNet", optimizer=None):
        make, usual = TRAININGS[name]
        self.net, self.optimizer = make(Generator(0)), (optimizer or usual)()
        self.cupy, self.data = cupy, SYMBOLS if name == "TransformerLM" else IMAGES

    def step(self, x, t):
        loss, gradients = loss_and_gradient(self.optimizer, self.net, x, t)
        self.optimizer.update(self.net.params, clip_by_norm(gradients, 1.0))
        return loss

    def run(self, step, count=6, rows=5, between=lambda done: None):
        losses = []
        for done, (x, t) in enumerate(zip(*self.data, strict=True)):
            if done < count:
                losses.append(step(self.cupy.array(x[:rows]), self.cupy.array(t[:rows])))
                between(done)
        return [float(loss) for loss in losses]

    def lasting(self):
        both = {**self.net.params, **self.net.states, **self.optimizer.state}
        return {key: to_numpy(value).copy() for key, value in both.items()}


def same(captured, eager):
    assert captured.keys() == eager.keys()
    for key, value in eager.items():
        np.testing.assert_array_equal(captured[key], value, err_msg=key)


def both(cupy, name="TwoLayerNet", optimizer=None, **run):
    """A training without and one with a capture, after the same steps, and the captured step."""
    eager, training = Training(cupy, name, optimizer), Training(cupy, name, optimizer)
    step = xn.capture(training.step)
    expected = eager.run(eager.step, **{key: value(eager) if key == "between" else value for key, value in run.items()})
    found = training.run(step, **{key: value(training) if key == "between" else value for key, value in run.items()})
    assert found == expected
    same(training.lasting(), eager.lasting())
    return training, step


def refused(cupy, training, step, error, text):
    """The second call, which records, fails; everything is as after the first, and trains on."""
    x, t = (cupy.array(part[0]) for part in training.data)
    captured = xn.capture(step)
    captured(x, t)
    before = training.lasting()
    for _ in range(2):
        with pytest.raises(error, match=text):
            captured(x, t)
        assert capturing.current is None
        cupy.cuda.Device().synchronize()  # which no stream under capture allows
        same(training.lasting(), before)
    training.step(x, t)
