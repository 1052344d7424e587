"""``grad`` and its kin: functions that turn a function into its derivatives.

Each traces the function with a number of its own, so that they nest to any order. Arguments may be arrays,
numbers, or nested dicts, lists and tuples of them. A gradient has the form of its argument: of a number it is a number,
and a number beside arrays is computed with in their library and dtype. They write nothing on Variables or layers
outside.
For complex arguments the gradient is the direction of steepest ascent, ``conj(∂L/∂z)`` as in torch; ``vjp`` multiplies
by the conjugate transpose of the Jacobian, ``jvp`` and ``jacobian`` of holomorphic functions by the Jacobian itself.
"""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet.autodiff.nodes import FORWARD, Trace, conjugate, leaf, tracing
from xpnet.autodiff.record import base, constant, variable_of
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
    check_arguments,
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
    whole,
)
from xpnet.autodiff.tree import leaves, same_form
from xpnet.autodiff.variable import Variable
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError, DtypeError, ShapeError


def grad(f: Function, argnums: Argnums = 0, *, check: bool = False) -> Function:
    """Return the function that returns the gradient of a scalar function, ``grad(f)(x) = ∂f/∂x``.

    ``argnums`` names the argument, or several for a tuple of gradients; ``check`` names the operation that made
    the first NaN.

    Raises: ``ShapeError`` where f is not scalar, ``StateError`` where it does not depend on an argument,
    ``DtypeError`` for integer arguments and where f returns no array.
    """
    both = value_and_grad(f, argnums, check=check)

    def gradient(*args: Any, **keywords: Any) -> Any:
        return both(*args, **keywords)[1]

    return gradient


def value_and_grad(f: Function, argnums: Argnums = 0, *, check: bool = False) -> Function:
    """Return the function that returns ``f(x), ∂f/∂x`` at once.

    Raises: as ``grad``.
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
    """Return ``f(*args)`` and the function ``dout -> doutᴴ ∂f/∂args``, a tuple with one gradient per argument.

    f may return nested dicts, lists and tuples; ``dout`` then has their form.

    Raises: as ``grad``, but f need not be scalar.
    """
    with tracing(below(args)) as trace:
        traced, chosen = trace_arguments(args, tuple(range(len(args))), trace, "vjp")
        y = f(*traced)
        walk = Walk(dependent_outputs(y, trace, f, "vjp"))
    values = same_form(lambda item: _value(item, trace), y)

    def pullback(dout: Any) -> tuple[Any, ...]:
        seeds = [conjugate(as_seed(d, value, "vjp")) for d, value in pairs(dout, values)]
        found: tuple[Any, ...] = as_given(args, gradients_of(chosen, walk(seeds), f, "vjp"))
        return found

    return values, pullback


def jvp(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return ``f(*args)`` and its derivative along the tangents, ``Σ ∂f/∂args · tangents``.

    The tangents go through the function beside the values, by the forward rules of what it calls; nothing is recorded.
    What has no forward rule, such as a ``custom_vjp``, gives the derivative of its own backward.

    Raises: as ``vjp``; ``ShapeError`` for a tangent that has not the shape of its argument, ``DtypeError`` for one of
    integers.
    """
    _check_tuple(args, tangents)
    values, moves, moved = pushed(f, args, tangents, "jvp")
    if not moved:
        raise independent(f, "jvp")
    return values, moves


def pushed(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...], who: str) -> tuple[Any, Any, bool]:
    """Return ``f(*args)``, its derivative along the tangents, and whether it depends on the arguments at all."""
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
        value = _value(item, trace)
        d = None if value is item else item.node.tangent
        if d is None:
            return array_namespace(value).zeros_like(value) if hasattr(value, "dtype") else 0.0
        d = at_leaf(d, value)
        return own(d) if id(d) in seen or getattr(d, "base", d) is not None else d

    return same_form(lambda item: _value(item, trace), y), same_form(move, y), any(nodes)


