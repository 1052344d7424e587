"""A layer in a graph: one node with its own backward, many uses, any order, and what it leaves on the layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, call_layer, grad, hessian, jvp, value_and_grad
from xpnet.backend import array_namespace
from xpnet.errors import ShapeError, StateError


class Toy:
    """Just what ``call_layer`` asks of a layer."""

    parameters: tuple[str, ...] = ()

    def __call__(self, *inputs: Any) -> Any:
        arrays = (*inputs, *(getattr(self, name) for name in self.parameters))
        if any(type(x) is Variable for x in arrays):
            return call_layer(self, inputs)
        return self.forward(*inputs)


class Affine(Toy):
    parameters = ("W", "b")

    def __init__(self, W, b) -> None:
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        xp = array_namespace(dout, self.x)
        self.dW = self.x.T @ dout
        self.db = xp.sum(dout, axis=0)
        return dout @ self.W.T


class Tanh(Toy):
    def forward(self, x):
        self.y = array_namespace(x).tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1.0 - self.y * self.y)


class Mul(Toy):
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


class SquaredError(Toy):
    differentiable = ("x",)

    def forward(self, x, t):
        self.difference = x - t
        xp = array_namespace(x)
        return xp.sum(self.difference * self.difference)

    def backward(self, dout):
        return dout * (self.difference + self.difference)


class MinMax(Toy):
    """Two results."""

    def forward(self, x):
        self.x = x
        return x * 2.0, x * x

    def backward(self, da, db):
        return 2.0 * da + db * 2.0 * self.x


class Sequential(Toy):
    is_container = True

    def __init__(self, *layers) -> None:
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def make(place: Place):
    rng = np.random.default_rng(0)
    W, b, x, t = (place.asarray(rng.standard_normal(shape)) for shape in ((3, 2), (2,), (4, 3), (4, 2)))
    return Affine(W, b), x, t


def test_one_node_and_its_gradient(place: Place) -> None:
    affine, x, t = make(place)
    v = Variable(x, name="x")
    y = affine(v)
    assert y.node.name == "Affine"
    assert y.node.layer is affine
    assert y.node.inputs[0] is v.node
    assert y.node.inputs[1] is affine.W
    y.backward(t)
    affine.forward(x)
    dW = affine.dW
    np.testing.assert_allclose(place.to_numpy(v.grad), place.to_numpy(affine.backward(t)))
    np.testing.assert_allclose(place.to_numpy(dW), place.to_numpy(affine.dW))


def test_grouped_and_elementary_agree_to_second_order(place: Place) -> None:
    affine, x, t = make(place)
    network = Sequential(affine, Tanh())
    loss = SquaredError()

    def compare(grouped, elementary, at):
        np.testing.assert_allclose(place.to_numpy(grad(grouped)(at)), place.to_numpy(grad(elementary)(at)), rtol=1e-10)
        if place.name in ("numpy", "torch", "cupy"):
            found, expected = hessian(grouped)(at), hessian(elementary)(at)
            np.testing.assert_allclose(place.to_numpy(found), place.to_numpy(expected), rtol=1e-9, atol=1e-12)
        a, b = jvp(grouped, (at,), (at,)), jvp(elementary, (at,), (at,))
        np.testing.assert_allclose(place.to_numpy(a[1]), place.to_numpy(b[1]), rtol=1e-10)

    compare(lambda x: loss(network(x), t), lambda x: loss.forward(Tanh().forward(affine.forward(x)), t), x)
    compare(
        lambda W: loss(Sequential(Affine(W, affine.b), Tanh())(x), t),
        lambda W: loss.forward(Tanh().forward(Affine(W, affine.b).forward(x)), t),
        affine.W,
    )


def test_two_uses_in_one_graph_keep_both_and_add_up() -> None:
    affine = Affine(np.eye(2) * 2.0, np.zeros(2))
    x = Variable(np.asarray([[1.0, 2.0]]))
    y = affine(affine(x))
    y.backward(np.ones((1, 2)))
    assert x.grad.tolist() == [[4.0, 4.0]]
    inner, outer = np.asarray([[1.0], [2.0]]) @ [[2.0, 2.0]], np.asarray([[2.0], [4.0]]) @ [[1.0, 1.0]]
    assert affine.dW.tolist() == (inner + outer).tolist()
    assert affine.db.tolist() == [3.0, 3.0]
    assert not hasattr(affine, "x")
    affine(x).backward(np.ones((1, 2)))
    assert affine.db.tolist() == [1.0, 1.0]


def test_transforms_write_nothing_on_a_layer() -> None:
    affine = Affine(np.eye(2), np.zeros(2))
    value_and_grad(lambda x: array_namespace(x).sum(affine(x)))(np.ones((1, 2)))
    assert set(vars(affine)) == {"W", "b"}


def test_parameters_as_variables() -> None:
    W = Variable(np.eye(2), name="W")
    affine = Affine(W, np.zeros(2))
    x = np.ones((3, 2))
    y = affine(x)
    assert y.node.inputs[1] is W.node
    y.backward(np.ones((3, 2)))
    assert W.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert affine.db.tolist() == [3.0, 3.0]
    assert not hasattr(affine, "dW")


def test_several_inputs_and_the_same_one_twice() -> None:
    x, y = Variable(np.asarray(2.0)), Variable(np.asarray(3.0))
    mul = Mul()
    mul(mul(x, y), x).backward()
    assert (float(x.grad), float(y.grad)) == (12.0, 4.0)
    mul(x, 5.0).backward()
    assert float(x.grad) == 5.0


def test_several_results() -> None:
    x = Variable(np.asarray([1.0, 2.0]))
    a, b = MinMax()(x)
    (a * b).backward(np.ones(2))
    np.testing.assert_allclose(x.grad, 6 * x.value**2)
    _, b = MinMax()(x)
    b.backward(np.ones(2))
    np.testing.assert_allclose(x.grad, 2 * x.value)
    second = grad(lambda x: array_namespace(x).sum(grad(lambda x: array_namespace(x).sum(MinMax()(x)[1] * x))(x)))
    np.testing.assert_allclose(second(np.asarray([1.0, 2.0])), [6.0, 12.0])


def test_a_traced_target_goes_through_elementary_nodes() -> None:
    x, t = Variable(np.asarray([1.0, 2.0])), Variable(np.asarray([0.0, 5.0]))
    y = SquaredError()(x, t)
    assert y.node.name == "sum"
    y.backward()
    assert x.grad.tolist() == [2.0, -6.0]
    assert t.grad.tolist() == [-2.0, 6.0]
    constant = array_namespace(x).asarray([0.0, 5.0])
    assert SquaredError()(x, constant).node.name == "SquaredError"


def test_constants_give_constants() -> None:
    affine = Affine(np.eye(2), np.zeros(2))
    y = affine(array_namespace(Variable(1.0)).ones((1, 2)))
    assert y.node.parents == ()


def test_backward_can_be_kept_and_is_released_otherwise() -> None:
    affine = Affine(np.eye(2), np.zeros(2))
    x = Variable(np.ones((1, 2)))
    y = affine(x)
    y.backward(np.ones((1, 2)), keep=True)
    y.backward(np.ones((1, 2)))
    assert affine.db.tolist() == [1.0, 1.0]
    assert y.node.rule.copy is None
    with pytest.raises(StateError, match="Affine, released by an earlier backward"):
        y.backward(np.ones((1, 2)))


def test_a_wrong_backward_is_named() -> None:
    class Wrong(Affine):
        def backward(self, dout):
            self.dW = self.W
            return dout @ self.W.T

    with pytest.raises(
        ShapeError, match=r"Wrong: backward must give db of the shape of b, \(2,\), got none; assign it"
    ):
        Wrong(np.ones((3, 2)), np.ones(2))(Variable(np.ones((4, 3)))).backward(np.ones((4, 2)))

    class Narrow(Tanh):
        def backward(self, dout):
            return dout[:1, :]

    with pytest.raises(ShapeError, match=r"Narrow: backward must give dx of the shape of x, \(4, 3\), got \(1, 3\)"):
        Narrow()(Variable(np.ones((4, 3)))).backward(np.ones((4, 3)))


def test_needs_dx_is_asked_for_only_where_it_is_wanted() -> None:
    seen = []

    class Sparing(Affine):
        needs_dx = True

        def backward(self, dout):
            seen.append(self.needs_dx)
            dx = super().backward(dout)
            return dx if self.needs_dx else None

    x = np.ones((1, 2))
    Sparing(Variable(np.eye(2)), np.zeros(2))(x).backward(np.ones((1, 2)))
    Sparing(np.eye(2), np.zeros(2))(Variable(x)).backward(np.ones((1, 2)))
    assert seen == [False, True]
