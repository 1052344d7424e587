"""The book's networks and the small ResNet: names, gradients, training, state."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
from small_networks import normal

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.gradcheck.batched import side_by_side
from xpnet.layers import Affine, Relu, Residual, SoftmaxWithLoss
from xpnet.networks import (
    DeepConvNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    ResNet,
    Sequential,
    SimpleConvNet,
    TwoLayerNet,
)
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Trainer

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


# Names


def test_the_book_s_arguments_and_their_defaults():
    def of(kind):
        return {name: p.default for name, p in inspect.signature(kind).parameters.items()}

    empty = inspect.Parameter.empty
    sizes = {"input_size": empty, "hidden_size_list": empty, "output_size": empty}
    common = sizes | {"activation": "relu", "weight_init_std": "relu", "weight_decay_lambda": 0}
    extended = common | {"use_dropout": False, "dropout_ration": 0.5, "use_batchnorm": False}
    five = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
    simple = {"input_dim": (1, 28, 28), "conv_param": five, "hidden_size": 100, "output_size": 10}
    assert of(MultiLayerNet) == common | {"rng": None}
    assert of(MultiLayerNetExtend) == extended | {"rng": None}
    assert of(SimpleConvNet) == simple | {"weight_init_std": 0.01, "rng": None}
    assert list(of(MultiLayerNetExtend)) == [*extended, "rng"]
    assert list(of(SimpleConvNet)) == [*simple, "weight_init_std", "rng"]


def test_multi_layer_nets_have_the_book_s_names():
    net = MultiLayerNet(4, [3, 5], 2)
    assert list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert list(net.layers) == ["Affine1", "Activation_function1", "Affine2", "Activation_function2", "Affine3"]
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    net = MultiLayerNetExtend(4, [3, 5], 2, use_batchnorm=True, use_dropout=True)
    assert list(net.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2", "beta2", "W3", "b3"]
    assert list(net.layers)[:5] == ["Affine1", "BatchNorm1", "Activation_function1", "Dropout1", "Affine2"]
    assert {"running_mean1", "running_var2"} <= set(net.states)
    assert list(MultiLayerNetExtend(4, [3, 5], 2).layers) == list(MultiLayerNet(4, [3, 5], 2).layers)
    assert list(MultiLayerNet(4, [], 2).layers) == ["Affine1"]


def test_simple_conv_net_has_the_book_s_shapes():
    net = SimpleConvNet(rng=Generator(0))
    assert list(net.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    shapes = {name: tuple(array.shape) for name, array in net.params.items()}
    assert shapes == {
        "W1": (30, 1, 5, 5),
        "b1": (30,),
        "W2": (4320, 100),
        "b2": (100,),
        "W3": (100, 10),
        "b3": (10,),
    }
    for name in ("W1", "W2", "W3"):
        assert float(np.std(net.params[name])) == pytest.approx(0.01, rel=0.1)
    assert net.predict(np.zeros((2, 1, 28, 28), dtype=np.float32)).shape == (2, 10)


def test_deep_conv_net_has_the_book_s_shapes_and_he_s_spread():
    net = DeepConvNet(rng=Generator(0))
    weights = [array for name, array in net.params.items() if name.startswith("W")]
    assert [tuple(W.shape) for W in weights] == [
        *((16, 1, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3)),
        *((1024, 50), (50, 10)),
    ]
    inputs = [9, 144, 144, 288, 288, 576, 1024, 50]
    for W, D in zip(weights, inputs, strict=True):
        assert float(np.std(W)) == pytest.approx((2.0 / D) ** 0.5, rel=0.15)
    assert net.predict(np.zeros((2, 1, 28, 28), dtype=np.float32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("init", "sigma"),
    [("relu", 0.1), ("he", 0.1), ("HE", 0.1), ("sigmoid", 0.0707), ("xavier", 0.0707), (0.3, 0.3)],
)
def test_the_book_s_initial_spreads(init, sigma):
    net = MultiLayerNet(200, [200], 10, weight_init_std=init, rng=Generator(0))
    assert float(np.std(net.params["W1"])) == pytest.approx(sigma, rel=0.02)


def test_the_layers_of_one_network_have_weights_and_noise_of_their_own():
    rng = Generator(0)
    one, other = (MultiLayerNetExtend(8, [8, 8], 8, use_dropout=True, rng=rng) for _ in range(2))
    arrays = [net.params[name] for net in (one, other) for name in ("W1", "W2", "W3")]
    assert not any(np.any(a == b) for i, a in enumerate(arrays) for b in arrays[:i])
    x = np.ones((3, 8), dtype=np.float32)
    masks = [to_numpy(net.layers[name](x)) for net in (one, other) for name in ("Dropout1", "Dropout2")]
    assert not any(np.array_equal(a, b) for i, a in enumerate(masks) for b in masks[:i])


# Gradients


@on_every_network
def test_every_network_passes_the_gradient_check(make):
    net = make()
    states = dict(net.states)
    mode = "every" if len(net.params) < 12 else "directions"
    xn.gradient_check(net, *batch(), mode=mode, directions=4).raise_if_failed()
    assert all(net.states[name] is value for name, value in states.items())


@pytest.mark.parametrize("name", ["decay", "MultiLayerNetExtend", "SimpleConvNet", "ResNet"])
def test_networks_train_and_infer_on_every_backend(name, asarray, tolerance):
    x, t = map(asarray, batch())
    make = SMALL[name]
    net = make()
    with xn.use_backend("numpy", dtype="float64"):
        reference = make()
    wanted = reference.gradient(*batch())
    for name, gradient in net.gradient(x, t).items():
        np.testing.assert_allclose(to_numpy(gradient), wanted[name], rtol=100 * tolerance, atol=100 * tolerance)
    expected = reference.predict(batch()[0])
    np.testing.assert_allclose(to_numpy(net.predict(x)), expected, rtol=100 * tolerance, atol=100 * tolerance)
    assert 0.0 <= net.accuracy(x, t) <= 1.0


@on_every_network
def test_every_network_goes_to_disk_and_is_copied(make, tmp_path):
    net, (x, t) = make(), batch()
    net = net.astype("float64")
    SGD(0.1).update(net.params, net.gradient(x, t))
    xn.save(tmp_path / "net.safetensors", net)
    fresh = make().astype("float64")
    xn.load(tmp_path / "net.safetensors", fresh)
    for other in (fresh, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(other.params) == list(net.params)
        np.testing.assert_array_equal(other.predict(x), net.predict(x))
        assert {n: np.asarray(v).tolist() for n, v in other.states.items()} == {
            n: np.asarray(v).tolist() for n, v in net.states.items()
        }
    gradients = [other.gradient(x, t) for other in (net, fresh)]
    for name in net.params:
        np.testing.assert_array_equal(gradients[0][name], gradients[1][name])


@on_every_network
def test_the_summary_counts_every_value(make):
    net = make()
    lines = net.summary().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert int(lines[-1].split()[-1].replace(",", "")) == sum(array.size for array in net.params.values())
    shown = [line for line in lines[2:-3] if not line.startswith(" ")]
    assert [line.split()[0] for line in shown] == list(net.layers)


def test_weight_decay_is_in_the_loss_and_in_the_gradient():
    x, t = batch()
    plain, decayed = (MultiLayerNet(16, [5], 3, weight_decay_lambda=decay, rng=Generator(0)) for decay in (0.0, 0.2))
    plain, decayed = plain.astype("float64"), decayed.astype("float64")
    W = [plain.params[name] for name in ("W1", "W2")]
    penalty = 0.1 * sum(np.sum(w * w) for w in W)
    for predict in (False, True):
        assert float(decayed.loss(x, t, predict)) == pytest.approx(float(plain.loss(x, t, predict)) + penalty)
    one, other = plain.gradient(x, t), decayed.gradient(x, t)
    for name in plain.params:
        expected = one[name] + (0.2 * plain.params[name] if name.startswith("W") else 0.0)
        np.testing.assert_allclose(other[name], expected, rtol=1e-12)
    for name, numeric in decayed.numerical_gradient(x, t).items():
        np.testing.assert_allclose(numeric, other[name], rtol=1e-7, atol=1e-9)
    assert decayed.loss_and_gradient(x, t)[0] == decayed.loss(x, t)


def test_a_gradient_taken_on_the_tape_has_the_penalty_too():
    x, t = batch()
    net = MultiLayerNet(16, [5], 3, weight_decay_lambda=0.2, rng=Generator(0)).astype("float64")

    def loss(params):
        with net.using(params):
            return net.loss(x, t)

    found, expected = xn.grad(loss)(dict(net.params)), net.gradient(x, t)
    for name in net.params:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


# The gradient check's quick way


def way(net: Sequential, name: str) -> object:
    """The evaluation side by side, None where values are tried one at a time."""
    x, t = batch()
    return side_by_side(net, net.params.place(name), x, t)


def test_samples_that_meet_are_not_put_side_by_side():
    for make in (SMALL["MultiLayerNetExtend"], SMALL["ResNet"], SMALL["DeepConvNet"]):
        net = make().astype("float64")
        assert all(way(net, name) is None for name in net.params)
    for make in (SMALL["MultiLayerNet"], SMALL["SimpleConvNet"]):
        net = make().astype("float64")
        assert all(way(net, name) is not None for name in net.params)


def test_layers_around_a_shortcut_are_tried_one_at_a_time_and_those_beside_it_at_once():
    rng = Generator(0)
    block = Residual(Affine.create(4, 4, rng=rng), Relu(), shortcut=Affine.create(4, 4, rng=rng))
    net = Sequential(Affine.create(16, 4, rng=rng), block, Affine.create(4, 3, rng=rng), loss=SoftmaxWithLoss())
    net = net.astype("float64")
    found = {name: way(net, name) is not None for name in net.params if name.endswith("W")}
    assert found == {
        "Affine1.W": True,
        "Residual1.Affine1.W": False,
        "Residual1.shortcut.W": False,
        "Affine2.W": True,
    }
    x, t = batch()
    xn.gradient_check(net, x, t).raise_if_failed()


def test_batch_normalization_is_checked_right_where_the_probed_weights_do_nothing():
    x, t = batch()
    x[:, :, 0, 0] = x[:, :, -1, -1] = x[:, :, 1, 3] = 0.0
    xn.gradient_check(SMALL["MultiLayerNetExtend"](), x, t).raise_if_failed()


def test_a_wrong_layer_inside_a_residual_is_found():
    class Wrong(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.db = 2.0 * self.db
            return dx

    net = Sequential(
        Residual(Wrong(normal("W", 4, 4), normal("b", 4))),
        Affine(normal("V", 4, 3), np.zeros(3)),
        loss=SoftmaxWithLoss(),
    )
    report = xn.gradient_check(net, normal("z", 5, 4), np.asarray([0, 1, 2, 1, 0]))
    failed = {row.name: row.causes for row in report.rows if row.status == "fail"}
    assert list(failed) == ["Residual1.Wrong1.b"]
    assert "Residual1.backward is wrong by itself" in failed["Residual1.Wrong1.b"]


# Training


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


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MultiLayerNet(4, [3], 2, activation="step"),
            "MultiLayerNet: activation must be one of relu, .* 'step'",
        ),
        (lambda: MultiLayerNet(4, [3], 2, weight_init_std="big"), "init must be one of he, .*, got 'big'"),
        (lambda: MultiLayerNet(4, [3], 2, weight_init_std=-1.0), "must be finite and not negative"),
        (lambda: MultiLayerNet(4, [0], 2), "MultiLayerNet: each size must be a positive integer, got 0"),
        (lambda: MultiLayerNet(4, 3, 2), r"hidden_size_list must be a list of sizes, got 3; put one size into a list"),
        (lambda: MultiLayerNet(4, [3], 2, weight_decay_lambda=-0.1), "MultiLayerNet: weight_decay_lambda must be"),
        (lambda: MultiLayerNetExtend(4, [3], 2, weight_decay_lambda=float("nan")), "Extend: weight_decay_lambda must"),
        (lambda: MultiLayerNetExtend(4, [3], 2, use_dropout=True, dropout_ration=1.0), "dropout_ratio must be from 0"),
        (lambda: SimpleConvNet((28, 28)), r"SimpleConvNet: input_dim must be \(C, H, W\), got \(28, 28\)"),
        (lambda: SimpleConvNet(conv_param={"filter_num": 3}), "conv_param must have the keys filter_num and filter_s"),
        (lambda: SimpleConvNet(conv_param=FILTERS | {"padding": 1}), "conv_param must have the keys .* padding"),
        (lambda: ResNet((1, 8, 8), ()), "ResNet: channels must have a number for each stage"),
        (lambda: ResNet((1, 8, 8), 4), "ResNet: channels must have a number for each stage, got 4"),
        (lambda: ResNet((1, -8, 8)), "ResNet: each size of input_dim must be a positive integer, got -8"),
        (lambda: SimpleConvNet(784), r"SimpleConvNet: input_dim must be \(C, H, W\), got 784"),
        (lambda: ResNet((1, 8, 8), blocks=0), "ResNet: blocks must be a positive integer, got 0"),
        (lambda: ResNet((8, 8)), r"ResNet: input_dim must be \(C, H, W\)"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_conv_param_that_is_no_mapping_is_refused():
    with pytest.raises(DtypeError, match=r"SimpleConvNet: conv_param must map names to numbers, got 5; such as"):
        SimpleConvNet(conv_param=5)


def test_the_weight_decay_may_be_a_number_of_numpy():
    assert MultiLayerNet(4, [3], 2, weight_decay_lambda=np.float32(0.5)).weight_decay_lambda == 0.5


def test_images_that_are_too_small_are_refused_when_the_network_is_built():
    with pytest.raises(ShapeError, match=r"SimpleConvNet.Conv1: x with its padding must be at least \(5, 5\)"):
        SimpleConvNet((1, 4, 4))
    with pytest.raises(ShapeError, match=r"DeepConvNet.Pool\d: x with its padding must be at least \(2, 2\)"):
        DeepConvNet((1, 1, 1))
