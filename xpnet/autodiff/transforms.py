"""``grad`` and its kin: functions that turn a function into its derivatives.

Each traces the function with a number of its own, so that they nest to any order. Arguments may be arrays,
numbers, or nested dicts, lists and tuples of them. They write nothing on Variables or layers outside.
For complex arguments the gradient is the direction of steepest ascent, ``conj(∂L/∂z)`` as in torch; ``vjp`` multiplies
by the conjugate transpose of the Jacobian, ``jvp`` and ``jacobian`` of holomorphic functions by the Jacobian itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from xpnet.autodiff.rules import Rule
from xpnet.autodiff.tape import Node, Trace, conjugate, is_real, tracing, walk
from xpnet.autodiff.tree import leaves, same_form
from xpnet.autodiff.variable import Variable, apply, as_differentiable, base, constant, leaf, variable_of
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError, DtypeError, ShapeError, StateError

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def grad(f: Function, argnums: Argnums = 0, *, check: bool = False) -> Function:
    """The function that returns the gradient of a scalar function, ``grad(f)(x) = ∂f/∂x``.

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
    """The function that returns ``f(x), ∂f/∂x`` at once.

    Raises: as ``grad``.
    """

    def value_and_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        with tracing(_below(args)) as trace:
            args, chosen = _traced(args, argnums, trace, "grad")
            y = _result(f(*args, **keywords), trace, f, "grad")
            if y.shape != ():
                raise ShapeError(
                    "grad", f"{_name(f)} must return a scalar", f"shape {y.shape}", "use jacobian, or sum its result"
                )
            seed = array_namespace(y.value).ones_like(y.value)
            walk((y.node,), (seed,), check)
            gradients = _gradients(chosen, f, "grad")
        return y.value, gradients if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """``f(*args)`` and the function ``dout -> doutᴴ ∂f/∂args``, a tuple with one gradient per argument.

    f may return nested dicts, lists and tuples; ``dout`` then has their form.

    Raises: as ``grad``, but f need not be scalar.
    """
    with tracing(_below(args)) as trace:
        traced, chosen = _traced(args, tuple(range(len(args))), trace, "vjp")
        y = f(*traced)
        outputs = _outputs(y, trace, f, "vjp")
    values = same_form(lambda item: _value(item, trace), y)

    def pullback(dout: Any) -> tuple[Any, ...]:
        seeds = [conjugate(_as_seed(d, value, "vjp")) for d, value in zip(leaves(dout), leaves(values), strict=True)]
        _walk_outputs(outputs, seeds)
        return _gradients(chosen, f, "vjp")

    return values, pullback


