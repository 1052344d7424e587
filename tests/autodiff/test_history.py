"""What keeps the history of a Variable, and what is refused because it would lose it."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from autodiff_checks import Place

import xpnet as xn
from xpnet.autodiff import Variable, grad, jvp, vjp
from xpnet.backend import array_namespace
from xpnet.errors import XpnetError
from xpnet.layers import Layer


def total(x):
    return array_namespace(x).sum(x)


MADE = {  # of x = 3: the result, and its derivative by x
    "full": (lambda xp, x: xp.full((2, 2), x), [[3, 3], [3, 3]], 4),
    "full of an axis": (lambda xp, x: xp.full(3, 2.0 * x), [6, 6, 6], 6),
    "full_like": (lambda xp, x: xp.full_like(xp.full((2,), 1.0 * x), x * x), [9, 9], 12),
    "linspace": (lambda xp, x: xp.linspace(1.0, x, 5), [1, 1.5, 2, 2.5, 3], 2.5),
    "linspace from": (lambda xp, x: xp.linspace(x, 0.0, 3), [3, 1.5, 0], 1.5),
    "open linspace": (lambda xp, x: xp.linspace(x, 2.0 * x, 4, endpoint=False), [3, 3.75, 4.5, 5.25], 5.5),
    "arange": (lambda xp, x: xp.arange(x, 10.0, 2.0), [3, 5, 7, 9], 4),
    "arange by": (lambda xp, x: xp.arange(0.0, 7.0, x), [0, 3, 6], 3),
    "from_dlpack": (lambda xp, x: xp.from_dlpack(x * 1.0), 3, 1),
}


@pytest.mark.parametrize("name", MADE)
def test_arrays_made_from_a_variable_depend_on_it(name, place: Place) -> None:
    make, values, derivative = MADE[name]
    x = place.asarray(3.0)
    f = lambda x: make(array_namespace(x), x)  # noqa: E731
    np.testing.assert_allclose(place.to_numpy(f(Variable(x))), values)
    assert float(place.to_numpy(grad(lambda x: total(f(x)))(x))) == pytest.approx(derivative)


def test_items_of_a_full_array_may_be_assigned() -> None:
    def f(x):
        y = array_namespace(x).full(3, x)
        y[0] = x * x
        return total(y)

    assert float(grad(f)(3.0)) == 8.0


def test_a_creation_in_integers_is_a_constant() -> None:
    xp = array_namespace(Variable(np.asarray(3.5)))
    assert xp.full(2, Variable(np.asarray(3.5)), dtype=xp.int64).node.parents == ()


LOSES = {
    "float": float,
    "complex": complex,
    "math.exp": math.exp,
    "math.sqrt": math.sqrt,
    "sum of floats": lambda x: sum([float(x), float(x)]),
    "item of an array": lambda x: np.zeros(1).__setitem__(0, x),
    "asarray": np.asarray,
    "float64": np.float64,
    "deepcopy": copy.deepcopy,
    "deepcopy of a dict": lambda x: copy.deepcopy({"x": x}),
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("name", LOSES)
def test_what_would_lose_the_history_is_refused(name, place: Place) -> None:
    lose, x = LOSES[name], place.asarray(2.0)

    def f(x):
        lose(x)
        return x * x

    for transform in (grad(f), lambda x: vjp(f, x), lambda x: jvp(f, (x,), (x,)), grad(grad(f))):
        with pytest.raises((XpnetError, TypeError), match=r"stop_gradient|its own namespace|0-dim"):
            transform(x)


def test_the_value_alone_may_be_taken_of_a_constant() -> None:
    def f(x):
        return x * float(xn.stop_gradient(x)) + math.exp(xn.stop_gradient(x)) + float(x > 1.0)

    assert float(grad(f)(2.0)) == 2.0
    assert float(copy.deepcopy(xn.stop_gradient(Variable(np.asarray(2.0))))) == 2.0
    assert float(pickle.loads(pickle.dumps(xn.stop_gradient(Variable(np.asarray(2.0)))))) == 2.0


def test_printing_comparing_and_deciding_work_inside_a_transform() -> None:
    def f(x):
        assert "2.0" in f"{x:.1f} {x} {x!r} {x!s}"
        return x * x if x > 1.0 and x <= 3.0 and x == 2.0 and bool(x) and int(x) == 2 else x

    assert float(grad(f)(2.0)) == 4.0


def test_outside_a_transform_a_variable_is_a_number() -> None:
    x = Variable(np.asarray(2.0))
    loss = x * x
    assert (float(loss), math.sqrt(loss)) == (4.0, 2.0)
    loss.backward()
    assert float(x.grad) == 4.0


class Careless(Layer):
    """A layer whose forward takes the value of its input."""

    def forward(self, x):
        return x * math.exp(x)

    def backward(self, dout):
        return dout


def test_a_forward_that_takes_the_value_is_refused_where_it_is_recorded() -> None:
    x = Variable(np.asarray(2.0))
    with pytest.raises(XpnetError, match="stop_gradient"):
        Careless().forward(x)
    assert float(Careless().forward(np.asarray(0.0))) == 0.0
    assert float(x) == 2.0


def test_a_shallow_copy_is_the_same_value() -> None:
    x = Variable(np.asarray([1.0, 2.0]))
    y = copy.copy(x)
    y[0] = 5.0
    total(x * y).backward()
    assert x.value.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [5.0, 4.0]


def test_iteration_length_and_membership(place: Place) -> None:
    x = place.asarray([[1.0, 2.0], [3.0, 4.0]])

    def f(x):
        rows = list(x)
        assert len(x) == len(rows) == 2
        first, second = x
        assert [place.to_numpy(row).tolist() for row in reversed(x)] == [[3.0, 4.0], [1.0, 2.0]]
        return total(sum(x * x) + first * second)

    assert place.to_numpy(grad(f)(x)).tolist() == [[5.0, 8.0], [7.0, 10.0]]
    v = Variable(x)
    assert 3.0 in v
    assert 5.0 not in v
    assert sum(Variable(place.asarray([1.0, 2.0])) * 2.0).shape == ()
    assert next(zip(Variable(place.asarray([1.0])), [7], strict=True))[1] == 7


@pytest.mark.parametrize("ask", [len, iter, list, sum, lambda x: [*x], lambda x: [*zip(x, x, strict=True)], max])
def test_a_number_has_no_items(ask, place: Place) -> None:
    with pytest.raises(TypeError, match="it must have an axis"):
        ask(Variable(place.asarray(1.0)))


def test_empty_iterations() -> None:
    assert list(Variable(np.zeros((0, 3)))) == []
    assert len(Variable(np.zeros((0, 3)))) == 0
