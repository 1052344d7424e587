# ruff: noqa: E501 (a row of the table holds its whole message)
"""Every bad input has an error that says who, what must hold, what came and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from autodiff_checks import Place

from xpnet.autodiff import Variable, grad, hvp, jacobian, jvp, value_and_grad, vjp
from xpnet.backend import array_namespace
from xpnet.errors import LibraryError, XpnetError

ONES = np.ones(2)
UNSUPPORTED = "unsupported operand type(s) for +: 'Variable' and 'dict'"


def summed(x):
    return array_namespace(x).sum(x)


def escape():
    kept = []
    grad(lambda x: kept.append(x * 2.0) or summed(x))(ONES)
    return kept[0] * 3.0


def escape_in_function():
    kept = []
    grad(lambda x: kept.append(x) or summed(x))(ONES)
    return array_namespace(kept[0]).exp(kept[0])


def escape_into_another():
    kept = []
    grad(lambda x: kept.append(x) or summed(x))(ONES)
    return grad(lambda x: summed(x * kept[0]))(ONES)


def twice():
    y = summed(Variable(ONES))
    y.backward()
    y.backward()


def above_released():
    a = Variable(ONES) * 2.0
    a.backward(ONES)
    (a * 3.0).backward(ONES)


def repeated():
    x = Variable(np.ones(2))
    x.__array_namespace__().broadcast_to(x, (3, 2))[0] = 1.0


BAD: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: Variable(np.arange(3)),
        TypeError,
        "Variable: dtype must be floating, integers have no derivative, got int64; convert it with xn.asarray(x)",
    ),
    (lambda: Variable(np.asarray([True])), TypeError, "Variable: dtype must be floating"),
    (
        lambda: Variable([1.0, 2.0]),
        TypeError,
        "Variable: x must be an array or a number, got list; convert it with xn.asarray(x)",
    ),
    (lambda: Variable("1.0"), TypeError, "Variable: x must be an array or a number, got str"),
    (lambda: grad(summed)(np.arange(3)), TypeError, "grad: dtype must be floating"),
    (
        lambda: (Variable(ONES) * 2.0).backward(),
        ValueError,
        "backward: y must be a scalar if dout is omitted, got shape (2,); pass y.backward(dout)",
    ),
    (
        lambda: Variable(ONES).backward(np.ones(3)),
        ValueError,
        "backward: dout must have the shape of y, (2,), got (3,)",
    ),
    (
        lambda: array_namespace(Variable(ONES)).ones(()).backward(),
        RuntimeError,
        "backward: y must depend on a Variable, got a constant",
    ),
    (
        lambda: grad(lambda x: x * 2.0)(ONES),
        ValueError,
        "grad: <lambda> must return a scalar, got shape (2,); use jacobian, or sum its result",
    ),
    (lambda: grad(lambda x: None)(ONES), TypeError, "grad: <lambda> must return an array, got None; return its result"),
    (
        lambda: grad(lambda x: (x, x))(ONES),
        TypeError,
        "grad: <lambda> must return an array, got tuple; return one array",
    ),
    (
        lambda: grad(lambda x: summed(ONES))(ONES),
        RuntimeError,
        "grad: the result of <lambda> must depend on the argument, got a constant",
    ),
    (lambda: grad(lambda x, y: summed(x), (0, 1))(ONES, ONES), RuntimeError, "must depend on the argument"),
    (lambda: grad(lambda x: summed(array_namespace(x).floor(x)))(ONES), RuntimeError, "must depend on the argument"),
    (
        lambda: value_and_grad(summed, 2)(ONES),
        ValueError,
        "grad: argnums must name one of the 1 positional arguments, got 2",
    ),
    (
        lambda: grad(lambda x: array_namespace(x).sum(x * 1.0j))(ONES),
        TypeError,
        "grad: <lambda> must return a real scalar, got complex128; return xp.real(y)",
    ),
    (lambda: vjp(lambda x: None, ONES), TypeError, "vjp: <lambda> must return an array, got None"),
    (lambda: vjp(lambda x: ONES, ONES), RuntimeError, "vjp: the result of <lambda> must depend"),
    (
        lambda: vjp(lambda x: x * 2.0, ONES)[1](np.ones(3)),
        ValueError,
        "vjp: a vector must have the shape of its array, (2,), got (3,)",
    ),
    (
        lambda: vjp(lambda x: x * 2.0, ONES)[1](None),
        TypeError,
        "vjp: a vector must be an array or a number, got NoneType; give one for each result, in the same form",
    ),
    (
        lambda: jvp(summed, ONES, ONES),
        ValueError,
        "jvp: args and tangents must be tuples of equal length, got ndarray; write jvp(f, (x,), (v,))",
    ),
    (lambda: jvp(summed, (ONES,), (np.ones(3),)), ValueError, "jvp: a vector must have the shape"),
    (lambda: hvp(summed, ONES, np.ones(3)), ValueError, "hvp: a vector must have the shape"),
    (lambda: jacobian(lambda x: ONES)(ONES), RuntimeError, "jacobian: the result of <lambda> must depend"),
    (
        escape,
        RuntimeError,
        "multiply: a Variable must be used inside the grad, jvp or vjp that made it, got one whose trace has finished; return it",
    ),
    (escape_in_function, RuntimeError, "exp: a Variable must be used inside the grad"),
    (escape_into_another, RuntimeError, "a Variable must be used inside the grad"),
    (
        twice,
        RuntimeError,
        "backward: the graph must still hold the values that its rules kept, got sum, released by an earlier backward(); compute y again, or call the first y.backward(keep=True)",
    ),
    (above_released, RuntimeError, "got multiply, released by an earlier backward()"),
    (
        repeated,
        RuntimeError,
        "an array must have a place for each element to be assigned to, got the result of broadcast_to",
    ),
    (
        lambda: Variable(ONES)[np.asarray([0.0, 1.0])],
        TypeError,
        "Variable: a key must be made of integers, slices, None, ..., arrays of integers and masks, got an array of float64; round it, and cast it",
    ),
    (lambda: Variable(ONES)["first"], TypeError, "got str; use xp.take(x, indices, axis=0) for other orders"),
    (
        lambda: np.asarray(Variable(ONES)),
        TypeError,
        "Variable: its functions must come from its own namespace, which records them, got a conversion to a NumPy array by code, line",
    ),
    (
        lambda: np.spacing(Variable(ONES)),
        AttributeError,
        "Variable: a function of Variables must have a rule, got spacing; the nearest that has one is",
    ),
    (
        lambda: np.exp(Variable(ONES), out=np.empty(2)),
        TypeError,
        "Variable: exp must be a function of the standard, or made of some, got the argument out; leave it out",
    ),
    (
        lambda: np.add.reduceat(Variable(ONES), [0, 1]),
        TypeError,
        "got one without a rule; the nearest that has one is add.reduce",
    ),
    (lambda: grad(lambda x: summed(x + {}))(ONES), TypeError, UNSUPPORTED),
    (
        lambda: grad(lambda x: (x * x).tan())(ONES),
        AttributeError,
        "Variable: its attributes must be of the standard, got tan; use xp.tan, with xp = array_namespace(x)",
    ),
    (lambda: grad(ONES), TypeError, "grad: f must be a function, got ndarray; write grad(f)(x)"),
    (
        lambda: np.from_dlpack(Variable(ONES)),
        TypeError,
        "Variable: only its value can be exchanged, got __dlpack__, which would lose the history; exchange stop_gradient(x).value",
    ),
    (
        lambda: array_namespace(Variable(ONES)).linalg.cross(Variable(ONES), ONES),
        ValueError,
        "cross: both vectors must have 3 elements, got 2 and 2",
    ),
    (
        lambda: array_namespace(Variable(ONES)).linalg.matrix_norm(Variable(np.eye(2)), ord=7),
        ValueError,
        "matrix_norm: ord must be",
    ),
    (
        lambda: array_namespace(Variable(ONES)).linalg.svd(Variable(np.ones((3, 2)))).U.backward(np.ones((3, 3))),
        ValueError,
        "svd: full_matrices must be False if U or Vh is differentiated, got full matrices of shape (3, 2)",
    ),
    (
        lambda: (
            array_namespace(Variable(ONES))
            .linalg.qr(Variable(np.eye(3)[:, :2] * 1.0), mode="complete")
            .Q.backward(np.ones((3, 3)))
        ),
        ValueError,
        "qr: mode must be 'reduced' if it is differentiated",
    ),
]


@pytest.mark.parametrize(
    ("call", "builtin", "text"), BAD, ids=[f"{n}-{text[:40]}" for n, (_, _, text) in enumerate(BAD)]
)
def test_bad_input(call, builtin, text: str) -> None:
    with pytest.raises(builtin, match=re.escape(text)) as caught:
        call()
    assert isinstance(caught.value, XpnetError) or text == UNSUPPORTED


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_the_functions_of_a_library_itself_are_refused_inside_a_transform(library: str) -> None:
    xp = pytest.importorskip(library)
    for transform in (grad, lambda f: lambda x: vjp(f, x), lambda f: lambda x: jvp(f, (x,), (x,))):
        with pytest.raises(LibraryError, match=r"^Variable: .* own namespace.* got another library's: .*Variable"):
            transform(lambda x: xp.tanh(x)[0])(xp.ones(2))


@pytest.mark.parametrize(
    "operate",
    [
        lambda a, b: a * b,
        lambda a, b: b * a,
        lambda a, b: a < b,
        lambda a, b: array_namespace(a).maximum(a, b),
        lambda a, b: array_namespace(a).concat([a, b]),
    ],
)
def test_two_libraries_are_named(operate) -> None:
    pytest.importorskip("torch")
    torch = Place("torch")
    torch.inside()
    a, b = Variable(ONES), torch.asarray(ONES)
    for other in (b, Variable(b)):
        with pytest.raises(TypeError, match=r"arrays must be of one library, got (numpy and torch|torch and numpy)"):
            operate(a, other)
    with pytest.raises(TypeError, match="must be of one library"):
        a.backward(b)