def jvp(f: Function, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """``f(*args)`` and its derivative along the tangents, ``Σ ∂f/∂args · tangents``.

    It is the transpose of the transpose: the gradient of ``vjp`` by ``dout``.

    Raises: as ``vjp``; ``ShapeError`` for a tangent that has not the shape of its argument.
    """
    _check_tuple(args, tangents)
    with tracing(_below((args, tangents))) as trace:
        traced, chosen = _traced(args, tuple(range(len(args))), trace, "jvp")
        y = f(*traced)
        outputs = _outputs(y, trace, f, "jvp")
        values = same_form(lambda item: _value(item, trace), y)
        with tracing() as inner:
            duals = [
                variable_of(zero, leaf(zero, inner))
                for zero in (array_namespace(value).zeros_like(value) for value in leaves(values))
            ]
            _walk_outputs(outputs, duals)
            total = _dot(
                [x.node.grad for x in leaves(chosen)],
                [_as_seed(t, x.value, "jvp") for t, x in _pairs(tangents, chosen)],
            )
            if type(total) is not Variable or total.node.trace is not inner:
                raise _independent(f, "jvp")
            walk((total.node,), (array_namespace(total.value).ones_like(total.value),))
    moves = iter(duals)

    def move(value: Any) -> Any:
        d = next(moves).node.grad
        return array_namespace(value).zeros_like(value) if d is None else d

    return values, same_form(move, values)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that returns all derivatives, ``Jᵢⱼ = ∂fᵢ/∂xⱼ`` of shape ``y.shape + x.shape``.

    Raises: as ``vjp``.
    """
    return _derivatives(f, argnums, "jacobian")


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that returns the second derivatives of a scalar function, ``Hᵢⱼ = ∂²f/∂xᵢ∂xⱼ``.

    Over several arguments, or dicts, lists and tuples, it returns the blocks nested in the form of the
    gradient, each in the form of the argument.

    Raises: as ``grad``.
    """
    gradient = grad(f, argnums)

    def second_derivatives(*args: Any, **keywords: Any) -> Any:
        def block(at: int) -> Any:
            return _derivatives(lambda *given: leaves(gradient(*given, **keywords))[at], argnums, "hessian")(*args)

        form = gradient(*args, **keywords)
        places = iter(range(len(leaves(form))))
        return same_form(lambda _: block(next(places)), form)

    return second_derivatives


def _derivatives(f: Function, argnums: Argnums, who: str) -> Function:
    def derivatives(*args: Any, **keywords: Any) -> Any:
        with tracing(_below(args)) as trace:
            args, chosen = _traced(args, argnums, trace, who)
            y = _result(f(*args, **keywords), trace, f, who)
        xp = array_namespace(y.value)
        size = prod(y.shape)
        one_hot = xp.eye(size, dtype=y.dtype, device=device_of(y.value))
        rows: list[Any] = []
        for at in range(size):
            walk((y.node,), (xp.reshape(one_hot[at, ...], y.shape),))
            rows.append(_gradients(chosen, f, who, conjugated=False))

        def stacked(x: Any, *gradients: Any) -> Any:
            space = array_namespace(x.value, *gradients)
            if not gradients:
                return space.zeros((*y.shape, *x.shape), dtype=x.dtype, device=device_of(x))
            return space.reshape(space.stack(list(gradients), axis=0), (*y.shape, *x.shape))

        result = same_form(stacked, chosen, *rows)
        return result if isinstance(argnums, tuple) else result[0]

    return derivatives


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The product of the second derivatives with a vector, ``H v``, without making ``H``.

    Raises: as ``grad``; ``ShapeError`` for a ``v`` that has not the shape of ``x``.
    """

    def slope(x: Any) -> Any:
        return _dot(leaves(grad(f)(x)), [_as_seed(d, at, "hvp") for d, at in _pairs(v, x)])

    return grad(slope)(x)


def stop_gradient(tree: Any) -> Any:
    """The same values as constants: no transform differentiates through them."""
    return same_form(lambda x: constant(base(x)) if type(x) is Variable else x, tree)


def _below(tree: Any) -> int:
    """The highest number among the Variables of the arguments."""
    return max([x.node.trace.number for x in leaves(tree) if type(x) is Variable], default=0)


def _traced(args: tuple[Any, ...], argnums: Argnums, trace: Trace, who: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The arguments with the chosen ones as Variables of the trace, and those."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise ArgumentError(
                who, f"argnums must name one of the {len(args)} positional arguments", number, "count from 0"
            )

    def wrap(x: Any) -> Variable:
        value = as_differentiable(x, who)
        return variable_of(value, leaf(value, trace))

    replaced = list(args)
    for number in numbers:
        replaced[number] = same_form(wrap, args[number])
    return tuple(replaced), tuple(replaced[number] for number in numbers)


def _result(y: Any, trace: Trace, f: Function, who: str) -> Variable:
    """The one array that the function returned, a Variable of the trace."""
    if type(y) is not Variable or y.node.trace is not trace:
        if y is None or isinstance(y, list | tuple | dict | str):
            got = "None" if y is None else type(y).__name__
            remedy = "return its result" if y is None else "return one array"
            raise DtypeError(who, f"{_name(f)} must return an array", got, remedy)
        raise _independent(f, who)
    _check_kind(y, f, who)
    return y


def _outputs(y: Any, trace: Trace, f: Function, who: str) -> list[Node | None]:
    """The nodes of what the function returned, None for what does not depend on the arguments."""
    if y is None:
        raise DtypeError(who, f"{_name(f)} must return an array", "None", "return its result")
    nodes = [item.node if type(item) is Variable and item.node.trace is trace else None for item in leaves(y)]
    if not any(nodes):
        raise _independent(f, who)
    return nodes


def _walk_outputs(outputs: list[Node | None], seeds: Iterable[Any]) -> None:
    pairs = [(node, seed) for node, seed in zip(outputs, seeds, strict=True) if node is not None]
    walk([node for node, _ in pairs], [seed for _, seed in pairs])


def _value(item: Any, trace: Trace) -> Any:
    return item.value if type(item) is Variable and item.node.trace is trace else stop_gradient(item)


def _check_kind(y: Variable, f: Function, who: str) -> None:
    if who == "grad" and not is_real(y.value) and dtype_kind(y) == "complex":
        raise DtypeError(who, f"{_name(f)} must return a real scalar", y.dtype, "return xp.real(y), or use jacobian")


def _independent(f: Function, who: str) -> StateError:
    return StateError(
        who,
        f"the result of {_name(f)} must depend on the argument",
        "a constant",
        "compute it with the argument's own operators and functions of array_namespace(x)",
    )


def _name(f: Function) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _same(*operands: Any) -> Any:
    """The gradient of the first operand: what arrived."""
    return operands[0]


def _unrelated(*operands: Any) -> Any:
    """The gradient of the last operand: zeros."""
    return array_namespace(operands[-1]).zeros_like(operands[-1])


LINK = Rule("gradient", (_same, _unrelated))


def _gradients(chosen: Any, f: Function, who: str, conjugated: bool = True) -> tuple[Any, ...]:
    """The gradients that a walk left at the chosen Variables; zeros where only others mattered."""
    for argument in chosen:
        found = leaves(argument)
        if found and who != "hessian" and all(x.node.grad is None for x in found):
            raise _independent(f, who)

    def gradient(x: Variable) -> Any:
        d = x.node.grad
        if d is None:
            d = array_namespace(x.value).zeros_like(x.value)
        elif conjugated:
            d = conjugate(d)
        if type(x.value) is Variable and (type(d) is not Variable or d.node.parents == ()):
            return apply(LINK, lambda d, _: d, (d, x.value))  # a constant that belongs to the enclosing trace
        return d

    return tuple(same_form(gradient, argument) for argument in chosen)


def _pairs(tree: Any, like: Any) -> list[tuple[Any, Any]]:
    pairs: list[tuple[Any, Any]] = []
    same_form(lambda x, d: pairs.append((d, x)), like, tree)
    return pairs


def _as_seed(d: Any, like: Any, who: str) -> Any:
    """A cotangent or tangent as an array of the shape of what it belongs to."""
    xp = array_namespace(like)
    if type(d) in (int, float, complex, bool):
        d = xp.full_like(like, d)
    if tuple(d.shape) != tuple(like.shape):
        raise ShapeError(
            who, f"a vector must have the shape of its array, {tuple(like.shape)}", tuple(d.shape), "reshape it"
        )
    return d


def _check_tuple(args: Any, tangents: Any) -> None:
    if not isinstance(args, tuple) or not isinstance(tangents, tuple) or len(args) != len(tangents):
        raise ArgumentError(
            "jvp",
            "args and tangents must be tuples of equal length",
            type(tangents).__name__,
            "write jvp(f, (x,), (v,))",
        )


def _dot(left: list[Any], right: list[Any]) -> Any:
    """``Re Σ a b`` over all pairs."""
    total = None
    for a, b in zip(left, right, strict=True):
        if a is None:
            continue
        xp = array_namespace(a, b)
        product = xp.sum(a * b)
        product = xp.real(product) if dtype_kind(product) == "complex" else product
        total = product if total is None else total + product
    return total
