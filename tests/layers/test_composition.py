"""Layers made of layers: names, what they spare, a forward without a backward, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError, StateError
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Concat,
    Dropout,
    Flatten,
    Relu,
    Reshape,
    Residual,
    Sigmoid,
    SoftmaxWithLoss,
    Transpose,
)
from xpnet.layers.composition import Chain, in_a_row
from xpnet.layers.owner import Owner
from xpnet.networks import Sequential
from xpnet.random import Generator


def normal(name: str, *shape: int) -> np.ndarray:
    return Generator(0).normal(shape, f"test.{name}")


def affine(inputs: int, outputs: int, seed: int = 0) -> Affine:
    return Affine.create(inputs, outputs, rng=Generator(seed))


# Names


def test_the_layers_of_a_residual_are_named_as_in_a_sequential():
    block = Residual(affine(4, 3), Relu(), affine(3, 4), shortcut=affine(4, 4))
    assert list(block.layers) == ["Affine1", "Relu1", "Affine2", "shortcut"]
    assert list(block.params) == [f"{n}.{k}" for n in ("Affine1", "Affine2", "shortcut") for k in ("W", "b")]
    assert list(Residual({"inner": affine(4, 4)}).params) == ["inner.W", "inner.b"]


def test_the_branches_of_a_concat_are_layers_or_lists_of_them():
    layer = Concat(affine(4, 3), [affine(4, 2), Relu()], [affine(4, 1)])
    assert list(layer.layers) == ["Affine1", "Chain1", "Chain2", "join"]
    assert list(layer.params) == [f"{n}.{k}" for n in ("Affine1", "Chain1.Affine1", "Chain2.Affine1") for k in "Wb"]


def test_a_row_of_layers_opens_chains_and_keeps_other_owners_whole():
    net = Sequential(Sequential(affine(4, 4), Chain(Relu())), Residual(affine(4, 4)), Concat(Relu(), Sigmoid()))
    assert list(in_a_row(net)) == [
        "Sequential1.Affine1",
        "Sequential1.Chain1.Relu1",
        "Residual1",
        "Concat1",
    ]


# Values


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_concat_along_any_axis(axis: int, asarray):
    x = normal("x", 2, 3, 4)
    layer = Concat(Relu(), Sigmoid(), axis=axis)
    expected = np.concatenate([np.maximum(x, 0.0), 1.0 / (1.0 + np.exp(-x))], axis=axis)
    np.testing.assert_allclose(to_numpy(layer(asarray(x))), expected, rtol=1e-6, atol=1e-6)
    xn.gradient_check(layer, asarray(x)).raise_if_failed()


def test_one_branch_is_enough(asarray):
    x = asarray(normal("x", 2, 3))
    np.testing.assert_array_equal(to_numpy(Concat(Relu())(x)), to_numpy(Relu()(x)))


def test_residuals_train_and_infer():
    block = Residual(Dropout(0.5, rng=Generator(0)), shortcut=[BatchNormalization.create(4), Dropout(0.5)])
    x = normal("x", 6, 4).astype(np.float32)
    before = dict(block.states)
    np.testing.assert_allclose(block.predict(x), x + x / np.sqrt(1 + 1e-5, dtype=np.float32), rtol=1e-5)
    assert all(block.states[name] is value for name, value in before.items())
    assert not np.allclose(block(x), block.predict(x))
    assert block.states["Dropout1.step"] == 1


# What training spares


class Spy(Affine):
    """An Affine that notes whether it was asked for dx."""

    def __init__(self, *arrays):
        super().__init__(*arrays)
        self.asked: list[bool] = []

    def backward(self, dout):
        self.asked.append(self.needs_dx)
        return super().backward(dout)


class Unasked(Relu):
    def backward(self, dout):
        raise AssertionError("nobody needs it")


def spy(name: str) -> Spy:
    return Spy(normal(name, 4, 4), normal(name + ".b", 4))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda one, two: Residual(Unasked(), one, Relu(), two), [[False], [True]]),
        (lambda one, two: Residual(one, shortcut=two), [[False], [False]]),
        (lambda one, two: Residual(one, Relu(), shortcut=[Relu(), two]), [[False], [False]]),
        (lambda one, two: Concat(one, [Unasked(), two]), [[False], [False]]),
        (lambda one, two: Concat(Unasked(), [one, Residual(two)]), [[False], [True]]),
        (lambda one, two: Chain(Residual(one), Concat(two)), [[False], [True]]),
    ],
)
def test_the_first_layers_of_every_branch_compute_no_dx_in_training(make, expected):
    one, two = spy("one"), spy("two")
    first = make(one, two)
    x, t = normal("x", 3, 4), np.asarray([0, 1, 2])
    width = first(x).shape[1]
    net = Sequential(Flatten(), first, affine(width, 3).astype("float64"), loss=SoftmaxWithLoss())
    found = net.gradient(x, t)
    assert [one.asked, two.asked] == expected
    assert one.needs_dx
    assert first.needs_dx
    for layer in (one, two):
        layer.asked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unasked, "backward", Relu.backward)
        net.loss(x, t)
        assert net.backward(net.last_layer.backward(1.0)).shape == x.shape
    assert [one.asked, two.asked] == [[True], [True]]
    for name, gradient in net.grads.items():
        np.testing.assert_array_equal(gradient, found[name])


def test_an_owner_with_a_backward_of_its_own_gets_every_dx():
    class Doubled(Residual):
        def backward(self, dout=1.0):
            for layer in self.layers.values():
                assert layer.needs_dx
            return super().backward(dout)

    one = spy("one")
    net = Sequential(Doubled(one), affine(4, 3).astype("float64"), loss=SoftmaxWithLoss())
    net.gradient(normal("x", 3, 4), np.asarray([0, 1, 2]))
    assert one.asked == [True]


# A forward without a backward


class Twice(Owner):
    """A layer of one's own in which one layer is called twice: ``y = f(f(x)) x``."""

    def __init__(self, layer):
        self.layers = {"f": layer}

    def forward(self, x):
        return self.layers["f"](self.layers["f"](x)) * x


