"""Networks that compute in float16 or bfloat16 and keep float32 weights; such arrays on the host and on disk."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import LIBRARIES, array_namespace, backend_of, dtype_name, missing, to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import ArgumentError, DivergenceError, DtypeError
from xpnet.layers import Affine, BatchNormalization, Dropout, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.networks.low_precision import LowPrecision
from xpnet.optimizers import SGD, Adam, Momentum, clip_by_norm
from xpnet.random import Generator
from xpnet.training import Trainer

LOW = [("numpy", "float16"), ("torch", "float16"), ("torch", "bfloat16"), ("jax", "bfloat16")]


@pytest.fixture(params=LOW, ids="-".join)
def low(request) -> tuple[str, str]:
    if missing(LIBRARIES[request.param[0]]):
        pytest.skip(missing(LIBRARIES[request.param[0]]))
    return request.param


@pytest.fixture
def dtype(low):
    with xn.use_backend(low[0]):
        yield low[1]


class Spy(Layer):
    """The identity; it notes the dtypes that pass, and may multiply what comes back."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor, self.seen = factor, set()

    def forward(self, x):
        self.seen.add(("x", dtype_name(x.dtype)))
        return x * 1.0

    def backward(self, dout):
        self.seen.add(("dout", dtype_name(dout.dtype)))
        return dout * self.factor


def make(spy: Layer | None = None) -> Sequential:
    rng = Generator(5)
    layers = [
        Affine.create(4, 6, rng=rng),
        BatchNormalization.create(6),
        Relu(),
        Dropout(0.2, rng),
        *filter(None, [spy]),
    ]
    return Sequential(*layers, Affine.create(6, 3, rng=rng), loss=SoftmaxWithLoss())


def batch() -> tuple:
    backend = xn.get_backend()
    x = np.random.default_rng(0).normal(size=(8, 4))
    return backend.asarray(x), backend.asarray(np.asarray([0, 1, 2, 0, 1, 2, 0, 1]))


def number(value) -> float:
    return float(to_numpy(value))


def test_layers_compute_in_it_and_everything_outside_sees_float32(dtype):
    spy = Spy()
    network = make(spy).compute_in(dtype)
    x, t = batch()
    loss, gradients = network.loss_and_gradient(x, t)
    assert spy.seen == {("x", dtype), ("dout", dtype)}
    outside = [
        loss,
        network.predict(x),
        *gradients.values(),
        *network.params.values(),
        network.loss(x, t, predict=True),
    ]
    outside += [value for value in network.states.values() if hasattr(value, "dtype")]
    assert {dtype_name(array.dtype) for array in outside} == {"float32"}


def test_gradients_are_those_of_float32_to_the_digits_of_the_dtype(dtype):
    network, (x, t) = make(), batch()
    before = dict(network.states)
    expected = network.gradient(x, t)
    network.states.update(before)
    found = network.compute_in(dtype).gradient(x, t)
    assert list(found) == list(expected)
    for name, gradient in found.items():
        exact = to_numpy(expected[name])
        tolerance = {"float16": 4e-3, "bfloat16": 4e-2}[dtype] * max(np.max(np.abs(exact)), 1e-2)
        np.testing.assert_allclose(to_numpy(gradient), exact, atol=tolerance)


def test_without_a_scale_float16_loses_small_gradients():
    spy = Spy(1e-6)
    network, (x, t) = make(spy), batch()
    for scale, lost in ((1.0, True), (4096.0, False), ("dynamic", False)):
        network.compute_in("float16", loss_scale=scale)
        spied = to_numpy(network.gradient(x, t)["Affine1.W"])
        network.compute_in("float32")
        network.layers["Dropout1"].step = 0
        exact = network.gradient(x, t)["Affine1.W"]
        network.layers["Dropout1"].step = 0
        error = np.max(np.abs(spied - exact)) / np.max(np.abs(exact))
        assert (error > 0.1) == lost


