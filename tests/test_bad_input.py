"""Bad input gives one clear error on every backend: who, what must hold, what came, what to do."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest

import xpnet as xn
from xpnet import errors
from xpnet.backend import array_namespace, device_of, library_of, to_numpy
from xpnet.errors import (
    ArgumentError,
    BackendError,
    DataError,
    DivergenceError,
    DtypeError,
    GradientError,
    LibraryError,
    NameUnknownError,
    ShapeError,
    StateError,
    XpnetError,
)
from xpnet.layers import AddLayer, Affine, Flatten, IdentityWithLoss, Layer, MulLayer, Relu, Sigmoid, SoftmaxWithLoss
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator


def refused(call, kind: type[XpnetError], builtin: type[Exception], text: str) -> None:
    """The call raises the kind, which is the builtin too, with a message of who, must, got and remedy."""
    with pytest.raises(kind, match=text) as raised:
        call()
    assert isinstance(raised.value, XpnetError)
    assert isinstance(raised.value, builtin)
    assert re.match(r"(?s)[^:]+: .+, got .*; .+", str(raised.value))


@pytest.fixture
def affine(asarray) -> Affine:
    return Affine(asarray(np.ones((4, 3))), asarray(np.zeros(3)))


@pytest.fixture
def net(backend) -> TwoLayerNet:
    return TwoLayerNet(4, 5, 3, rng=Generator(0))


# Shapes


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((2, 5), r"^Affine: x must be \(N, 4\), got \(2, 5\); give each row 4 values"),
        ((4,), r"^Affine: x must be \(N, 4\), got \(4,\); add the batch axis with xp.expand_dims\(x, axis=0\)"),
        ((2, 1, 3, 3), r"^Affine: x must be \(N, 4\), got \(2, (9|1, 3, 3)\);"),
        ((), r"^Affine: x must be \(N, 4\), got \(\);"),
        ((0, 3), r"^Affine: x must be \(N, 4\), got \(0, 3\);"),
    ],
)
def test_x_of_another_shape(shape: tuple[int, ...], text: str, affine, net, asarray) -> None:
    x = asarray(np.ones(shape))
    refused(lambda: affine(x), ShapeError, ValueError, text)
    refused(lambda: net.predict(x), ShapeError, ValueError, text)
    refused(lambda: net.gradient(x, asarray(np.zeros(2, dtype=np.int64))), ShapeError, ValueError, text)


@pytest.mark.parametrize(
    ("W", "b", "text"),
    [
        ((4, 3), (4,), r"^Affine: b must be \(3,\), got \(4,\);"),
        ((4,), (3,), r"^Affine: W must be \(D, M\), got \(4,\);"),
        ((4, 3), (1, 3), r"^Affine: b must be \(3,\), got \(1, 3\);"),
        ((2, 4, 3), (3,), r"^Affine: W must be \(D, M\), got \(2, 4, 3\);"),
    ],
)
def test_parameters_that_do_not_fit_each_other(W, b, text: str, asarray) -> None:
    refused(lambda: Affine(asarray(np.ones(W)), asarray(np.ones(b))), ShapeError, ValueError, text)


def test_flatten_of_a_number(asarray) -> None:
    refused(lambda: Flatten()(asarray(1.0)), ShapeError, ValueError, r"^Flatten: x must be \(N, \.\.\.\), got \(\);")


def test_operands_that_do_not_broadcast(asarray) -> None:
    for layer in (AddLayer(), MulLayer()):
        x, y = asarray(np.ones((2, 3))), asarray(np.ones((2, 4)))
        refused(lambda layer=layer, x=x, y=y: layer(x, y), ShapeError, ValueError, r"y|broadcast")


def test_dout_of_another_shape(affine, asarray) -> None:
    affine(asarray(np.ones((2, 4))))
    text = r"^Affine: dout must be \(2, 3\), the shape of forward's output, got \(3, 2\); give it that shape"
    refused(lambda: affine.backward(asarray(np.ones((3, 2)))), ShapeError, ValueError, text)
    refused(lambda: affine.backward(asarray(np.ones(3))), ShapeError, ValueError, "dout must be")


# Types


LAYERS = [Relu, Sigmoid, Flatten, lambda: Affine.create(4, 3)]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "bool"])
def test_x_that_is_not_floating(make, kind: str, backend) -> None:
    layer, x = make(), backend.asarray(np.ones((2, 4)).astype(kind))
    name = type(layer).__name__
    text = rf"^{name}: x must be floating, got (int64|int32|uint8|bool); cast it with xp.astype\(x, xp.float32\)"
    refused(lambda: layer(x), DtypeError, TypeError, text)


def test_integers_into_a_network(net, asarray) -> None:
    x, t = asarray(np.ones((2, 4), dtype=np.int64)), asarray([0, 1])
    for call in (
        lambda: net.predict(x),
        lambda: net.loss(x, t),
        lambda: net.gradient(x, t),
        lambda: net.accuracy(x, t),
    ):
        refused(call, DtypeError, TypeError, r"^Affine: x must be floating, got int")


@pytest.mark.parametrize("value", [[[1.0, 2.0]], (1.0, 2.0), "x", None, 3.0, 1, object()])
def test_x_that_is_no_array(value: object, affine) -> None:
    kind = type(value).__name__
    text = rf"^Affine: x must be an array, got {kind}; make one with backend.asarray\(x\)"
    refused(lambda: affine(value), DtypeError, TypeError, text)


def test_integer_parameters(asarray) -> None:
    W, b = asarray(np.ones((4, 3), dtype=np.int64)), asarray(np.zeros(3))
    refused(lambda: Affine(W, b), DtypeError, TypeError, r"^Affine: W must be floating, got int")


def test_dout_that_is_no_floating_array(affine, asarray) -> None:
    affine(asarray(np.ones((2, 4))))
    integers = asarray(np.ones((2, 3), dtype=np.int64))
    refused(lambda: affine.backward(integers), DtypeError, TypeError, "^Affine: dout must be floating, got int")
    refused(lambda: affine.backward([[1.0] * 3] * 2), DtypeError, TypeError, "^Affine: dout must be an array, got list")
    refused(lambda: affine.backward(None), DtypeError, TypeError, "^Affine: dout must be an array, got NoneType")


# Labels


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (np.zeros(3, dtype=np.int64), r"^SoftmaxWithLoss: integer t must be \(2,\), got \(3,\); give one class index"),
        (
            np.zeros((2, 3), dtype=np.int64),
            r"integer t must be \(2,\), got \(2, 3\); cast one-hot labels with xp",
        ),
        (np.zeros((2, 1), dtype=np.int64), r"integer t must be \(2,\), got \(2, 1\);"),
        (np.asarray(1), r"integer t must be \(2,\), got \(\);"),
        (
            np.zeros(2),
            r"floating t must be \(2, 3\), as x, got \(2,\); give a share for each class, or cast",
        ),
        (np.zeros((2, 4)), r"floating t must be \(2, 3\), as x, got \(2, 4\);"),
    ],
)
def test_labels_of_another_shape(t: np.ndarray, text: str, asarray) -> None:
    x, t = asarray(np.ones((2, 3))), asarray(t)
    refused(lambda: SoftmaxWithLoss()(x, t), ShapeError, ValueError, text)
    net = Sequential(Relu(), loss=SoftmaxWithLoss())
    refused(lambda: net.gradient(x, t), ShapeError, ValueError, text)
    refused(lambda: net.loss(x, t, predict=True), ShapeError, ValueError, text)


@pytest.mark.parametrize("label", [3, -1, 100])
def test_labels_out_of_range(label: int, asarray, backend) -> None:
    """Where reading them would stall a device, the loss is NaN and the check of the data tells before training."""
    layer, x, t = SoftmaxWithLoss(), asarray(np.ones((2, 3))), asarray([0, label])
    if backend.library.readable(t):
        text = rf"^SoftmaxWithLoss: labels must be from 0 to 2, got {label}; give x a score for each class"
        refused(lambda: layer(x, t), ArgumentError, ValueError, text)
    else:
        assert np.isnan(to_numpy(layer(x, t)))
    refused(
        lambda: xn.datasets.check_data(x, t, 3),
        ArgumentError,
        ValueError,
        f"labels must be from 0 to 2, got {label} in row 1",
    )


def test_labels_of_another_kind(asarray) -> None:
    x = asarray(np.ones((2, 3)))
    refused(
        lambda: SoftmaxWithLoss()(x, asarray([True, False])),
        DtypeError,
        TypeError,
        "^SoftmaxWithLoss: t must be class indices or floating shares, got .*bool",
    )
    refused(lambda: SoftmaxWithLoss()(x, [0, 1]), DtypeError, TypeError, "Loss: t must be an array, got list")
    refused(
        lambda: IdentityWithLoss()(x, asarray(np.zeros((2, 3), dtype=np.int64))),
        DtypeError,
        TypeError,
        "^IdentityWithLoss: t must be floating",
    )


def test_targets_of_another_shape(asarray) -> None:
    x, t = asarray(np.ones((2, 3))), asarray(np.ones((2, 1)))
    text = r"^IdentityWithLoss: t must be \(2, 3\), as x, got \(2, 1\); give a target for each output"
    refused(lambda: IdentityWithLoss()(x, t), ShapeError, ValueError, text)


# Empty batches


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, IdentityWithLoss])
def test_a_loss_over_no_samples(loss: type[Layer], asarray) -> None:
    x = asarray(np.ones((0, 3)))
    for t in (asarray(np.zeros((0, 3))), asarray(np.zeros(0, dtype=np.int64))):
        refused(
            lambda t=t: loss()(x, t),
            ShapeError,
            ValueError,
            rf"^{loss.__name__}: x must hold at least one sample, got \(0, 3\); leave empty batches out",
        )


def test_a_network_over_no_samples(net, asarray) -> None:
    x, t = asarray(np.ones((0, 4))), asarray(np.zeros(0, dtype=np.int64))
    refused(lambda: net.gradient(x, t), ShapeError, ValueError, "x must hold at least one sample")
    refused(lambda: net.loss(x, t, predict=True), ShapeError, ValueError, "x must hold at least one sample")
    refused(lambda: net.accuracy(x, t), ArgumentError, ValueError, "at least one")


# Two libraries, two devices


def foreign_to(backend):
    """An array of another library and that library's name."""
    other = "array-api-strict" if backend.name == "numpy" else "numpy"
    if other not in xn.available_backends():
        pytest.skip(f"needs {other}")
    with xn.use_backend(other) as chosen:
        return chosen.asarray, other


