"""Arrays of another shape or type, and calls out of order, are refused on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

from xpnet.errors import ArgumentError, DtypeError, ShapeError, StateError
from xpnet.layers import AddLayer, Affine, Convolution, Flatten, LayerNormalization, MatMul, MulLayer, Relu, Sigmoid


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((2, 5), r"^Affine1?: x must be \(N, 4\), got \(2, 5\); give each row 4 values"),
        ((4,), r"^Affine1?: x must be \(N, 4\), got \(4,\); add the batch axis with x\[None, \.\.\.\]"),
        ((2, 1, 3, 3), r"^Affine1?: x must be \(N, 4\), got \(2, (9|1, 3, 3)\);"),
        ((), r"^Affine1?: x must be \(N, 4\), got \(\);"),
        ((0, 3), r"^Affine1?: x must be \(N, 4\), got \(0, 3\);"),
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
        refused(
            lambda layer=layer, x=x, y=y: layer(x, y), ShapeError, ValueError, r"x and y must broadcast, got \(2, 3\)"
        )


def test_dout_of_another_shape(affine, asarray) -> None:
    affine(asarray(np.ones((2, 4))))
    text = r"^Affine: dout must be \(2, 3\), the shape of forward's output, got \(3, 2\); give it that shape"
    refused(lambda: affine.backward(asarray(np.ones((3, 2)))), ShapeError, ValueError, text)
    refused(lambda: affine.backward(asarray(np.ones(3))), ShapeError, ValueError, "dout must be")


LAYERS = [Relu, Sigmoid, Flatten, lambda: Affine.create(4, 3)]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "bool"])
def test_x_that_is_not_floating(make, kind: str, backend) -> None:
    layer, x = make(), backend.asarray(np.ones((2, 4)).astype(kind))
    name = type(layer).__name__
    text = rf"^{name}: x must be floating, got (int64|int32|uint8|bool); cast it with xn.asarray\(x\)"
    refused(lambda: layer(x), DtypeError, TypeError, text)


def test_integers_into_a_network(net, asarray) -> None:
    x, t = asarray(np.ones((2, 4), dtype=np.int64)), asarray([0, 1])
    for call in (
        lambda: net.predict(x),
        lambda: net.loss(x, t),
        lambda: net.gradient(x, t),
        lambda: net.accuracy(x, t),
    ):
        refused(call, DtypeError, TypeError, r"^Affine1: x must be floating, got int")


@pytest.mark.parametrize("value", [[[1.0, 2.0]], (1.0, 2.0), "x", None, 3.0, 1, object()])
def test_x_that_is_no_array(value: object, affine) -> None:
    kind = type(value).__name__
    text = rf"^Affine: x must be an array, got {kind}; make one with xn.asarray\(x\)"
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
    refused(lambda: MatMul(x, x), ArgumentError, ValueError, "^MatMul: it must be given W, got 2 arguments")
    refused(lambda: Relu(x), ArgumentError, ValueError, "^Relu: it must be given no arrays, got 1 arguments")


def test_layers_are_made_from_sizes_by_create() -> None:
    for make in (lambda: Affine(4, 3), lambda: Affine(np.int64(4), np.int64(3)), lambda: Affine(4)):
        refused(
            make,
            DtypeError,
            TypeError,
            r"^Affine: it must be given arrays W, b, got .*4.*; for sizes use Affine.create",
        )
    text = "^{}: it must be given arrays .*, got {}; for sizes use {}.create"
    refused(lambda: LayerNormalization(8), DtypeError, TypeError, text.format(*["LayerNormalization", 8] * 2))
    refused(lambda: Convolution(1, 4, 3), DtypeError, TypeError, text.format(*["Convolution", "1, 4, 3"] * 2))

    class Square(Affine):
        def __init__(self, size):
            super().__init__(np.ones((size, size)), np.ones(size))

    class Sizeless(Affine):
        def __init__(self):
            super().__init__(np.ones((2, 2)), np.ones(2))

    assert Square(3).W.shape == (3, 3)
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        Sizeless(3)
    text = r"^Affine: W must be \(D, M\), got \(3,\); give it that shape"
    refused(lambda: Affine(np.ones(3), np.ones(3)), ShapeError, ValueError, text)
    text = "^Affine: {} must be a positive integer, got"
    refused(lambda: Affine.create(0, 3), ArgumentError, ValueError, text.format("inputs"))
    refused(lambda: Affine.create(4, 3.0), ArgumentError, ValueError, text.format("outputs"))