def test_a_gradient_that_overflows_halves_the_scale_and_moves_nothing(dtype):
    spy = Spy(float("inf"))
    network, (x, t) = make(spy).compute_in(dtype, loss_scale="dynamic"), batch()
    before = {name: to_numpy(array).copy() for name, array in network.params.items()}
    optimizer = SGD(0.1)
    assert number(network.precision.loss_scale) == 2.0**16
    for halved in (2.0**15, 2.0**14):
        optimizer.update(network.params, network.gradient(x, t))
        assert number(network.precision.loss_scale) == halved
        assert number(network.precision.good_steps) == 0.0
    for name, array in network.params.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])
    spy.factor = 1.0
    optimizer.update(network.params, network.gradient(x, t))
    assert number(network.precision.loss_scale) == 2.0**14
    assert number(network.precision.good_steps) == 1.0
    assert not np.array_equal(to_numpy(network.params["Affine1.W"]), before["Affine1.W"])


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam], ids=lambda kind: kind.__name__)
def test_a_step_that_overflows_leaves_no_trace_and_training_goes_on_from_disk(kind, dtype, tmp_path):
    def network(factor):
        spy = Spy(factor)
        net = make(spy).compute_in(dtype, loss_scale="dynamic")
        net.layers["Dropout1"].step = 0
        return spy, net, kind(0.1, weight_decay=0.3)

    def step(net, optimizer):
        net.layers["Dropout1"].step = 0
        optimizer.update(net.params, clip_by_norm(net.gradient(x, t), 10.0))

    (x, t), path = batch(), tmp_path / "c.safetensors"
    (spy, net, optimizer), (_, plain, other) = network(float("inf")), network(1.0)
    step(net, optimizer)
    spy.factor = 1.0
    for trained, own in ((net, optimizer), (plain, other)):
        trained.precision.loss_scale = 0.0 * trained.precision.loss_scale + 16.0
        step(trained, own)
    spy.factor = float("inf")
    step(net, optimizer)
    spy.factor = 1.0
    net.precision.loss_scale = 0.0 * net.precision.loss_scale + 16.0
    xn.save(path, net, optimizer)
    _, again, resumed = network(1.0)
    xn.load(path, again, resumed)
    for trained, own in ((net, optimizer), (plain, other), (again, resumed)):
        step(trained, own)
    assert (optimizer.steps, number(optimizer.skipped), number(resumed.skipped)) == (4, 2.0, 2.0)
    for name, array in net.params.items():
        np.testing.assert_allclose(to_numpy(array), to_numpy(plain.params[name]), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(to_numpy(array), to_numpy(again.params[name]))


def test_a_penalty_is_left_out_with_the_step():
    network = MultiLayerNet(4, [5], 3, weight_decay_lambda=0.1, rng=Generator(1)).compute_in("float16", loss_scale=1e30)
    before = {name: array.copy() for name, array in network.params.items()}
    SGD(0.1).update(network.params, network.gradient(*batch()))
    for name, array in network.params.items():
        np.testing.assert_array_equal(array, before[name])


def test_the_scale_doubles_after_good_steps(dtype, monkeypatch):
    monkeypatch.setattr("xpnet.networks.low_precision.GOOD_STEPS", 3)
    network, (x, t) = make().compute_in(dtype, loss_scale="dynamic"), batch()
    network.precision.loss_scale = network.precision.loss_scale * 2.0**-16
    scales = []
    for _ in range(7):
        network.gradient(x, t)
        scales.append(number(network.precision.loss_scale))
    assert scales == [1.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0]


def test_the_scale_has_bounds():
    one = np.asarray(1.0, dtype=np.float32)
    precision = make().compute_in("float16").precision
    for bound, finite in ((2.0**24, True), (2.0**-24, False)):
        precision.loss_scale, precision.good_steps = bound * one, 2000.0 * one
        precision._adapt(np.asarray(finite))
        assert number(precision.loss_scale) == bound


def test_each_dtype_has_the_scale_that_it_needs():
    with xn.use_backend("numpy"):
        assert make().compute_in("float16").precision.good_steps is not None
        assert make().compute_in("float16", loss_scale=128).precision.loss_scale == 128
    torch = pytest.importorskip("torch")
    with xn.use_backend("torch"):
        network = make().compute_in("bfloat16")
        assert network.precision.loss_scale is None
        assert network.params["Affine1.W"].dtype == torch.float32


def test_training_does_not_read_values_on_the_host(monkeypatch):
    """On jax, whose arrays are read through ``__array__`` and ``__bool__`` alone."""
    jax = pytest.importorskip("jax")
    with xn.use_backend("jax"):
        network, (x, t) = make().compute_in("float16"), batch()
        kind = type(x)
        assert issubclass(kind, jax.Array)

        def refuse(*_):
            raise AssertionError("a value was read on the host")

        for name in ("__bool__", "__float__", "__int__", "__index__", "__array__"):
            monkeypatch.setattr(kind, name, refuse)
        network.gradient(x, t)


def accuracy(library: str, dtype: str) -> float:
    with xn.use_backend(library):
        network = TwoLayerNet(64, 32, 10, weight_init_std=0.1, rng=Generator(1))
        (x, t), test = load_digits()
        if dtype != "float32":
            network.compute_in(dtype)
        # jax compiles every operation anew for every size of a batch: here all are of 350 rows
        trainer = Trainer(network, Adam(0.03), (x[:1400, ...], t[:1400]), batch_size=350, evaluate_rows=350)
        list(trainer.run(12))
        return network.accuracy(test[0][:350, ...], test[1][:350])


@pytest.fixture(scope="module")
def in_float32() -> float:
    return accuracy("numpy", "float32")


def test_digits_are_learned_as_well_as_in_float32(low, in_float32):
    assert in_float32 > 0.95
    assert accuracy(*low) == pytest.approx(in_float32, abs=0.02)


def test_a_loss_with_a_penalty_keeps_it(dtype):
    network = MultiLayerNet(4, [5], 3, weight_decay_lambda=0.1, rng=Generator(1))
    x, t = batch()
    loss, gradients = network.loss_and_gradient(x, t)
    low, rounded = network.compute_in(dtype).loss_and_gradient(x, t)
    assert number(low) == pytest.approx(number(loss), rel=2e-2)
    np.testing.assert_allclose(to_numpy(rounded["W1"]), to_numpy(gradients["W1"]), atol=2e-2)


def test_a_traced_loss_has_the_gradients_of_the_weights(dtype):
    network, (x, t) = make().compute_in(dtype, loss_scale=256.0), batch()
    before = dict(network.states)
    expected = network.gradient(x, t)
    network.states.update(before)

    def loss(params):
        with network.using(params):
            return network.loss(x, t)

    found = xn.grad(loss)(dict(network.params))
    for name, gradient in expected.items():
        assert dtype_name(found[name].dtype) == "float32"
        np.testing.assert_allclose(to_numpy(found[name]), to_numpy(gradient), atol=2e-2)


def test_gradients_are_checked_in_full(dtype):
    network = make().compute_in(dtype)
    assert network.astype("float32").precision is None
    xn.gradient_check(network, *batch(), mode="directions", directions=1).raise_if_failed()
    assert network.precision is not None


def test_float32_ends_it(dtype):
    network, x = make(), batch()[0]
    expected = to_numpy(network.predict(x))
    assert not np.array_equal(to_numpy(network.compute_in(dtype).predict(x)), expected)
    np.testing.assert_array_equal(to_numpy(network.compute_in("float32").predict(x)), expected)


def test_copies_and_files_go_on_with_the_same_scale(dtype, tmp_path):
    network, (x, t) = make().compute_in(dtype, loss_scale="dynamic"), batch()
    network.precision.loss_scale = 0.5 * network.precision.loss_scale
    network.gradient(x, t)
    xn.save(tmp_path / "network.safetensors", network)
    again, plain = make().compute_in(dtype, loss_scale="dynamic"), make()
    for other in (again, plain):
        xn.load(tmp_path / "network.safetensors", other)
    others = [again, copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    expected = network.gradient(x, t)
    for other in others:
        assert number(other.precision.loss_scale) == 2.0**15
        for name, gradient in other.gradient(x, t).items():
            np.testing.assert_array_equal(to_numpy(gradient), to_numpy(expected[name]))
    for name, array in plain.params.items():
        np.testing.assert_array_equal(to_numpy(array), to_numpy(network.params[name]))
    xn.save(tmp_path / "plain.safetensors", plain)
    xn.load(tmp_path / "plain.safetensors", again)


def test_scores_that_overflow_are_told_by_the_trainer():
    network = TwoLayerNet(64, 8, 10, rng=Generator(1)).compute_in("float16")
    trainer = Trainer(network, SGD(0.1), load_digits()[0])
    for name in ("W1", "W2"):
        network.params[name] = network.params[name] + np.float32(6e4)
    with pytest.raises(DivergenceError, match="the loss must stay finite, got nan in epoch 1"):
        list(trainer.run(1))


def test_libraries_without_the_dtype_are_named():
    with pytest.raises(ArgumentError, match=r"float16 or bfloat16, of which numpy has float16, got 'bfloat16'; choose"):
        make().compute_in("bfloat16")
    with pytest.raises(ArgumentError, match=r"dtype must be float16 or bfloat16, of which .* got 'int8'"):
        make().compute_in("int8")
    pytest.importorskip("array_api_strict")
    with xn.use_backend("array-api-strict"):
        must = r"^Sequential.compute_in: dtype must be float16 or bfloat16, of which array-api-strict has none"
        with pytest.raises(ArgumentError, match=must):
            make().compute_in("float16")


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan"), "static", True])
def test_wrong_scales_are_refused(scale):
    with pytest.raises(ArgumentError, match=r'loss_scale must be above 0 and finite, "dynamic" or None, got'):
        make().compute_in("float16", loss_scale=scale)


def test_a_scale_of_numpy_promotes_nothing():
    network = make().compute_in("float16", np.float64(8.0))
    assert type(network.precision.loss_scale) is float


def test_masters_of_low_precision_are_refused():
    with xn.use_backend("numpy", dtype="float16"):
        network = make()
    with pytest.raises(DtypeError, match=r"Affine1.W must be float32 or float64, got float16; make the network in"):
        network.compute_in("float16")
    with pytest.raises(ArgumentError, match="the network must have parameters"):
        Sequential(Relu()).compute_in("float16")
    assert isinstance(make().compute_in("float16").precision, LowPrecision)


def test_a_network_may_be_made_of_low_precision_and_saved(low, tmp_path):
    library, dtype = low
    with xn.use_backend(library, dtype=dtype) as backend:
        network, again = TwoLayerNet(4, 3, 2, rng=Generator(1)), TwoLayerNet(4, 3, 2, rng=Generator(2))
        x, t = backend.asarray(np.ones((5, 4))), backend.asarray(np.zeros(5, dtype=np.int64))
        loss, gradients = network.loss_and_gradient(x, t)
        assert {dtype_name(array.dtype) for array in (loss, *gradients.values())} == {dtype}
        xn.save(tmp_path / "network.safetensors", network)
        xn.load(tmp_path / "network.safetensors", again)
        for name, array in network.params.items():
            assert again.params[name].dtype == array.dtype
            np.testing.assert_array_equal(to_numpy(again.params[name]), to_numpy(array))


def test_bfloat16_comes_to_the_host_as_float32(low):
    library, dtype = low
    with xn.use_backend(library, dtype=dtype) as backend:
        array = backend.asarray(np.asarray([1.0, 2.5, -0.1]))
        host = to_numpy(array)
        assert host.dtype == {"float16": np.float16, "bfloat16": np.float32}[dtype]
        back = backend_of(array).asarray(host)
        assert bool(array_namespace(back).all(back == array))
