"""What networks refuse, by text."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError, StateError
from xpnet.layers import LSTM, Affine, Relu
from xpnet.networks import Sequential, TwoLayerNet


def test_one_layer_in_two_places_is_refused() -> None:
    relu = Relu()
    for layers in ((relu, Affine.create(3, 3), relu), (Sequential(relu), relu), (Sequential(Sequential(relu)), relu)):
        with pytest.raises(
            ArgumentError, match=r"Sequential: each layer must be another object, got one Relu as .* and"
        ):
            Sequential(*layers)


def test_one_array_under_two_names_is_refused(asarray) -> None:
    W, b, c = asarray(np.eye(3)), asarray(np.zeros(3)), asarray(np.zeros(3))
    with pytest.raises(ArgumentError, match=r"got one array as Affine1.W and Affine2.W; copy it"):
        Sequential(Affine(W, b), Relu(), Affine(W, c))
    with pytest.raises(ArgumentError, match=r"got one array as Sequential1.Affine1.b and Affine1.b"):
        Sequential(Sequential(Affine(W, b)), Affine(asarray(np.eye(3)), b))


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(DtypeError, match="Sequential: type1 must be a layer, got type;"):
        Sequential(Affine.create(2, 2), Relu)
    with pytest.raises(DtypeError, match="function1 must be a layer, got function"):
        Sequential(lambda x: x)
    with pytest.raises(DtypeError, match="loss must be a layer, got str"):
        Sequential(Relu(), loss="cross-entropy")
    with pytest.raises(ArgumentError, match="it must have at least one layer"):
        Sequential()
    with pytest.raises(ArgumentError, match="it must have at least one layer"):
        Sequential({})
    with pytest.raises(ArgumentError, match=r"a layer's name must have no dot, got 'a.b'"):
        Sequential({"a.b": Relu()})


def test_a_network_without_a_loss_predicts_only(asarray) -> None:
    net = Sequential(Affine.create(4, 3))
    x, t = asarray(np.ones((2, 4))), asarray([0, 1])
    assert net.predict(x).shape == (2, 3)
    for call in (net.loss, net.gradient, net.numerical_gradient):
        with pytest.raises(StateError, match="Sequential: a loss layer must end it, got none; build it with loss="):
            call(x, t)


@pytest.mark.parametrize("sizes", [(0, 3, 2), (4, -1, 2), (4, 3, 2.0), ("4", 3, 2), (True, 3, 2)])
def test_sizes_that_are_no_positive_integers_are_refused(sizes: tuple[object, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"^TwoLayerNet: \w+_size must be a positive integer, got .*; give"):
        TwoLayerNet(*sizes)


def test_an_unknown_initial_spread_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"init must be one of he, glorot, lecun, .* got 'xavier'"):
        Affine.create(3, 2, init="xavier")


def test_layers_of_two_libraries_are_told_apart_on_the_way() -> None:
    pytest.importorskip("array_api_strict")
    with xn.use_backend("array-api-strict"):
        second = Affine.create(3, 2)
    with pytest.raises(LibraryError, match="Affine2: W and x must be on one library, got array-api-strict and numpy"):
        Sequential(Affine.create(4, 3), second)(np.ones((1, 4), dtype=np.float32))


def test_weights_in_the_place_of_predict_are_refused() -> None:
    """``gradient`` takes weights third, where ``loss`` has ``predict``."""
    net, x, t, w = TwoLayerNet(3, 2, 2), np.ones((2, 3)), np.asarray([0, 1]), np.ones(2)
    for weights in (w, [1.0, 1.0], 1):
        with pytest.raises(DtypeError, match=r"TwoLayerNet: predict must be True or False, got .*; give weights by"):
            net.loss(x, t, weights)
    assert net.loss(x, t, np.bool_(True)) == net.loss(x, t, weights=w)


def test_targets_of_none_are_refused() -> None:
    with pytest.raises(DtypeError, match="SoftmaxWithLoss: t must be an array, got NoneType"):
        TwoLayerNet(3, 2, 2).loss(np.ones((2, 3)), None)


@pytest.mark.parametrize("dtype", ["int64", "float12", None])
def test_a_dtype_that_is_not_floating_is_refused(dtype) -> None:
    with pytest.raises(DtypeError, match=r"astype: dtype must be floating, got .*; give \"float32\" or \"float64\""):
        TwoLayerNet(3, 2, 2).astype(dtype)


def test_an_error_says_which_layer_of_its_kind_it_is() -> None:
    net = Sequential(Affine.create(3, 4), Relu(), Affine.create(4, 4), Relu(), Affine.create(12, 2))
    with pytest.raises(ShapeError, match=r"^Affine3: x must be \(N, 12\), got \(2, 4\); give each row 12 values"):
        net.predict(np.ones((2, 3), "float32"))
    inner = Sequential(Sequential(Affine.create(3, 4), Affine.create(3, 2)), Affine.create(2, 2))
    with pytest.raises(ShapeError, match=r"^Affine2: x must be \(N, 3\), got \(2, 4\)"):
        inner.predict(np.ones((2, 3), "float32"))


def test_an_error_of_flattened_axes_tells_what_they_were() -> None:
    net = Sequential(LSTM.create(4, 16), Affine.create(16, 2))
    text = r"got \(5, 240\); .*; it was \(5, 15, 16\), of which Linear would map the last axis"
    with pytest.raises(ShapeError, match=text):
        net.predict(np.ones((5, 15, 4), "float32"))