def test_arrays_of_two_libraries(affine, net, backend, asarray) -> None:
    make, other = foreign_to(backend)
    x, t = make(np.ones((2, 4), dtype=np.float32)), make([0, 1])
    text = rf"^Affine: W and x must be on one library, got {backend.name} and {other}; convert x with backend.asarray"
    for call in (lambda: affine(x), lambda: net.predict(x), lambda: net.gradient(x, t)):
        refused(call, LibraryError, TypeError, text)
    own = asarray(np.ones((2, 4)))
    text = rf"x and t must be on one library, got {backend.name} and {other}; convert t"
    refused(lambda: net.gradient(own, t), LibraryError, TypeError, text)
    refused(lambda: net.accuracy(own, t), LibraryError, TypeError, f"{backend.name} and {other}")
    refused(lambda: Affine(affine.W, make(np.ones(3))), LibraryError, TypeError, "W and b must be on one library")
    refused(lambda: AddLayer()(own, x), LibraryError, TypeError, "x and y must be on one library")
    affine(own)
    dout = make(np.ones((2, 3)))
    refused(lambda: affine.backward(dout), LibraryError, TypeError, "y and dout must be on one library")


@pytest.fixture
def two_devices():
    strict = pytest.importorskip("array_api_strict")
    with xn.use_backend("array-api-strict", device="device1"):
        yield lambda values: strict.asarray(np.asarray(values), device=strict.Device("device2"))


