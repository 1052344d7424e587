"""Every network of the library agrees in onnxruntime, for other batches and lengths than those of its example."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import close

import xpnet as xn
from xpnet import networks
from xpnet.errors import ArgumentError, DtypeError, StateError
from xpnet.layers import LSTM, Affine, Dropout, Embedding, LeakyRelu, Linear, Relu, SoftmaxWithLoss, Tanh
from xpnet.networks import GAN, VAE, Graph, Network, Sequential, TransformerLM, TwoLayerNet
from xpnet.random import Generator

V = 6


def rows(*shape):
    return Generator(1).normal(shape, "rows").astype(np.float32)


def symbols(*shape):
    return Generator(1).integers(V, shape, "symbols")


def conv(filters, pad=1):
    return {"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1}


def deep(rng):
    convs = {f"conv_param_{i}": conv(2, 2 if i == 4 else 1) for i in range(1, 7)}
    return networks.DeepConvNet((1, 6, 6), **convs, hidden_size=4, output_size=3, rng=rng)


def graph(rng):
    layers = {"first": Affine.create(4, 4, rng=rng), "last": Affine.create(4, 3, rng=rng)}
    calls = [{"layer": "first", "of": ["x"], "to": "h"}, {"function": "add", "of": ["h", "x"], "to": "s"},
             {"function": "reshape", "of": ["s"], "to": "r", "options": {"shape": [{"sizes": [[1, ["N"]]]}, 4]}},
             {"layer": "last", "of": ["r"], "to": "y"}]  # fmt: skip
    return Graph(layers, calls, sizes={"N": ("x", 0)})


def gan(rng):
    generator = Sequential(Affine.create(3, 4, rng=rng), Relu(), Affine.create(4, 5, rng=rng), Tanh())
    discriminator = Sequential(Affine.create(5, 4, rng=rng), LeakyRelu(), Affine.create(4, 1, rng=rng))
    return GAN(generator, discriminator, 3, rng)


N = networks
IMAGES = rows(1, 1, 6, 6)
STEPS = {
    "Sequential": (lambda rng: Sequential(Affine.create(4, 3, rng=rng)), rows(1, 4)),
    "TwoLayerNet": (lambda rng: TwoLayerNet(4, 5, 3, rng=rng), rows(1, 4)),
    "MultiLayerNet": (lambda rng: N.MultiLayerNet(4, [5, 5], 3, rng=rng), rows(1, 4)),
    "MultiLayerNetExtend": (
        lambda rng: N.MultiLayerNetExtend(4, [5], 3, use_dropout=True, use_batchnorm=True, rng=rng),
        rows(1, 4),
    ),
    "SimpleConvNet": (lambda rng: N.SimpleConvNet((1, 6, 6), conv(2, 0), 4, 3, rng=rng), IMAGES),
    "DeepConvNet": (deep, IMAGES),
    "VGG": (lambda rng: N.VGG(11, (1, 6, 6), 3, 1, 4, normalized=True, rng=rng), IMAGES),
    "ResNet": (lambda rng: N.ResNet((1, 6, 6), channels=(2, 3), output_size=3, rng=rng), IMAGES),
    "ResNet18": (lambda rng: N.ResNet18(3, 1, 1, rng=rng), IMAGES),
    "ResNet34": (lambda rng: N.ResNet34(3, 1, 1, rng=rng), IMAGES),
    "ResNet50": (lambda rng: N.ResNet50(3, 1, 1, rng=rng), IMAGES),
    "UNet": (lambda rng: N.UNet(1, 3, 2, 1, rng=rng), IMAGES),
    "ViT": (lambda rng: N.ViT((1, 6, 6), 3, 4, 2, 1, 3, 5, 0.5, rng=rng), IMAGES),
    "MLPMixer": (lambda rng: N.MLPMixer((1, 6, 6), 3, 4, 1, 3, 3, 5, rng=rng), IMAGES),
    "Autoencoder": (lambda rng: N.Autoencoder(4, (3,), 2, rng=rng), rows(1, 4)),
    "VAE": (lambda rng: VAE(4, (3,), 2, rng=rng), rows(1, 4)),
    "GAN, the generator": (lambda rng: gan(rng).generator, rows(1, 3)),
    "GAN, the discriminator": (lambda rng: gan(rng).discriminator, rows(1, 5)),
    "GAN, both": (lambda rng: gan(rng).forger, rows(1, 3)),
    "Graph": (graph, rows(1, 4)),
    "GPT2": (lambda rng: N.GPT2(layers=1, heads=2, width=4, vocabulary=V, context=6, rng=rng), symbols(1, 4)),
    "TransformerLM": (lambda rng: TransformerLM(V, 6, 4, 2, 1, tied=True, positions="rotary", rng=rng), symbols(1, 4)),
    "Transformer": (lambda rng: N.Transformer(V, 6, 6, 4, 2, 1, pad=0, rng=rng), (symbols(1, 4), symbols(1, 3))),
    "RecurrentLM": (lambda rng: N.RecurrentLM(V, 4, 1, rng=rng), symbols(1, 4)),
    "Seq2seq": (lambda rng: N.Seq2seq(V, 3, 4, rng=rng), (symbols(1, 4), symbols(1, 3))),
    "PeekySeq2seq": (lambda rng: N.PeekySeq2seq(V, 3, 4, rng=rng), (symbols(1, 4), symbols(1, 3))),
    "AttentionSeq2seq": (lambda rng: N.AttentionSeq2seq(V, 3, 4, rng=rng), (symbols(1, 4), symbols(1, 3))),
    "CBOW": (lambda rng: N.CBOW(V, 3, rng=rng), (symbols(1, 4), symbols(1, 3))),
    "SkipGram": (lambda rng: N.SkipGram(V, 3, rng=rng), (symbols(1, 1), symbols(1, 3))),
}


def test_every_network_is_among_them():
    assert {name.partition(",")[0] for name in STEPS} == set(networks.__all__) - {Network.__name__}


@pytest.mark.parametrize("name", STEPS)
def test_a_network_is_written(name, outputs):
    make, example = STEPS[name]
    net, several = make(Generator(0)), isinstance(example, tuple)
    model = xn.to_onnx(net, example)
    given = [np.concatenate([x, x[:, ::-1], x]) for x in (example if several else (example,))]
    close(outputs(model, *given), net.predict(tuple(given) if several else given[0]))
    assert set(net.params) <= {tensor.name for tensor in model.graph.initializer}


@pytest.mark.parametrize("name", ["GPT2", "TransformerLM", "Transformer", "RecurrentLM", "AttentionSeq2seq"])
def test_the_length_of_sequences_may_be_open_too(name, outputs):
    make, example = STEPS[name]
    net, several = make(Generator(0)), isinstance(example, tuple)
    model = xn.to_onnx(net, example, dynamic=(0, 1))
    given = [symbols(2, 6), symbols(2, 2)] if several else [symbols(2, 6)]
    close(outputs(model, *given), net.predict(tuple(given) if several else given[0]))


def test_sizes_have_the_names_that_are_given():
    net = Sequential(Linear.create(3, 2))
    model = xn.to_onnx(net, (2, 4, 3), dynamic={"x": {0: "rows", 1: "steps"}})
    shapes = [[axis.dim_param or axis.dim_value for axis in v.type.tensor_type.shape.dim]
              for v in (*model.graph.input, *model.graph.output)]  # fmt: skip
    assert shapes == [["rows", "steps", 3], ["rows", "steps", 2]]
    fixed = xn.to_onnx(net, (2, 4, 3), dynamic=())
    assert [axis.dim_value for axis in fixed.graph.output[0].type.tensor_type.shape.dim] == [2, 4, 2]


def test_statistics_frozen_layers_and_the_state_stay_as_they_are(outputs):
    net = networks.MultiLayerNetExtend(4, [5], 3, use_batchnorm=True, use_dropout=True, rng=Generator(0))
    x = rows(6, 4)
    net.gradient(x, np.asarray([0, 1, 2, 0, 1, 2]))
    net.layers["Affine1"].freeze()
    states = dict(net.states)
    model = xn.to_onnx(net, x)
    close(outputs(model, x), net.predict(x))
    assert all(net.states[name] is value for name, value in states.items())
    (node,) = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    assert list(node.input)[1:] == ["gamma1", "beta1", "running_mean1", "running_var1"]


def test_probabilities_are_a_second_output(outputs):
    net, x = TwoLayerNet(4, 5, 3, rng=Generator(0)), rows(2, 4)
    close(outputs(xn.to_onnx(net, x, probabilities=True), x), (net.predict(x), net.predict_proba(x)))
    with pytest.raises(ArgumentError, match="got no loss; leave probabilities out"):
        xn.to_onnx(graph(Generator(0)), x, probabilities=True)


def test_a_layer_that_returns_its_states_has_several_outputs(outputs):
    layer, x = LSTM.create(2, 3, return_state=True, rng=Generator(0)), rows(2, 4, 2)
    model = xn.to_onnx(layer, (x, None, rows(2, 3), rows(2, 3)))
    assert [value.name for value in model.graph.output] == ["y1", "y2", "y3"]
    close(outputs(model, x, rows(2, 3), rows(2, 3)), layer.predict(x, None, rows(2, 3), rows(2, 3)))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_dtype_is_that_of_the_network(dtype, outputs):
    net = TwoLayerNet(4, 5, 3, rng=Generator(0)).astype(dtype)
    x = rows(2, 4).astype(dtype)
    (y,) = outputs(xn.to_onnx(net, x), x)
    assert y.dtype == dtype
    assert np.allclose(y, net.predict(x), atol={"float16": 2e-3, "float64": 1e-12}[dtype])


class Branching(Network):
    """A network whose steps depend on what it is given."""

    def __init__(self, how):
        super().__init__({"hidden": Affine.create(4, 4), "last": Affine.create(4, 2)}, loss=SoftmaxWithLoss())
        self.how = how

    def forward(self, x):
        hidden, last = self.layers.values()
        h = hidden(x)
        if self.how == "value" and h[0, 0] > 0.0:
            h = h + 1.0
        if self.how == "rows" and x.shape[0] > 2:
            h = h + 1.0
        if self.how == "function":
            h = xn.backend.array_namespace(h).cumulative_prod(h, axis=1)
        return last(h)


class OfZeros(Network):
    """A network in which an array full of a number comes into a product, and beside larger arrays."""

    def __init__(self):
        super().__init__({"map": Affine(np.ones((3, 2), np.float32), np.ones(2, np.float32))})

    def forward(self, x):
        layer = self.layers["map"]
        ones = xn.backend.array_namespace(x).ones_like(x)
        return ones @ layer.W + ones[:, :1] * layer(x)


def test_arrays_full_of_a_number_keep_their_shape_in_a_product(outputs):
    x = rows(3, 3)
    close(outputs(xn.to_onnx(OfZeros(), x[:1]), x), OfZeros().predict(x))


def test_low_precision_is_left_out_and_bfloat16_is_named(outputs):
    x, net = rows(2, 4), TwoLayerNet(4, 5, 3, rng=Generator(0))
    y = net.predict(x)
    close(outputs(xn.to_onnx(net.compute_in("float16"), x), x), y)
    torch = pytest.importorskip("torch")
    low = net.compute_in("float32").to("torch").astype("bfloat16")
    with pytest.raises(DtypeError, match=r"must be of float16, float32 or float64, got bfloat16 of W1"):
        xn.to_onnx(low, torch.ones((2, 4)))


def test_what_a_graph_cannot_say_is_named():
    with pytest.raises(StateError, match="must not depend on the values of arrays"):
        xn.to_onnx(Branching("value"), rows(2, 4))
    with pytest.raises(ArgumentError, match="the steps must be the same for every batch"):
        xn.to_onnx(Branching("rows"), rows(2, 4))
    with pytest.raises(xn.XpnetError, match="must have a counterpart in ONNX, got the function cumulative_prod"):
        xn.to_onnx(Branching("function"), rows(2, 4))


def test_wrong_arguments_are_named(tmp_path):
    net = TwoLayerNet(4, 5, 3)
    words = Sequential(Embedding.create(5, 2), Dropout())
    with pytest.raises(DtypeError, match="the first argument must be a network or layer, got list"):
        xn.to_onnx([1.0], rows(2, 4))
    with pytest.raises(DtypeError, match="the example of x must be an array, or a shape, got str"):
        xn.to_onnx(net, "x")
    with pytest.raises(ArgumentError, match="the example must be at most 2 inputs, x, mask, got 3"):
        xn.to_onnx(net, (rows(2, 4), None, rows(2, 4)))
    with pytest.raises(ArgumentError, match="opset must be a whole number from 18 to 25, got 12"):
        xn.to_onnx(net, rows(2, 4), opset=12)
    with pytest.raises(ArgumentError, match="dynamic must be axes from 0"):
        xn.to_onnx(net, rows(2, 4), dynamic="batch")
    with pytest.raises(ArgumentError, match=r"dynamic must name axes of x \(2, 4\)"):
        xn.to_onnx(net, rows(2, 4), dynamic={"x": {2: "batch"}})
    with pytest.raises(xn.XpnetError, match=r"x must be \(N, 4\)"):
        xn.to_onnx(net, rows(2, 3))
    with pytest.raises(DtypeError, match="x must be integer indices"):
        xn.to_onnx(words, (2, 3))
    with pytest.raises(OSError, match="No such file or directory"):
        xn.to_onnx(net, rows(2, 4), tmp_path / "no" / "net.onnx")
