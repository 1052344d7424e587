"""A step of training of every network, with its usual optimizer, reads no value on the host: a GPU would wait there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from small_networks import small

import xpnet as xn
from xpnet import networks
from xpnet.layers import Affine, SoftmaxWithLoss
from xpnet.networks import (
    CBOW,
    GAN,
    GPT2,
    VAE,
    VGG,
    AttentionSeq2seq,
    Autoencoder,
    DeepConvNet,
    Graph,
    MLPMixer,
    MultiLayerNet,
    MultiLayerNetExtend,
    Network,
    PeekySeq2seq,
    RecurrentLM,
    ResNet,
    ResNet18,
    ResNet34,
    ResNet50,
    Seq2seq,
    SimpleConvNet,
    SkipGram,
    Transformer,
    TransformerLM,
    TwoLayerNet,
    UNet,
    ViT,
)
from xpnet.optimizers import SGD, Adam, AdamW, Momentum, clip_by_norm
from xpnet.random import Generator


def conv(filters: int, pad: int = 1) -> dict[str, int]:
    return {"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1}


def deep(**options) -> DeepConvNet:
    convs = {f"conv_param_{i}": conv(2, 2 if i == 4 else 1) for i in range(1, 7)}
    return DeepConvNet((1, 6, 6), **convs, hidden_size=4, output_size=3, **options)


def tied(**options) -> TransformerLM:
    return TransformerLM(5, 4, 4, 2, 2, hidden=3, dropout_ratio=0.5, tied=True, **options)


def extended(**options) -> MultiLayerNetExtend:
    switched = {"use_dropout": True, "use_batchnorm": True, "weight_decay_lambda": 0.1}
    return MultiLayerNetExtend(4, [5, 5], 3, **switched, **options)


def graph(rng) -> Graph:
    calls = [
        {"layer": "first", "of": ["x"], "to": "h"},
        {"function": "add", "of": ["h", "x"], "to": "sum"},
        {"layer": "last", "of": ["sum"], "to": "y"},
    ]
    layers = {"first": Affine.create(4, 4, rng=rng), "last": Affine.create(4, 3, rng=rng)}
    return Graph(layers, calls, loss=SoftmaxWithLoss())


ROWS, IMAGES, SYMBOLS = ("rows", 6, 4), ("images", 6, 1, 6, 6), ("symbols", 6, 4)
PIXELS, ITSELF = ("pixels", 2, 1, 4, 4), ("itself", 6, 4)
ANSWERS, CANDIDATES = ("answers", 3, 2), ("candidates", 3, 2)
STEPS = {
    "Sequential": (lambda rng: small(), SGD, ROWS),
    "TwoLayerNet": (lambda rng: TwoLayerNet(4, 5, 3, rng=rng), SGD, ROWS),
    "MultiLayerNet": (lambda rng: MultiLayerNet(4, [5, 5], 3, weight_decay_lambda=0.1, rng=rng), Momentum, ROWS),
    "MultiLayerNetExtend": (lambda rng: extended(rng=rng), Adam, ROWS),
    "SimpleConvNet": (lambda rng: SimpleConvNet((1, 6, 6), conv(2, 0), 4, 3, rng=rng), Adam, IMAGES),
    "DeepConvNet": (lambda rng: deep(rng=rng), Adam, IMAGES),
    "ResNet": (lambda rng: ResNet((1, 6, 6), channels=(2, 3), output_size=3, rng=rng), Momentum, IMAGES),
    "TransformerLM": (lambda rng: tied(rng=rng), AdamW, SYMBOLS),
    "VGG": (lambda rng: VGG(11, (1, 6, 6), 3, 1, 4, normalized=True, rng=rng), Momentum, IMAGES),
    "ResNet18": (lambda rng: ResNet18(3, 1, 1, rng=rng), Momentum, IMAGES),
    "ResNet34": (lambda rng: ResNet34(3, 1, 1, rng=rng), Momentum, IMAGES),
    "ResNet50": (lambda rng: ResNet50(3, 1, 1, rng=rng), Momentum, IMAGES),
    "UNet": (lambda rng: UNet(1, 3, 2, 1, rng=rng), Adam, PIXELS),
    "ViT": (lambda rng: ViT((1, 6, 6), 3, 4, 2, 1, 3, 5, 0.5, rng=rng), AdamW, IMAGES),
    "MLPMixer": (lambda rng: MLPMixer((1, 6, 6), 3, 4, 1, 3, 3, 5, rng=rng), AdamW, IMAGES),
    "VAE": (lambda rng: VAE(4, (3,), 2, rng=rng), Adam, ITSELF),
    "Autoencoder": (lambda rng: Autoencoder(4, (3,), 2, rng=rng), Adam, ITSELF),
    "RecurrentLM": (lambda rng: RecurrentLM(5, 4, 1, dropout_ratio=0.5, rng=rng), Adam, SYMBOLS),
    "Seq2seq": (lambda rng: Seq2seq(5, 3, 4, rng=rng), Adam, ANSWERS),
    "PeekySeq2seq": (lambda rng: PeekySeq2seq(5, 3, 4, rng=rng), Adam, ANSWERS),
    "AttentionSeq2seq": (lambda rng: AttentionSeq2seq(5, 3, 4, rng=rng), Adam, ANSWERS),
    "GPT2": (lambda rng: GPT2(layers=1, heads=2, width=4, vocabulary=5, context=4, rng=rng), AdamW, SYMBOLS),
    "Graph": (graph, SGD, ROWS),
    "Transformer": (lambda rng: Transformer(5, 2, 2, 4, 2, 1, rng=rng), Adam, ANSWERS),
    "CBOW": (lambda rng: CBOW(5, 3, rng=rng), Adam, CANDIDATES),
    "SkipGram": (lambda rng: SkipGram(5, 3, rng=rng), Adam, CANDIDATES),
}


READS = ("__bool__", "__float__", "__int__", "__complex__", "__index__", "__array__", "__dlpack__")


@pytest.fixture
def backend():
    """The second device of array-api-strict, without what depends on values in its shape."""
    strict = pytest.importorskip("array_api_strict")
    flags = strict.ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False)
    with flags, xn.use_backend("array-api-strict", device="device1") as chosen:
        yield chosen


@pytest.fixture
def reads(backend, monkeypatch):
    """The places that have read values of an array, one for each time."""
    array, places = type(backend.asarray(np.zeros(1))), []

    def counting(read, self, *args, **named):
        caller = sys._getframe(2)
        places.append(f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}")
        return read(self, *args, **named)

    for name in READS:
        read = getattr(array, name)
        monkeypatch.setattr(array, name, lambda *args, read=read, **named: counting(read, *args, **named))
    return places


def batch(backend, kind):
    name, *shape = kind
    draw = np.random.default_rng(0)
    if name == "symbols":
        return backend.asarray(draw.integers(0, 5, shape)), backend.asarray(draw.integers(0, 5, shape))
    if name in ("answers", "candidates"):
        x = tuple(backend.asarray(draw.integers(0, 5, shape)) for _ in range(2))
        t = draw.integers(0, 5, shape) if name == "answers" else 1.0 * draw.integers(0, 2, shape)
        return x, backend.asarray(t)
    x = draw.standard_normal(shape)
    if name == "itself":
        return backend.asarray(x), backend.asarray(x)
    classes = (shape[0], *shape[2:]) if name == "pixels" else shape[0]
    return backend.asarray(x), backend.asarray(draw.integers(0, 3, classes))


def test_every_network_is_among_them():
    assert STEPS.keys() == set(networks.__all__) - {Network.__name__, GAN.__name__}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_reads_no_value(name, backend, reads):
    make, kind, data = STEPS[name]
    net, optimizer, (x, t) = make(Generator(0)), kind(), batch(backend, data)
    del reads[:]
    for _ in range(2):
        loss, gradients = net.loss_and_gradient(x, t)
        optimizer.update(net.params, clip_by_norm(gradients, 1.0))
    assert reads == []
    assert np.isfinite(float(loss))
    assert len(reads) == 1
