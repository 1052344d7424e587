"""Forty mutations of right layers: the check fails, names the true cause first, and no layer that is right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.layers import Affine, Layer, MeanSquaredError, SoftmaxWithLoss, Tanh
from xpnet.networks import Sequential
from xpnet.random import Generator

SOURCE = (Path(__file__).parent / "right_layers.py").read_text(encoding="utf-8")
X = normal("x", 4, 4)

# what each layer is given: its inputs, then its parameters
GIVEN: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "Mul": ((X, normal("y", 4, 4)), ()),
    "Sub": ((X, normal("y", 4, 4)), ()),
    "Div": ((X, 2.0 + np.abs(normal("y", 4, 4))), ()),
    "Affine": ((X,), (normal("W", 4, 4), normal("b", 4))),
    "Standardize": ((X,), (1.0 + 0.1 * normal("g", 4), normal("b", 4))),
    "Rearrange": ((normal("x", 2, 3, 3),), ()),
    "SoftmaxLoss": ((normal("x", 5, 3), np.asarray([0, 2, 1, 1, 0])), ()),
    "SquaredLoss": ((normal("x", 5, 3), normal("t", 5, 3)), ()),
}

# layer, what stands there, what a student writes, the cause that must be named first
MUTATIONS = [
    ("Mul", "return dx, dy", "return dy, dx", "x and y are exchanged"),
    ("Mul", "dx = dout * self.y", "dx = dout * self.x", "it is the gradient of y"),
    ("Mul", "dx = dout * self.y", "dx = dout", "dout is passed on unchanged: multiply it by"),
    ("Mul", "dx = dout * self.y", "dx = dout * self.x * self.y", "there is a factor x too many"),
    ("Mul", "dy = dout * self.x", "dy = self.x", "dout is ignored"),
    ("Sub", "return dout, -dout", "return dout, dout", "its sign is wrong"),
    ("Sub", "return dout, -dout", "return -dout, dout", "are exchanged|sign is wrong"),
    ("Div", "-dout * self.x / self.y**2", "dout * self.x / self.y**2", "its sign is wrong"),
    ("Relu", "dx = np.where(self.mask, 0.0, dout)", "dx = dout", "the mask is not applied"),
    ("Relu", "dx = np.where(self.mask, 0.0, dout)", "dx = np.where(self.mask, dout, 0.0)", "the wrong way round"),
    ("Relu", "dx = np.where(self.mask, 0.0, dout)", "dx = 1.0 - self.mask", "dout is ignored"),
    ("Relu", "dx = np.where(self.mask, 0.0, dout)", "dout[self.mask] = 0; dx = dout", "wrote into dout"),
    ("Sigmoid", "dout * self.out * (1.0 - self.out)", "dout * self.out", r"a factor \(1 - y\) is missing"),
    ("Sigmoid", "dout * self.out * (1.0 - self.out)", "dout * (1.0 - self.out)", "a factor y is missing"),
    ("Sigmoid", "dout * self.out * (1.0 - self.out)", "self.out * (1.0 - self.out)", "dout is ignored"),
    ("Sigmoid", "dout * self.out * (1.0 - self.out)", "dout * self.x * (1.0 - self.x)", "x is used where y belongs"),
    ("Sigmoid", "dout * self.out * (1.0 - self.out)", "dout", "multiply it by the derivative of the layer"),
    ("Sigmoid", "(1.0 - self.out)", "(self.out - 1.0)", "its sign is wrong"),
    ("Tanh", "(1.0 - self.y**2)", "(1.0 - self.y)", r"a factor \(1 \+ y\) is missing"),
    ("Tanh", "(1.0 - self.y**2)", "(1.0 - self.x**2)", "x is used where y belongs"),
    ("Tanh", "dout * (1.0 - self.y**2)", "1.0 - self.y**2", "dout is ignored"),
    ("Exp", "dout * self.y", "dout", "multiply it by the derivative of the layer"),
    ("Exp", "dout * self.y", "dout * self.y * self.y", "there is a factor y too many"),
    ("Square", "dout * self.x + dout * self.x", "dout * self.x", "0.5 times the right one.*one of two uses"),
    ("Gate", "dout + dout * (", "dout * (", "a term dout is missing: add the gradients of all uses"),
    ("Affine", "self.x.T @ dout", "self.x @ dout", "x is not transposed"),
    ("Affine", "self.x.T @ dout", "dout.T @ self.x", "a transposed product"),
    ("Affine", "dout @ self.W.T", "dout @ self.W", "a transposed product"),
    ("Affine", "np.sum(dout, axis=0)", "dout[0]", "the first row alone"),
    ("Affine", "np.sum(dout, axis=0)", "np.sum(dout, axis=1)", "the wrong axis in the bias sum"),
    ("Affine", "np.sum(dout, axis=0)", "np.mean(dout, axis=0)", "a mean for a sum"),
    ("Affine", "np.sum(dout, axis=0)", "np.sum(dout)", "over all axes and not over axis 0"),
    ("Affine", "np.sum(dout, axis=0)", "dout", "not summed over the batch"),
    ("Affine", "self.dW = self.x.T @ dout", "self.dW = getattr(self, 'dW', 0) + self.x.T @ dout", "do not accumulate"),
    ("Affine", "self.dW = self.x.T @ dout", "self.dW = np.outer(self.x[0], dout[0])", "the first row alone"),
    ("Affine", "self.dW = self.x.T @ dout", "dW = self.x.T @ dout", "backward leaves it out"),
    ("Affine", "return dx", "return None", "backward leaves it out"),
    ("Softmax", "(dout - np.sum(dout * self.y, axis=1, keepdims=True))", "dout", "add up to 0 over axis 1"),
    ("Centre", "dout - dout.mean(axis=0)", "dout", "unchanged|add up to 0 over axis 0"),
    ("Standardize", "(d - d.mean(axis=0) - self.xhat * (d * self.xhat).mean(axis=0))", "d", "add up to 0 over axis 0"),
    ("Standardize", "np.sum(dout * self.xhat, axis=0)", "np.sum(dout, axis=0)", "it is the gradient of beta"),
    ("Rearrange", "np.transpose(dout, (0, 2, 1))", "dout", r"its axes are in another order, \(0, 2, 1\)|unchanged"),
    ("PoolMean", ", axis=1) / 2", ", axis=1)", "2 times too large.*averaged"),
    ("SoftmaxLoss", "dx[np.arange(len(self.t)), self.t] -= 1", "pass", "the labels are not subtracted"),
    ("SoftmaxLoss", " / len(self.t)", "", "5 times too large.*missing division by the batch size"),
    ("SoftmaxLoss", "dout * dx", "dx", "dout is ignored"),
    ("SquaredLoss", "dout * self.difference", "dout * 2.0 * self.difference", "2 times the right one"),
    ("SquaredLoss", "dout * self.difference", "-dout * self.difference", "its sign is wrong"),
]


def layers(*replaced: str) -> dict[str, Any]:
    """The layers, with a line of one class changed."""
    source = SOURCE
    if replaced:
        name, right, wrong = replaced
        start = SOURCE.index(f"class {name}(")
        end = SOURCE.find("\nclass ", start)
        own = SOURCE[start : end if end > 0 else None]
        backward = own.index("def backward")
        assert own.count(right, backward) == 1, right
        source = SOURCE[: start + backward] + own[backward:].replace(right, wrong) + SOURCE[start + len(own) :]
    names: dict[str, Any] = {}
    exec(source, names)
    return names


def made(kind: type[Layer], name: str) -> tuple[Layer, tuple[Any, ...]]:
    inputs, parameters = GIVEN.get(name, ((X,), ()))
    return kind(*(array.copy() for array in parameters)), tuple(array.copy() for array in inputs)


@pytest.mark.parametrize("name", sorted({row[0] for row in MUTATIONS}))
def test_the_layers_are_right_before_they_are_changed(name: str) -> None:
    layer, inputs = made(layers()[name], name)
    report = xn.gradient_check(layer, *inputs)
    assert report.ok, str(report)


@pytest.mark.parametrize(("name", "right", "wrong", "cause"), MUTATIONS, ids=[f"{m[0]}-{m[2]}" for m in MUTATIONS])
def test_the_true_cause_of_a_mutation_is_named_first(name: str, right: str, wrong: str, cause: str) -> None:
    layer, inputs = made(layers(name, right, wrong)[name], name)
    report = xn.gradient_check(layer, *inputs)
    assert not report.ok
    first = next(row.causes[0] if row.causes else "none" for row in report.rows if row.status == "fail")
    assert re.search(cause, first), str(report)


IN_A_ROW = [m for m in MUTATIONS if m[0] not in ("Mul", "Sub", "Div", "Rearrange", "PoolMean")]


@pytest.mark.parametrize(("name", "right", "wrong", "_"), IN_A_ROW, ids=[f"{m[0]}-{m[2]}" for m in IN_A_ROW])
def test_no_layer_that_is_right_is_blamed_in_a_network(name: str, right: str, wrong: str, _: str) -> None:
    kind = layers(name, right, wrong)[name]
    rng = Generator(0)
    if name.endswith("Loss"):
        front: tuple[Layer, ...] = (Affine.create(4, 4, rng=rng), Tanh(), Affine.create(4, 3, rng=rng))
        loss, t = kind(), np.asarray([0, 2, 1, 1]) if name == "SoftmaxLoss" else normal("t", 4, 3)
        blamed = rf"the loss's backward \({name}\)"
    else:
        front = (Affine.create(4, 4, rng=rng), Tanh(), made(kind, name)[0], Tanh(), Affine.create(4, 3, rng=rng))
        loss, t, blamed = SoftmaxWithLoss(), np.asarray([0, 2, 1, 1]), "Changed1.backward"
        kind.__name__ = "Changed"
    net = Sequential(*front, loss=loss)
    if wrong == "return None":
        with pytest.raises(xn.XpnetError, match=r"dout must be an array, .*; return dx from the backward of the layer"):
            xn.gradient_check(net, X, t)
        return
    report = xn.gradient_check(net, X, t)
    for row in report.rows:
        for cause in row.causes:
            if "by itself" in cause:
                assert re.match(blamed, cause), str(report)
        if row.status == "fail" and row.name.startswith("Affine"):
            assert row.name != "Affine2.W" or name.endswith("Loss"), "what stands behind the layer is not its fault"


def test_two_numbers_that_always_add_up_to_0_are_not_proportional() -> None:
    class Wrong(SoftmaxWithLoss):
        def backward(self, dout):
            dx = super().backward(dout)
            return np.sign(dx) * dx * dx

    net = Sequential(Affine.create(3, 2, rng=Generator(0)), loss=Wrong())
    report = xn.gradient_check(net, normal("x", 5, 3), np.asarray([0, 1, 1, 0, 1]))
    assert not report.ok
    assert "times the right one" not in str(report)


def test_a_layer_before_the_wrong_gradient_is_not_blamed_for_it() -> None:
    class Halved(Tanh):
        def backward(self, dout):
            return 0.9 * super().backward(dout)

    a, b, c = (Affine.create(4, 4, rng=Generator(i)) for i in range(3))
    net = Sequential(a, Halved(), b, Halved(), c, loss=MeanSquaredError())
    report = xn.gradient_check(net, X, normal("t", 4, 4))
    causes = {row.name: " ".join(row.causes) for row in report.rows if row.status == "fail"}
    assert sorted(causes) == ["Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"]
    assert "Halved1" in causes["Affine1.W"]
    assert "Halved2" in causes["Affine1.W"]
    assert "Halved1" not in causes["Affine2.W"]
    assert "Halved2" in causes["Affine2.W"]
