"""Networks that compute in float16 or bfloat16 and keep float32 weights."""

from __future__ import annotations

import numpy as np
import pytest
from spied_network import Spy, batch, make, number

import xpnet as xn
from xpnet.backend import array_namespace, backend_of, dtype_name, to_numpy
from xpnet.datasets import load_digits
from xpnet.errors import ArgumentError, DivergenceError, DtypeError
from xpnet.layers import Relu
from xpnet.networks import MultiLayerNet, Sequential, TwoLayerNet
from xpnet.networks.low_precision import LowPrecision
from xpnet.optimizers import SGD, Adam
from xpnet.random import Generator
from xpnet.training import Trainer


def test_layers_compute_in_it_and_everything_outside_sees_float32(dtype):
    spy = Spy()
    network = make(spy).compute_in(dtype)
    x, t = batch()
    loss, gradients = network.loss_and_gradient(x, t)
    inside = "float32" if xn.get_backend().library.adds_in_16_bits else dtype  # where sums of 16 bits stop growing
    assert spy.seen == {("x", inside), ("dout", inside)}
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
        tolerance = {"float16": 4e-3, "bfloat16": 4e-2}[dtype] * max(np.max(np.abs(exact)), 2e-2)
        np.testing.assert_allclose(to_numpy(gradient), exact, atol=tolerance)


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


def test_bfloat16_is_refused_on_cupy_with_the_reason(cupy):
    reason = r"got 'bfloat16' \(CuPy promotes it to float32 with a Python number, and cannot multiply stacks of it\)"
    with pytest.raises(ArgumentError, match=rf"backend cupy: dtype must be a floating .*{reason}; choose \"float32\""):
        xn.use_backend("cupy", dtype="bfloat16").__enter__()
    with pytest.raises(ArgumentError, match=rf"compute_in: .* of which cupy has float16, {reason}; choose another"):
        TwoLayerNet(4, 3, 2).compute_in("bfloat16")


def test_the_reason_for_which_bfloat16_is_refused_on_cupy_holds(cupy):
    """Once this fails, CuPy can do more, and networks may compute in it."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = cupy.ones((2, 3, 3), dtype=ml_dtypes.bfloat16)
    assert (x * 2.0).dtype == "float32"
    with pytest.raises(TypeError):
        x @ x
