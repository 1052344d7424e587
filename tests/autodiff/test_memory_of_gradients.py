"""Each gradient that a caller gets has memory of its own, and may be written to."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, vjp
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES
from xpnet.layers import AddLayer, Flatten, Layer, PositionalEmbedding


def total(x):
    return array_namespace(x).sum(x)


def reshaped(x):
    return array_namespace(x).reshape(x, (-1,))


SHARING = {  # functions whose gradients are, element for element, one array or parts of it
    "sum": lambda p: p["a"] + p["b"],
    "difference": lambda p: p["a"] - p["b"],
    "itself": lambda p: p["a"],
    "reshape": lambda p: reshaped(p["a"]) + reshaped(p["b"]),
    "transpose": lambda p: p["a"].T + p["b"].T,
    "flip": lambda p: array_namespace(p["a"]).flip(p["a"], axis=0) + p["b"],
    "concat": lambda p: array_namespace(p["a"]).concat([p["a"], p["b"]]),
    "stack": lambda p: array_namespace(p["a"]).stack([p["a"], p["b"]]),
    "broadcast": lambda p: total(p["a"]) + total(p["b"]),
    "mean": lambda p: array_namespace(p["a"]).mean(p["a"] + p["b"], axis=0),
    "column": lambda p: p["a"][:, 0] + p["b"][:, 1],
    "where": lambda p: array_namespace(p["a"]).where(p["a"] == p["a"], p["a"], p["b"]) + p["b"],
    "asarray": lambda p: array_namespace(p["a"]).asarray(p["a"]) + p["b"],
    "assigned": lambda p: assigned(p["a"], p["b"]),
    "layer": lambda p: AddLayer()(p["a"], p["b"]),
    "flattened": lambda p: Flatten()(p["a"]) + Flatten()(p["b"]),
}


def assigned(a, b):
    y = a * 1.0
    y[0, ...] = b[0, ...]
    return y


@pytest.mark.parametrize("name", SHARING)
def test_gradients_may_be_written_to(name, place: Place) -> None:
    """Half of one gradient leaves the other, the vector, and what the graph gives next."""
    if place.name == "jax":
        pytest.skip("jax arrays cannot be written to")
    f, ones = SHARING[name], place.asarray(np.ones((2, 2)))
    p = {"a": place.asarray([[1.0, 2.0], [3.0, 4.0]]), "b": place.asarray([[5.0, 6.0], [7.0, 8.0]])}
    y, pullback = vjp(f, p)
    dout = array_namespace(ones).ones_like(y) * 1.0 if tuple(y.shape) else array_namespace(ones).ones_like(y)
    before = {key: place.to_numpy(d).copy() for key, d in pullback(dout)[0].items()}
    (g,) = pullback(dout)
    for key in g:
        g[key] *= 0.5
        g[key][...] = g[key] * 1.0
    assert place.to_numpy(dout).tolist() == np.ones(y.shape).tolist()
    for key, d in g.items():
        np.testing.assert_array_equal(place.to_numpy(d), 0.5 * before[key])
    for key, d in pullback(dout)[0].items():
        np.testing.assert_array_equal(place.to_numpy(d), before[key])
    for key, values in (("a", [[1.0, 2.0], [3.0, 4.0]]), ("b", [[5.0, 6.0], [7.0, 8.0]])):
        assert place.to_numpy(p[key]).tolist() == values


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_rule_gives_memory_that_others_use(case) -> None:
    points = [np.asarray(x) for x in case.points()]

    def call(*chosen: Any) -> Any:
        given = iter(chosen)
        return case.call(
            array_namespace(*chosen), *(next(given) if n in case.smooth else x for n, x in enumerate(points))
        )

    y, pullback = vjp(call, *(points[n] for n in case.smooth))
    dout = np.ones_like(np.asarray(y))
    gradients = pullback(dout)
    for at, g in enumerate(gradients):
        assert g.flags.writeable
        for other in (dout, np.asarray(y), *points, *gradients[:at]):
            assert not np.shares_memory(g, other)


@pytest.mark.parametrize("name", SHARING)
def test_gradients_of_variables_made_by_hand(name) -> None:
    a, b = Variable(np.ones((2, 2))), Variable(np.ones((2, 2)) * 2.0)
    y = SHARING[name]({"a": a, "b": b})
    dout = np.ones(y.shape)
    y.backward(dout)
    found = [v.grad for v in (a, b, *([] if y is a else [y])) if v.grad is not None]
    for at, g in enumerate(found):
        assert g.flags.writeable
        for other in (dout, a.value, b.value, *found[:at]):
            assert not np.shares_memory(g, other)
    before = [g.copy() for g in found]
    found[0] *= 0.5
    for g, kept in zip(found[1:], before[1:], strict=True):
        np.testing.assert_array_equal(g, kept)


def test_a_gradient_of_a_number_is_an_array(place: Place) -> None:
    x = place.asarray(3.0)
    g = grad(lambda x: x * x)(x)
    assert type(g) is type(x)
    v = Variable(x)
    (v * v).backward()
    assert type(v.grad) is type(x)


def test_gradients_that_are_variables_are_changed_one_by_one() -> None:
    def f(x):
        a, b = grad(lambda a, b: total(a + b), (0, 1))(x, x)
        a[0] = 5.0
        return total(a * x) + total(b * x)

    assert grad(f)(np.ones(2)).tolist() == [6.0, 2.0]


class Twins(Layer):
    """Two parameters with one gradient."""

    parameters = ("W", "b")

    def forward(self, x):
        return x + self.W + self.b

    def backward(self, dout):
        self.dW = self.db = dout
        return dout


@pytest.mark.parametrize("layer", [Twins(np.ones((2, 3)), np.ones((2, 3))), PositionalEmbedding(np.ones((2, 3)))])
def test_gradients_of_layers(layer) -> None:
    x = np.zeros((2, 3) if isinstance(layer, Twins) else (1, 2, 3))

    def f(x, params):
        with layer.using(params):
            return layer(x)

    y, pullback = vjp(f, x, dict(layer.params))
    dout = np.ones(y.shape)
    dx, params = pullback(dout)
    found = [dx, *params.values()]
    for at, g in enumerate(found):
        for other in (dout, *found[:at]):
            assert not np.shares_memory(g, other)


@pytest.mark.parametrize("way", ["grad", "backward"])
def test_gradients_within_a_graph_go_as_soon_as_they_were_passed_on(way) -> None:
    x, count = np.ones(10_000), 40

    def f(x):
        for _ in range(count):
            x = x * 1.01
        return total(x)

    def backward(x):
        f(Variable(x)).backward()

    tracemalloc.start()
    (grad(f) if way == "grad" else backward)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (count + 10) * x.nbytes  # the values, and few gradients
