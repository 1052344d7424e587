"""``to``: layers, networks, optimizers and Trainers on another library, device or dtype, with all that lasts."""

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, device_of, dtype_name, is_array, library_name, make_backend, to_numpy
from xpnet.errors import ArgumentError, BackendError, DtypeError, LibraryError, StateError
from xpnet.layers import (
    GRU,
    Affine,
    BatchNormalization,
    Dropout,
    Embedding,
    Flatten,
    Relu,
    Residual,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential, SimpleConvNet, TransformerLM
from xpnet.optimizers import SGD, Adam, Lion, Momentum
from xpnet.random import Generator
from xpnet.training import Trainer

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
T = np.arange(12) % 3


def small_net():
    return Sequential(
        Affine.create(4, 5, rng=Generator(0)),
        BatchNormalization.create(5),
        Residual(Affine.create(5, 5, rng=Generator(1)), Relu()),
        Dropout(0.3, rng=Generator(2)),
        Affine.create(5, 3, rng=Generator(3)),
        loss=SoftmaxWithLoss(class_weights=[1.0, 2.0, 0.5]),
    )


def home(array):
    return library_name(array_namespace(array)), device_of(array), dtype_name(array.dtype)


def trainer_on_numpy():
    with xn.use_backend("numpy", dtype="float64"):
        backend = xn.get_backend()
        data = backend.asarray(X), backend.asarray(T)
        return Trainer(small_net(), Adam(0.01), data, data, batch_size=4, rng=Generator(5))


def numbers(trainer):
    """All that lasts, on the host."""
    network, optimizer = trainer.network, trainer.optimizer
    named = {**network.params, **network.states, **{f"optimizer {n}": v for n, v in optimizer.state.items()}}
    return {name: to_numpy(value) if is_array(value) else value for name, value in named.items()}


def test_a_training_goes_on_elsewhere_as_if_it_had_stayed(backend, dtype):
    """Slots, running statistics and the streams of dropout and shuffling move with it."""
    if dtype == "float32":
        pytest.skip("compared in float64")
    stayed, moved = trainer_on_numpy(), trainer_on_numpy()
    list(stayed.run(2))
    list(moved.run(2))
    assert moved.to(backend) is moved
    for name, array in {**moved.network.params, **moved.optimizer.state}.items():
        if is_array(array):
            assert home(array) == (backend.name, backend.device, "float64"), name
    assert home(moved.train[0]) == (backend.name, backend.device, "float64")
    expected, found = list(stayed.run(2)), list(moved.run(2))
    np.testing.assert_allclose([e.loss for e in found], [e.loss for e in expected], rtol=1e-9)
    np.testing.assert_allclose([e.test_loss for e in found], [e.test_loss for e in expected], rtol=1e-9)
    before, after = numbers(stayed), numbers(moved)
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
    list(moved.to("numpy").run(1))
    assert home(moved.network.params["Affine1.W"])[0] == "numpy"


def test_a_layer_moves_in_place_with_its_gradients_and_options(backend, dtype):
    with xn.use_backend("numpy", dtype=dtype):
        layer, loss = Affine.create(4, 3), SigmoidWithLoss(pos_weight=[1.0, 2.0, 3.0])
    x = X.astype(dtype)
    layer.forward(x)
    layer.backward(np.ones((12, 3), dtype=dtype))
    dW, predicted = layer.dW, layer.predict(x)
    assert layer.to(backend.name, backend.device) is layer
    assert loss.to(backend) is loss
    for array in (layer.W, layer.b, layer.dW, layer.grads["b"], loss.pos_weight):
        assert home(array) == (backend.name, backend.device, dtype)
    np.testing.assert_allclose(to_numpy(layer.dW), dW, rtol=1e-6)
    np.testing.assert_allclose(to_numpy(layer.predict(backend.asarray(x))), predicted, rtol=1e-4, atol=1e-5)


def test_a_backward_needs_a_new_forward(backend):
    with xn.use_backend("numpy"):
        net, layer = small_net(), GRU.create(4, 3)
        net.gradient(X, T)
        layer.forward(X.reshape(3, 4, 4))
    with pytest.raises(StateError, match="forward must run before backward"):
        net.to(backend).backward(1.0)
    with pytest.raises(StateError, match="forward must run before backward"):
        layer.to(backend).backward(1.0)


@pytest.mark.parametrize(
    "build",
    [
        lambda: SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}, 5, 3),
        lambda: Sequential(Flatten(), Affine.create(64, 5), Relu(), Affine.create(5, 3), loss=SoftmaxWithLoss()),
    ],
    ids=["layers that run as one", "flattened"],
)
def test_what_was_remembered_of_the_old_place_is_forgotten(build, backend):
    with xn.use_backend("numpy"):
        net = build()
        images, labels = np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32), np.asarray([0, 1, 2, 0])
        expected = net.gradient(images, labels)
    net.to(backend, dtype="float32")
    found = net.gradient(backend.asarray(images, dtype="float32"), backend.asarray(labels))
    for name, gradient in expected.items():
        assert home(found[name]) == (backend.name, backend.device, "float32")
        np.testing.assert_allclose(to_numpy(found[name]), gradient, rtol=1e-3, atol=1e-5)


def test_a_network_of_a_forward_of_its_own_moves(backend):
    with xn.use_backend("numpy"):
        model = TransformerLM(vocabulary=7, context=4, layers=1, heads=2, width=8)
        tokens = np.asarray([[0, 1, 2, 3]])
        expected = model.predict(tokens)
    moved = model.to(backend, dtype="float32").predict(backend.asarray(tokens))
    np.testing.assert_allclose(to_numpy(moved), expected, rtol=1e-3, atol=1e-4)