def test_arrays_of_two_devices(two_devices) -> None:
    layer, net = Affine.create(4, 3), TwoLayerNet(4, 5, 3)
    x, t = two_devices(np.ones((2, 4), dtype=np.float32)), two_devices([0, 1])
    text = r"^Affine: W and x must be on one device, got device1 and device2; move x yourself"
    for call in (lambda: layer(x), lambda: net.predict(x), lambda: net.gradient(x, t)):
        refused(call, LibraryError, TypeError, text)
    own = xn.get_backend().asarray(np.ones((2, 4)))
    refused(lambda: net.gradient(own, t), LibraryError, TypeError, "x and t must be on one device, got device1")
    refused(lambda: net.accuracy(own, t), LibraryError, TypeError, "one device")
    refused(lambda: xn.datasets.check_data(own, t, 3), LibraryError, TypeError, "x and t must be on one device")
    layer(own)
    dout = two_devices(np.ones((2, 3), dtype=np.float32))
    refused(lambda: layer.backward(dout), LibraryError, TypeError, "y and dout must be on one device")


def test_nothing_is_moved_between_devices(two_devices) -> None:
    x = two_devices(np.ones((2, 4), dtype=np.float32))
    y = Relu()(x)
    assert str(device_of(y)) == str(device_of(x))
    assert library_of(array_namespace(y)).name == "array-api-strict"


# Calls out of order, wrong numbers of arguments


@pytest.mark.parametrize("make", LAYERS)
def test_backward_before_forward(make, asarray) -> None:
    layer = make()
    text = rf"^{type(layer).__name__}: forward must run before backward, got no forward; call forward first"
    refused(lambda: layer.backward(asarray(np.ones((2, 3)))), StateError, RuntimeError, text)


def test_backward_after_predict_alone(asarray, affine) -> None:
    affine.predict(asarray(np.ones((2, 4))))
    refused(lambda: affine.backward(1.0), StateError, RuntimeError, "forward must run before backward")


