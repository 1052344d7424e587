"""Branches, shapes and containers that do not fit are refused."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import Affine, Concat, Flatten, Relu, Reshape, Residual, Sigmoid, SoftmaxWithLoss, Transpose
from xpnet.networks import Sequential


def test_branches_that_do_not_fit_are_refused(asarray):
    x = asarray(normal("x", 2, 4))
    message = (
        r"Residual: f\(x\) must have the shape of its shortcut, got \(2, 3\) for \(2, 4\); give shortcut=, a layer"
    )
    with pytest.raises(ShapeError, match=message):
        Residual(Affine.create(4, 3))(x)
    with pytest.raises(ShapeError, match=r"got \(2, 1\) for \(2, 4\)"):
        Residual(Affine.create(4, 1))(x)
    images = asarray(normal("x", 2, 2, 4))
    message = (
        r"Concat: the output of branch 2 must fit that of branch 1 except along axis 1, got \(2, 4, 2\) for \(2, 2, 4\)"
    )
    with pytest.raises(ShapeError, match=message):
        Concat(Relu(), Reshape(4, 2))(images)
    with pytest.raises(ShapeError, match=r"got \(2, 8\) for \(2, 2, 4\)"):
        Concat(Relu(), Flatten(), axis=2)(images)


def test_an_axis_that_the_branches_lack_is_refused(asarray):
    x = asarray(normal("x", 2, 4))
    for axis in (2, 5, -3):
        with pytest.raises(ShapeError, match=rf"Concat: its branches' outputs must have axis {axis}, got \(2, 4\) of"):
            Concat(Relu(), Sigmoid(), axis=axis)(x)
    assert Concat(Relu(), Sigmoid(), axis=-2)(x).shape == (4, 4)
    for axis in (1.0, "1", None, True):
        with pytest.raises(DtypeError, match=r"Concat: axis must be an integer, got .*; for channels write axis=1"):
            Concat(Relu(), Sigmoid(), axis=axis)


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
        lambda: Concat(relu, [Affine.create(4, 4), relu]),
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


def test_the_shortcut_of_a_residual_is_no_layer_of_its_row():
    message = r"Residual: the name shortcut must be that of the way around, got .*; give it as shortcut=…, or another"
    for shortcut in (None, Relu()):
        with pytest.raises(ArgumentError, match=message):
            Residual({"hidden": Relu(), "shortcut": Affine.create(4, 4)}, shortcut=shortcut)


def test_a_loss_inside_another_layer_is_refused():
    inner = Sequential(Affine.create(4, 4), loss=SoftmaxWithLoss())
    for make in (lambda: Sequential(inner, Relu()), lambda: Residual(inner), lambda: Concat(Relu(), inner)):
        with pytest.raises(
            ArgumentError, match=r"a network inside another must have no loss, got Sequential1 with Soft"
        ):
            make()