def test_dtypes_move_alone_and_integers_stay(backend):
    embedding, optimizer = Embedding.create(5, 3), Momentum()
    optimizer.update(embedding.params, {"W": embedding.W})
    embedding.to(dtype="float32")
    optimizer.to(dtype="float32")
    assert home(embedding.W) == (backend.name, backend.device, "float32")
    assert home(optimizer.state["W.v"]) == (backend.name, backend.device, "float32")
    trainer = trainer_on_numpy().to(dtype="float32")
    assert trainer.train[0].dtype == trainer.batches.x.dtype == np.float32
    assert trainer.train[1].dtype == np.int64


def test_what_is_there_already_stays_the_very_same(backend):
    layer = Affine.create(3, 2)
    W, b = layer.W, layer.b
    layer.to(backend)
    assert layer.W is W
    assert layer.b is b


def test_arrays_on_numpy_may_be_written_to_afterwards(backend):
    net = Sequential(Affine.create(4, 3), loss=SoftmaxWithLoss())
    W = net.params["Affine1.W"]
    before = to_numpy(W).copy()
    net.to("numpy")
    if backend.name != "numpy":
        net.params["Affine1.W"][...] += 1.0
        np.testing.assert_array_equal(to_numpy(W), before)
    SGD(0.1).update(net.params, net.gradient(X, T))


def test_low_precision_moves(backend, dtype):
    if dtype == "float64" or not hasattr(backend.xp, "float16") or backend.name in ("array-api-strict",):
        pytest.skip("a float16 of its own is needed")
    with xn.use_backend("numpy"):
        net = small_net().compute_in("float16")
        net.gradient(X, T)
    net.to(backend)
    assert home(net.precision.loss_scale)[:2] == (backend.name, backend.device)
    gradients = net.gradient(backend.asarray(X), backend.asarray(T))
    assert home(gradients["Affine1.W"]) == (backend.name, backend.device, "float32")


def test_low_precision_goes_nowhere_where_it_is_not():
    if "array-api-strict" not in xn.available_backends():
        pytest.skip("needs a library without float16")
    net = small_net().compute_in("float16")
    before = dict(net.params)
    with pytest.raises(ArgumentError, match="dtype must be float16 or bfloat16, of which array-api-strict has none"):
        net.to("array-api-strict")
    assert all(net.params[name] is array for name, array in before.items())


def test_what_cannot_be_moved_leaves_all_as_it_is():
    trainer = trainer_on_numpy()
    before = dict(trainer.network.params)
    for wrong, kind in (({"backend": "cuda"}, ArgumentError), ({"dtype": "int32"}, ArgumentError), ({}, DtypeError)):
        with pytest.raises(kind):
            trainer.to(**wrong)
    with pytest.raises(BackendError, match="device must be"):
        trainer.to(device=7)
    bound = trainer.network.using({"Affine1.W": xn.Variable(before["Affine1.W"])})
    with bound, pytest.raises(StateError, match=r"Affine1.W must be a plain array, got a Variable"):
        trainer.network.to(dtype="float32")
    assert all(trainer.network.params[name] is array for name, array in before.items())


def test_another_device_of_one_library():
    if "array-api-strict" not in xn.available_backends():
        pytest.skip("needs a library with several devices")
    with xn.use_backend("array-api-strict"):
        layer = Affine.create(3, 2)
        layer.to(device="device1")
        assert "device1" in str(device_of(layer.W))
        elsewhere = xn.get_backend().asarray(to_numpy(layer.b))
        with pytest.raises(LibraryError, match=r'b must stay on its device, device1, got CPU_DEVICE.*device="CPU'):
            layer.params["b"] = elsewhere


def test_an_array_of_another_library_is_refused_by_name(backend):
    other = (
        make_backend("numpy" if backend.name == "torch" else "torch") if "torch" in xn.available_backends() else None
    )
    if other is None:
        pytest.skip("needs a second library")
    net = Sequential(BatchNormalization.create(3), loss=SoftmaxWithLoss())
    foreign = other.asarray(np.ones(3))
    names = rf"must stay on its library, {backend.name}, got {other.name}.*write .to\(\"{other.name}\"\)"
    with pytest.raises(LibraryError, match=rf"params: BatchNormalization1.gamma {names}"):
        net.params["BatchNormalization1.gamma"] = foreign
    with pytest.raises(LibraryError, match=rf"states: BatchNormalization1.running_mean {names}"):
        net.states["BatchNormalization1.running_mean"] = foreign
    net.params["BatchNormalization1.gamma"] = backend.asarray(np.full(3, 2.0))
    np.testing.assert_array_equal(to_numpy(net.params["BatchNormalization1.gamma"]), 2.0)


@pytest.mark.parametrize("kind", [Momentum, Adam, Lion])
def test_an_optimizer_that_was_left_behind_is_told(kind):
    if "torch" not in xn.available_backends():
        pytest.skip("needs a second library")
    layer, optimizer = Affine.create(3, 2), kind()
    optimizer.update(layer.params, {"W": layer.W, "b": layer.b})
    layer.to("torch")
    with pytest.raises(LibraryError, match=r"the state . of W must be on one library.*move it, optimizer.to\("):
        optimizer.update(layer.params, {"W": layer.W, "b": layer.b})