def test_the_backward_of_a_forward_comes_from_the_tape(asarray, defer_to_variables):
    layer = Twice(Affine(asarray(normal("W", 4, 4)), asarray(normal("b", 4))))
    x = asarray(normal("x", 3, 4))
    y = layer(x)
    assert not isinstance(y, xn.Variable)
    assert layer.backward(1.0).shape == x.shape
    assert {name: g.shape for name, g in layer.grads.items()} == {"f.W": (4, 4), "f.b": (4,)}
    xn.gradient_check(layer, x).raise_if_failed()


def test_the_gradient_of_a_layer_called_twice_is_the_sum_over_the_calls():
    W, b, x, dout = normal("W", 4, 4), normal("b", 4), normal("x", 3, 4), normal("dout", 3, 4)
    layer = Twice(Affine(W, b))
    layer(x)
    dx = layer.backward(dout)
    h = x @ W + b
    dh = dout * x @ W.T
    np.testing.assert_allclose(layer.grads["f.W"], h.T @ (dout * x) + x.T @ dh, rtol=1e-12)
    np.testing.assert_allclose(layer.grads["f.b"], np.sum(dout * x + dh, axis=0), rtol=1e-12)
    np.testing.assert_allclose(dx, dout * (h @ W + b) + dh @ W.T, rtol=1e-12)


def test_several_inputs_have_a_gradient_each():
    class Gate(Owner):
        def __init__(self):
            self.layers = {"gate": Affine(normal("W", 4, 4), normal("b", 4))}

        def forward(self, x, z, scale=None):
            return x * self.layers["gate"](z) * (1.0 if scale is None else scale)

    layer, x, z = Gate(), normal("x", 3, 4), normal("z", 3, 4)
    xn.gradient_check(layer, x, z).raise_if_failed()
    xn.gradient_check(layer, x, z, normal("scale", 3, 4)).raise_if_failed()
    layer.forward(x, z=z)
    _, dz, dscale = layer.backward(1.0)
    assert dscale is None
    np.testing.assert_allclose(dz, x @ layer.layers["gate"].W.T)


def test_forwards_of_one_s_own_nest_and_are_recorded_once(asarray, defer_to_variables):
    inner = Twice(Affine(asarray(normal("W", 4, 4)), asarray(normal("b", 4))))
    layer, x = Twice(inner), asarray(normal("x", 3, 4))
    xn.gradient_check(layer, x).raise_if_failed()
    layer(x)
    assert inner._tape is None