def jacobian(f: Function, argnums: Argnums = 0, *, mode: str = "reverse") -> Function:
    """Return the function that returns all derivatives, ``Jᵢⱼ = ∂fᵢ/∂xⱼ`` of shape ``y.shape + x.shape``.

    The graph is walked back once for each element of the result, or with ``mode="forward"`` once for each element of
    the arguments, which is less where f has few arguments and many results.

    Raises: as ``vjp``; ``ArgumentError`` for another mode; ``DtypeError`` for complex numbers in forward mode.
    """
    if mode not in ("reverse", "forward"):
        raise ArgumentError("jacobian", "mode must be 'reverse' or 'forward'", repr(mode), "choose one")
    return _derivatives(f, argnums, "jacobian") if mode == "reverse" else _columns(f, argnums)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the function that returns the second derivatives of a scalar function, ``Hᵢⱼ = ∂²f/∂xᵢ∂xⱼ``.

    Over several arguments, or dicts, lists and tuples, it returns the blocks nested in the form of the
    gradient, each in the form of the argument.

    Raises: as ``grad``.
    """
    argnums = read_argnums(argnums, "hessian")
    gradient = grad(f, argnums)

    def second_derivatives(*args: Any, **keywords: Any) -> Any:
        def block(at: int) -> Any:
            return _derivatives(lambda *given: leaves(gradient(*given, **keywords))[at], argnums, "hessian")(*args)

        form = gradient(*args, **keywords)
        places = iter(range(len(leaves(form))))
        return same_form(lambda _: block(next(places)), form)

    return second_derivatives


def _derivatives(f: Function, argnums: Argnums, who: str) -> Function:
    argnums = read_argnums(argnums, who)

    def derivatives(*args: Any, **keywords: Any) -> Any:
        with tracing(below(args)) as trace:
            traced, chosen = trace_arguments(args, argnums, trace, who)
            y = traced_result(f(*traced, **keywords), trace, f, who)
        check_arguments(leaves(chosen), y.value, f, who)
        xp = array_namespace(y.value)
        size, walk = prod(y.shape), Walk([y.node])
        turns = (1.0, -1.0j) if dtype_kind(y.value) == "complex" else (1.0,)
        one_hot = xp.eye(size, dtype=y.dtype, device=device_of(y.value))
        rows = [
            gradients_of(chosen, walk([xp.reshape(one_hot[at, ...] * turn, y.shape)]), f, who, conjugated=False)
            for at in range(size)
            for turn in turns
        ]

        def stacked(x: Any, *gradients: Any) -> Any:
            space = array_namespace(x.value, *gradients)
            shape = (*y.shape, *x.shape)
            if not gradients:
                return space.zeros(shape, dtype=y.dtype if len(turns) > 1 else x.dtype, device=device_of(x))
            first, *second = [space.stack(list(gradients[at :: len(turns)]), axis=0) for at in range(len(turns))]
            return space.reshape(whole(first, *second, dtype=y.dtype, f=f, who=who), shape)

        result = as_given(_chosen(args, argnums), same_form(stacked, chosen, *rows))
        return result if isinstance(argnums, tuple) else result[0]

    return derivatives


def _columns(f: Function, argnums: Argnums) -> Function:
    argnums = read_argnums(argnums, "jacobian")

    def derivatives(*args: Any, **keywords: Any) -> Any:
        with tracing(below(args)) as trace:
            traced, chosen = trace_arguments(args, argnums, trace, "jacobian")
            y = traced_result(f(*traced, **keywords), trace, f, "jacobian")
            for x in (y, *leaves(chosen)):
                if dtype_kind(x) == "complex":
                    remedy = "use mode='reverse'"
                    raise DtypeError("jacobian", "numbers must be real in forward mode", x.dtype, remedy)
            with tracing() as inner:  # the gradient is linear in what arrives: its transpose goes forward
                zeros = array_namespace(y.value).zeros_like(y.value)
                dual = variable_of(zeros, leaf(zeros, inner))
                back = Walk([y.node])([dual])

                def columns(x: Any) -> Any:
                    xp, d, size = array_namespace(x.value, y.value), back.get(x.node), prod(x.shape)
                    shape, device = (*y.shape, *x.shape), device_of(y.value)
                    if type(d) is not Variable or d.node.trace is not inner or size == 0:
                        return xp.zeros(shape, dtype=y.dtype, device=device)
                    walk, one_hot = Walk([d.node]), xp.eye(size, dtype=d.dtype, device=device)
                    found = [walk([xp.reshape(one_hot[at, ...], x.shape)]).get(dual.node) for at in range(size)]
                    found = [xp.zeros_like(zeros) if move is None else move for move in found]
                    return xp.reshape(xp.stack(found, axis=-1), shape)

                result = as_given(_chosen(args, argnums), same_form(columns, chosen))
        return result if isinstance(argnums, tuple) else result[0]

    return derivatives


def hvp(f: Function, x: Any, v: Any) -> Any:
    """Return the product of the second derivatives with a vector, ``H v``, without making ``H``.

    It is the tangent of the gradient, forward over reverse: of complex arguments the change of the gradient,
    ``d/dt grad(f)(x + t v)`` at ``t = 0``.

    Raises: as ``grad``; ``ShapeError`` for a ``v`` that has not the shape of ``x``.
    """
    _, moves, _ = pushed(grad(f), (x,), (v,), "hvp")
    return as_given(x, moves)


def stop_gradient(tree: Any) -> Any:
    """Return the same values as constants: no transform differentiates through them."""
    return same_form(lambda x: constant(base(x)) if type(x) is Variable else x, tree)


def _chosen(args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, ...]:
    """Return the arguments by which is differentiated, as they were given."""
    return tuple(args[number] for number in (argnums if isinstance(argnums, tuple) else (argnums,)))


def _value(item: Any, trace: Trace) -> Any:
    """Return what a result of the trace wraps; another one as it is, for it may belong to an enclosing transform."""
    return item.value if type(item) is Variable and item.node.trace is trace else item


def _check_tuple(args: Any, tangents: Any) -> None:
    if not isinstance(args, tuple) or not isinstance(tangents, tuple) or len(args) != len(tangents):
        raise ArgumentError(
            "jvp",
            "args and tangents must be tuples of equal length",
            type(tangents).__name__,
            "write jvp(f, (x,), (v,))",
        )