def test_calls_with_too_few_or_too_many_values(asarray, affine) -> None:
    x = asarray(np.ones((2, 4)))
    for call in (affine, lambda: affine(x, x), lambda: affine.forward(x=x, z=x), lambda: affine.forward(x, x=x)):
        refused(call, ArgumentError, ValueError, "^Affine: forward must be given x, got")
    refused(lambda: MulLayer()(x), ArgumentError, ValueError, "^MulLayer: forward must be given x, y, got 1 values")
    refused(lambda: Affine(x), ArgumentError, ValueError, "^Affine: it must be given W, b, got 1 arguments")
    refused(lambda: Relu(x), ArgumentError, ValueError, "^Relu: it must be given no arrays, got 1 arguments")


def test_layers_are_made_from_sizes_by_create() -> None:
    for make in (lambda: Affine(4, 3), lambda: Affine(np.int64(4), np.int64(3)), lambda: Affine(4)):
        refused(
            make,
            DtypeError,
            TypeError,
            r"^Affine: it must be given arrays W, b, got .*4.*; for sizes use Affine.create",
        )
    text = r"^Affine: W must be \(D, M\), got \(3,\); give it that shape"
    refused(lambda: Affine(np.ones(3), np.ones(3)), ShapeError, ValueError, text)
    text = "^Affine: {} must be a positive integer, got"
    refused(lambda: Affine.create(0, 3), ArgumentError, ValueError, text.format("inputs"))
    refused(lambda: Affine.create(4, 3.0), ArgumentError, ValueError, text.format("outputs"))


# NaN


def test_nan_in_the_data_is_refused_before_training_and_passes_through_a_layer(asarray) -> None:
    x = asarray([[1.0, float("nan")], [0.0, 1.0]])
    assert np.isnan(to_numpy(Relu()(x))[0, 1])
    text = "^check_data: x must be finite, got NaN or infinity in row 0; drop or clean it"
    refused(lambda: xn.datasets.check_data(x, asarray([0, 1]), 2), ArgumentError, ValueError, text)
    refused(lambda: xn.gradient_check(Relu(), x), ArgumentError, ValueError, "x must be finite, got NaN or infinity")


def test_a_loss_of_nan_scores_is_nan(asarray) -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(to_numpy(SoftmaxWithLoss()(asarray([[float("nan"), 1.0]]), asarray([0]))))


# The switch


def test_backends_that_cannot_be_had() -> None:
    refused(lambda: xn.set_backend("nunpy"), ArgumentError, ValueError, "^set_backend: backend must be one of numpy")
    refused(lambda: xn.set_backend("numpy", device=1), BackendError, RuntimeError, "^backend numpy: device must be")
    refused(lambda: xn.set_backend("numpy", dtype="int8"), ArgumentError, ValueError, "dtype must be a floating dtype")
    if "cupy" not in xn.available_backends():
        refused(lambda: xn.set_backend("cupy"), BackendError, RuntimeError, "^backend cupy: .*choose the backend numpy")


@pytest.mark.parametrize("device", [99, "99", -1, "gpu:7"])
def test_a_device_that_this_machine_has_not(device: object, where) -> None:
    refused(
        lambda: xn.set_backend(where.library, device=device),
        BackendError,
        RuntimeError,
        rf"^backend {where.library}: device must be .*, got .*(name|index)",
    )


# The errors themselves

KINDS = {
    ArgumentError: ValueError,
    ShapeError: ValueError,
    DtypeError: TypeError,
    LibraryError: TypeError,
    BackendError: RuntimeError,
    StateError: RuntimeError,
    NameUnknownError: KeyError,
    DataError: OSError,
    GradientError: AssertionError,
    DivergenceError: ArithmeticError,
}


def test_every_kind_of_error_is_a_builtin_too() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, XpnetError)}
    for kind in kinds - {XpnetError} - KINDS.keys():
        assert any(issubclass(kind, known) for known in KINDS), kind
    for kind, builtin in KINDS.items():
        assert issubclass(kind, builtin)
        assert issubclass(kind, XpnetError)


@pytest.mark.parametrize("kind", [XpnetError, *KINDS])
def test_errors_keep_their_parts_when_copied_and_pickled(kind: type[XpnetError]) -> None:
    error = kind("Affine", "x must be (N, 4)", (2, 5), "give it that shape")
    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(same) == "Affine: x must be (N, 4), got (2, 5); give it that shape"
        assert (same.who, same.must, same.got, same.remedy) == (
            "Affine",
            "x must be (N, 4)",
            (2, 5),
            "give it that shape",
        )
