"""``grad`` and related transforms: functions that turn a function into its derivatives.

Each call traces the function with a number of its own, so that transforms nest to any order. Arguments may be
arrays, numbers, or nested dicts, lists and tuples of them. A gradient has the form of its argument, a number for a
number; a number next to arrays is converted to their library and dtype. Transforms write nothing on Variables or layers
outside.
For complex arguments the gradient is the direction of steepest ascent, ``conj(∂L/∂z)`` as in torch; ``vjp`` multiplies
by the conjugate transpose of the Jacobian, ``jvp`` and ``jacobian`` of holomorphic functions by the Jacobian itself.
"""

from __future__ import annotations

from typing import Any

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.nodes import FORWARD, Trace, conjugate, tracing
from xpnet.autodiff.record import base, constant
from xpnet.autodiff.table import own
from xpnet.autodiff.tape import at_leaf
from xpnet.autodiff.traced import (
    Argnums,
    Function,
    Walk,
    as_given,
    as_seed,
    as_tangent,
    below,
    dependent_outputs,
    gradients_of,
    independent,
    name_of,
    pairs,
    read_argnums,
    returns_none,
    trace_arguments,
    traced_outputs,
    traced_result,
)
from xpnet.autodiff.tree import same_form
from xpnet.autodiff.variable import Variable
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, DtypeError, ShapeError


def grad(f: Function, argnums: Argnums = 0, *, check: bool = False) -> Function:
    """Return the function that computes the gradient of a scalar function, ``grad(f)(x) = ∂f/∂x``.

    ``argnums`` is the number of the argument, or a tuple of numbers for a tuple of gradients; ``check`` raises for the
    first NaN and names the operation that made it.

    Raises: ``ShapeError`` if f is not scalar, ``StateError`` if it does not depend on an argument,
    ``DtypeError`` for integer arguments and if f does not return an array.

    >>> xn.grad(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> xn.grad(xn.grad(lambda x: x**3))(np.array(2.0))  # the second derivative, 6 x
    array(12.)
    """
    both = value_and_grad(f, argnums, check=check)

    def gradient(*args: Any, **keywords: Any) -> Any:
        return both(*args, **keywords)[1]

    return gradient


def value_and_grad(f: Function, argnums: Argnums = 0, *, check: bool = False) -> Function:
    """Return the function that computes ``f(x), ∂f/∂x`` at once.

    Raises: errors of ``grad``.

    >>> xn.value_and_grad(lambda x: (x**2).sum())(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    if not callable(f):
        raise DtypeError("grad", "f must be a function", type(f).__name__, "write grad(f)(x)")
    argnums = read_argnums(argnums, "grad")

    def value_and_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        with tracing(below(args)) as trace:
            traced, chosen = trace_arguments(args, argnums, trace, "grad")
            y = traced_result(f(*traced, **keywords), trace, f, "grad")
            if y.shape != ():
                raise ShapeError(
                    "grad", f"{name_of(f)} must return a scalar", f"shape {y.shape}", "use jacobian, or sum its result"
                )
            seed = array_namespace(y.value).ones_like(y.value)
            found = gradients_of(chosen, Walk([y.node])([seed], check), f, "grad")
            gradients = as_given(_chosen(args, argnums), found)
        return y.value, gradients if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """Return ``f(*args)`` and the function ``dout -> doutᴴ ∂f/∂args``, whose result is a tuple of gradients.

    f may return nested dicts, lists and tuples; ``dout`` then has their form.

    Raises: errors of ``grad``, but f need not be scalar.

    >>> y, pull_back = xn.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull_back(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    return pulled(f, args)


def pulled(f: Function, args: tuple[Any, ...], by_rows: bool = False) -> tuple[Any, Function]:
    """Return what ``vjp`` does; with ``by_rows``, the gradient of a table may be one of its rows."""
    with tracing(below(args)) as trace:
        traced, chosen = trace_arguments(args, tuple(range(len(args))), trace, "vjp")
        y = f(*traced)
        walk = Walk(dependent_outputs(y, trace, f, "vjp"))
    values = same_form(lambda item: _value(item, trace), y)

    def pullback(dout: Any) -> tuple[Any, ...]:
        seeds = [conjugate(as_seed(d, value, "vjp")) for d, value in pairs(dout, values)]
        found: tuple[Any, ...] = as_given(args, gradients_of(chosen, walk(seeds), f, "vjp", by_rows=by_rows))
        return found

    return values, pullback


def jvp(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return ``f(*args)`` and its derivative along the tangents, ``Σ ∂f/∂args · tangents``.

    The tangents are propagated along with the values, by the forward rules of the functions that f calls; nothing is
    recorded. A function without a forward rule, such as a ``custom_vjp``, is differentiated by its backward.

    Raises: errors of ``vjp``; ``ShapeError`` for a tangent of another shape than its argument, ``DtypeError`` for
    integers.

    >>> y, tangent = xn.jvp(lambda x: (x**2).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    >>> y, tangent
    (np.float64(5.0), np.float64(2.0))
    """
    _check_tuple(args, tangents)
    values, moves, moved = pushed(f, args, tangents, "jvp")
    if not moved:
        raise independent(f, "jvp")
    return values, moves


def pushed(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...], who: str) -> tuple[Any, Any, bool]:
    """Return ``f(*args)``, its derivative along the tangents, and whether it depends on the arguments."""
    with tracing(below((args, tangents)), FORWARD) as trace:
        traced, chosen = trace_arguments(args, tuple(range(len(args))), trace, who)
        given = pairs(tangents, chosen)
        for t, x in given:
            x.node.tangent = as_tangent(t, x.value, who)
        y = f(*traced)
        nodes = traced_outputs(y, trace)
    if y is None:
        raise returns_none(f, who)
    seen = {id(x.node.tangent) for _, x in given}

    def move(item: Any) -> Any:
        d = tangent_of(item, trace)[1]
        return own(d) if id(d) in seen or getattr(d, "base", d) is not None else d

    return same_form(lambda item: _value(item, trace), y), same_form(move, y), any(nodes)


def tangent_of(item: Any, trace: Trace) -> tuple[Any, Any]:
    """Return a result and its tangent, which is zero if the result does not depend on the arguments."""
    value = _value(item, trace)
    d = None if value is item else item.node.tangent
    if d is not None:
        return value, at_leaf(d, value)
    return value, array_namespace(value).zeros_like(value) if hasattr(value, "dtype") else 0.0


def stop_gradient(tree: Any) -> Any:
    """Return the same values as constants: no transform differentiates through them.

    >>> xn.grad(lambda x: x * xn.stop_gradient(x))(np.array(3.0))  # 3, and not 6
    array(3.)
    """

    def stopped(x: Any) -> Any:
        if type(x) is Batch:
            return Batch(stopped(x.value), x.level)
        return constant(base(x)) if type(x) is Variable else x

    return same_form(stopped, tree)


def _chosen(args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, ...]:
    """Return the arguments that are differentiated, as they were given."""
    return tuple(args[number] for number in (argnums if isinstance(argnums, tuple) else (argnums,)))


def _value(item: Any, trace: Trace) -> Any:
    """Return the value of a Variable of the trace; leave anything else, such as that of an outer one, unchanged."""
    return item.value if type(item) is Variable and item.node.trace is trace else item


def _check_tuple(args: Any, tangents: Any) -> None:
    if not isinstance(args, tuple) or not isinstance(tangents, tuple) or len(args) != len(tangents):
        raise ArgumentError(
            "jvp",
            "args and tangents must be tuples of equal length",
            type(tangents).__name__,
            "write jvp(f, (x,), (v,))",
        )