def test_a_forward_over_functions_of_the_standard():
    class Scores(Owner):
        def __init__(self):
            self.layers = {"query": Affine(normal("W", 4, 4), normal("b", 4))}

        def forward(self, x):
            xp = array_namespace(x)
            q = self.layers["query"](x)
            return xp.exp(xp.tanh(q @ self.layers["query"].W)) + xp.sum(x)

    xn.gradient_check(Scores(), normal("x", 3, 4)).raise_if_failed()


def test_a_forward_of_one_s_own_keeps_nothing_in_predict_and_none_of_it_on_disk():
    layer = Twice(Affine(normal("W", 4, 4), normal("b", 4)))
    x = normal("x", 3, 4)
    y = layer.predict(x)
    assert layer._tape is None
    np.testing.assert_array_equal(layer(x), y)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x), y)
        assert other.backward(1.0).shape == x.shape
    single = layer.astype("float32")
    assert single(x.astype(np.float32)).dtype == np.float32
    assert single.layers["f"] is not layer.layers["f"]


def test_a_forward_of_one_s_own_wants_forward_first_and_the_right_dout():
    layer = Twice(Affine(normal("W", 4, 4), normal("b", 4)))
    with pytest.raises(StateError, match="Twice: forward must run before backward"):
        layer.backward(1.0)
    layer(normal("x", 3, 4))
    with pytest.raises(ShapeError, match=r"Twice: dout must be \(3, 4\), the shape of forward's output"):
        layer.backward(normal("dout", 3, 3))


def test_attributes_that_hold_a_layer_follow_into_predict():
    class Named(Owner):
        def __init__(self):
            self.noise = Dropout(0.5, rng=Generator(0))
            self.layers = {"noise": self.noise}

        def forward(self, x):
            return self.noise(x)

    layer, x = Named(), np.ones((4, 8))
    np.testing.assert_array_equal(layer.predict(x), x)
    assert not np.array_equal(layer(x), x)
    assert layer.astype("float32").noise is not layer.noise


# Shapes


def test_reshape_and_transpose_take_their_numbers_as_they_come():
    x = np.arange(24.0).reshape(2, 3, 4)
    for layer in (Reshape(2, 6), Reshape((2, 6)), Reshape([2, -1]), Reshape(-1, 6)):
        np.testing.assert_array_equal(layer(x), x.reshape(2, 2, 6))
    assert Reshape(-1, 3)(np.zeros((0, 3, 4))).shape == (0, 4, 3)
    assert Reshape()(np.zeros((5, 1))).shape == (5,)
    for order in ((0, 2, 1), (2, 0, 1), (1, 2, 0)):
        layer = Transpose(order)
        y = layer(x)
        np.testing.assert_array_equal(y, x.transpose(order))
        np.testing.assert_array_equal(layer.backward(y), x)


# What is refused


def test_branches_that_do_not_fit_are_refused(asarray):
    x = asarray(normal("x", 2, 4))
    message = (
        r"Residual: f\(x\) must have the shape of its shortcut, got \(2, 3\) for \(2, 4\); give shortcut=, a layer"
    )
    with pytest.raises(ShapeError, match=message):
        Residual(affine(4, 3))(x)
    with pytest.raises(ShapeError, match=r"got \(2, 1\) for \(2, 4\)"):
        Residual(affine(4, 1))(x)
    images = asarray(normal("x", 2, 2, 4))
    message = r"Concat: what branch 2 gives must fit that of branch 1 but along axis 1, got \(2, 4, 2\) for \(2, 2, 4\)"
    with pytest.raises(ShapeError, match=message):
        Concat(Relu(), Reshape(4, 2))(images)
    with pytest.raises(ShapeError, match=r"got \(2, 8\) for \(2, 2, 4\)"):
        Concat(Relu(), Flatten(), axis=2)(images)


def test_an_axis_that_the_branches_lack_is_refused(asarray):
    x = asarray(normal("x", 2, 4))
    for axis in (2, 5, -3):
        with pytest.raises(ShapeError, match=rf"Concat: what its branches give must have axis {axis}, got \(2, 4\) of"):
            Concat(Relu(), Sigmoid(), axis=axis)(x)
    assert Concat(Relu(), Sigmoid(), axis=-2)(x).shape == (4, 4)
    for axis in (1.0, "1", None, True):
        with pytest.raises(DtypeError, match=r"Concat: axis must be an integer, got .*; for channels write axis=1"):
            Concat(Relu(), Sigmoid(), axis=axis)


def test_sizes_and_axes_may_be_integers_of_numpy(asarray):
    sizes = np.asarray([2, -1])
    x = asarray(normal("x", 3, 4))
    assert Reshape(*sizes)(x).shape == (3, 2, 2)
    assert Transpose(*np.asarray([1, 0]))(x).shape == (4, 3)


def test_layers_in_a_list_are_to_be_unpacked():
    with pytest.raises(DtypeError, match=r"Residual: list1 must be a layer, got list; unpack it, Residual\(\*layers\)"):
        Residual([Relu()])
    with pytest.raises(DtypeError, match=r"Sequential: a layer's name must be a string, got 1; name it"):
        Sequential({1: Relu()})


@pytest.mark.parametrize(
    ("shape", "text"), [((0, 2), r"\(0, 2\)"), ((-1, -1), r"\(-1, -1\)"), ((2.0,), "2.0"), ((-2,), "-2")]
)
def test_what_is_no_shape_is_refused(shape, text):
    with pytest.raises(
        ArgumentError, match=rf"Reshape: shape must be sizes from 1, one of which may be -1, got .*{text}"
    ):
        Reshape(*shape)


def test_samples_that_do_not_fill_the_shape_are_refused():
    with pytest.raises(ShapeError, match=r"Reshape: a sample must fill \(2, 3\), got \(4,\); give it 6 values"):
        Reshape(2, 3)(np.zeros((5, 4)))
    with pytest.raises(ShapeError, match=r"Reshape: a sample must fill \(-1, 3\), got \(4,\)"):
        Reshape(-1, 3)(np.zeros((5, 4)))


@pytest.mark.parametrize("axes", [(), (0, 0), (1, 2), (0, 1.0), (0, -1)])
def test_what_is_no_order_of_axes_is_refused(axes):
    with pytest.raises(ArgumentError, match=r"Transpose: axes must be the numbers of all axes, each once, got"):
        Transpose(*axes)


def test_another_number_of_axes_is_refused():
    with pytest.raises(ShapeError, match=r"Transpose: x must have 3 axes, got \(2, 4\); name every axis"):
        Transpose(0, 2, 1)(np.zeros((2, 4)))


def test_what_owners_do_not_take():
    relu = Relu()
    for make in (
        lambda: Residual(relu, relu),
        lambda: Residual(relu, shortcut=relu),
        lambda: Concat(relu, [affine(4, 4), relu]),
        lambda: Sequential(Residual(relu), relu),
    ):
        with pytest.raises(ArgumentError, match=r"each layer must be another object, got one Relu as .* and "):
            make()
    W, b = np.eye(3), np.zeros(3)
    with pytest.raises(ArgumentError, match=r"Concat: .* got one array as Affine1.W and Affine2.W; copy it"):
        Concat(Affine(W, b), Affine(W, np.zeros(3)))
    for make in (Residual, Concat, lambda: Concat([]), lambda: Residual(Relu(), shortcut=[])):
        with pytest.raises(ArgumentError, match=r"(Residual|Concat|Chain): it must have at least one layer"):
            make()
    with pytest.raises(DtypeError, match="Residual: type1 must be a layer, got type"):
        Residual(Relu)
    with pytest.raises(DtypeError, match="Concat: function1 must be a layer, got function"):
        Concat(lambda x: x)
    with pytest.raises(DtypeError, match="Residual: shortcut must be a layer, got int"):
        Residual(Relu(), shortcut=3)


def test_a_loss_inside_another_layer_is_refused():
    inner = Sequential(affine(4, 4), loss=SoftmaxWithLoss())
    for make in (lambda: Sequential(inner, Relu()), lambda: Residual(inner), lambda: Concat(Relu(), inner)):
        with pytest.raises(
            ArgumentError, match=r"a network inside another must have no loss, got Sequential1 with Soft"
        ):
            make()
