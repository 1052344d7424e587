"""Functions that the transforms share: they trace the arguments, check the results, and collect the gradients."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from xpnet.autodiff.batching.ways import aligned
from xpnet.autodiff.forward import formula
from xpnet.autodiff.functions import WRAPPERS
from xpnet.autodiff.nodes import Node, Trace, check_real, conjugate, is_real, leaf
from xpnet.autodiff.record import NUMBERS, apply, base, variable_of
from xpnet.autodiff.shielded import walk
from xpnet.autodiff.table import Rule, fit, own
from xpnet.autodiff.tape import NONE, at_leaf, reachable
from xpnet.autodiff.tree import leaves, same_form
from xpnet.autodiff.variable import Variable, as_differentiable
from xpnet.backend import array_namespace, backend_of, device_of, dtype_kind, is_array, size_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError, StateError

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def below(tree: Any) -> int:
    """Return the highest number among the Variables and batches of the arguments, or 0."""
    found = leaves(tree)
    traces = [x.node.trace if type(x) is Variable else x.level for x in found if type(x) in WRAPPERS]
    return max([trace.number for trace in traces], default=0)


def read_argnums(argnums: Any, who: str) -> Argnums:
    """Return the number of an argument, or a tuple of numbers.

    Raises: ``DtypeError`` for anything else.
    """
    several = isinstance(argnums, tuple | list)
    try:
        if isinstance(argnums, bool):
            raise TypeError
        return tuple(operator.index(number) for number in argnums) if several else operator.index(argnums)
    except TypeError:
        must = "argnums must be the number of an argument, or a tuple of numbers"
        raise DtypeError(who, must, repr(argnums), "count the positional arguments from 0") from None


def numbers_of(args: tuple[Any, ...], argnums: Argnums, who: str) -> list[int]:
    """Return the numbers of the chosen arguments, counted from 0.

    Raises: ``ArgumentError`` for an argument that does not exist.
    """
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for number in numbers:
        if not -len(args) <= number < len(args):
            must = f"argnums must name one of the {len(args)} positional arguments"
            raise ArgumentError(who, must, number, "count from 0")
    return [number % len(args) for number in numbers]


def trace_arguments(
    args: tuple[Any, ...], argnums: Argnums, trace: Trace, who: str
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the arguments with the chosen ones as Variables of the trace, and those again for the transform itself.

    The function may assign to its Variables; the second ones keep the original node and value.
    A number gets the library and dtype of the first floating array among the arguments, or else of the current backend.
    """
    numbers = numbers_of(args, argnums, who)
    floating = (x for x in leaves(args) if hasattr(x, "dtype") and is_array(x) and dtype_kind(x) == "real")
    like = next(floating, None)

    def wrap(x: Any) -> Variable:
        beside = like is not None and type(x) in NUMBERS and type(x) is not complex
        value = backend_of(base(like)).asarray(float(x)) if beside else as_differentiable(x, who)
        return variable_of(value, leaf(value, trace))

    replaced = list(args)
    for number in set(numbers):
        replaced[number] = same_form(wrap, args[number])
    chosen = [same_form(lambda x: variable_of(x.value, x.node), replaced[number]) for number in numbers]
    return tuple(replaced), tuple(chosen)


def traced_result(y: Any, trace: Trace, f: Function, who: str) -> Variable:
    """Return the array that the function returned, after checking that it is a Variable of the trace."""
    if type(y) is not Variable or y.node.trace is not trace:
        if y is None or isinstance(y, list | tuple | dict | str):
            if y is None:
                raise returns_none(f, who)
            raise DtypeError(who, f"{name_of(f)} must return an array", type(y).__name__, "return one array")
        raise independent(f, who)
    _check_kind(y, f, who)
    return y


def traced_outputs(y: Any, trace: Trace) -> list[Node | None]:
    """Return the nodes of the results, with None for results that do not depend on the arguments."""
    return [item.node if type(item) is Variable and item.node.trace is trace else None for item in leaves(y)]


def dependent_outputs(y: Any, trace: Trace, f: Function, who: str) -> list[Node | None]:
    """Return the nodes of the results, with None for results that do not depend on the arguments.

    Raises: ``DtypeError`` if the function returned None; ``StateError`` if no result depends on them.
    """
    nodes = traced_outputs(y, trace)
    if y is None:
        raise returns_none(f, who)
    if not any(nodes):
        raise independent(f, who)
    return nodes


def returns_none(f: Function, who: str) -> DtypeError:
    return DtypeError(who, f"{name_of(f)} must return an array", "None", "return its result")


class Walk:
    """The graph between arguments and results, sorted once for any number of backward walks."""

    __slots__ = ("at", "last", "nodes")

    def __init__(self, outputs: list[Node | None]) -> None:
        self.at = [at for at, node in enumerate(outputs) if node is not None]
        self.last = [node for node in outputs if node is not None]
        self.nodes = reachable(self.last)

    def largest(self) -> int:
        """Return the number of elements of the largest value in the graph."""
        return max(prod(getattr(node.value, "shape", ())) for node in self.nodes)

    def __call__(self, seeds: Sequence[Any], check: bool = False) -> dict[Node, Any]:
        return walk(self.nodes, self.last, [seeds[at] for at in self.at], check, NONE)


def _check_kind(y: Variable, f: Function, who: str) -> None:
    if who == "grad" and not is_real(y.value) and dtype_kind(y) == "complex":
        raise DtypeError(who, f"{name_of(f)} must return a real scalar", y.dtype, "return xp.real(y), or use jacobian")


def independent(f: Function, who: str) -> StateError:
    return StateError(
        who,
        f"the result of {name_of(f)} must depend on the argument",
        "a constant",
        "compute it with the argument's own operators and functions of array_namespace(x)",
    )


def name_of(f: Function) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _same(*operands: Any) -> Any:
    """Return ``g``, the gradient of the first operand."""
    return operands[0]


def _unrelated(*operands: Any) -> Any:
    """Return zeros, the gradient of the last operand."""
    return array_namespace(operands[-1]).zeros_like(operands[-1])


LINK = Rule("gradient", (_same, _unrelated), forward=formula(lambda moves, *_: moves[0]), batch=aligned)


def gradients_of(
    chosen: Any, grads: dict[Node, Any], f: Function, who: str, conjugated: bool = True, by_rows: bool = False
) -> tuple[Any, ...]:
    """Return the gradients of a walk at the chosen Variables, with zeros for arrays that have no influence.

    With ``by_rows``, the gradient of a table may be one of its rows, as the layer of the table has made it.
    """
    for argument in chosen:
        found = leaves(argument)
        if found and who != "hessian" and all(grads.get(x.node) is None for x in found):
            raise independent(f, who)

    given: set[int] = set()

    def gradient(x: Variable) -> Any:
        d = grads.get(x.node)
        if by_rows and hasattr(d, "dense"):
            return d
        d = at_leaf(d, x.value)
        if d is None:
            d = array_namespace(x.value).zeros_like(x.value)
        elif conjugated:
            d = conjugate(d)
        if id(d) in given:  # the same argument was named twice
            d = own(d)
        given.add(id(d))
        if type(x.value) is Variable and (type(d) is not Variable or d.node.parents == ()):
            return apply(LINK, lambda d, _: d, (d, x.value))  # a constant that belongs to the enclosing trace
        return d

    return tuple(same_form(gradient, argument) for argument in chosen)


def as_given(tree: Any, gradients: Any) -> Any:
    """Return the gradients in the form of the arguments: a number for a number, an array for an array."""
    return same_form(lambda x, d: _number(d) if type(x) in NUMBERS else d, tree, gradients)


def _number(d: Any) -> Any:
    """Return the number in an array as a Python number; leave an array of an outer ``grad`` or a compiler unchanged."""
    if type(d) in WRAPPERS or d.shape != () or device_of(d) is None:
        return d
    host = to_numpy(d)[()]
    # the shortest digits that identify a float32: 0.2, where float() gives 0.20000000298023224
    return complex(host) if np.iscomplexobj(host) else float(str(host))


def pairs(tree: Any, like: Any) -> list[tuple[Any, Any]]:
    """Return pairs of the leaves at the same position of two trees of the same form."""
    found: list[tuple[Any, Any]] = []
    same_form(lambda x, d: found.append((d, x)), like, tree)
    return found


def as_seed(d: Any, like: Any, who: str) -> Any:
    """Return a cotangent or tangent as an array of the shape of ``like``."""
    d = d.item() if isinstance(d, np.generic) else d
    if type(d) in NUMBERS:
        check_real(d, like, who)
        return array_namespace(like).full_like(like, d)
    if not is_array(d):
        remedy = "give one for each result, in the same form"
        raise DtypeError(who, "a vector must be an array or a number", type(d).__name__, remedy)
    array_namespace(like, d)
    check_real(d, like, who)
    if tuple(d.shape) != tuple(like.shape):
        raise ShapeError(
            who, f"a vector must have the shape of its array, {tuple(like.shape)}", tuple(d.shape), "reshape it"
        )
    return d


def as_tangent(d: Any, like: Any, who: str) -> Any:
    """Return a tangent in the shape and dtype of ``like``.

    Raises: ``ShapeError`` for another shape; ``DtypeError`` for integers, and for complex numbers if ``like`` is real.
    """
    d = as_seed(d, like, who)
    if dtype_kind(d) in ("integer", "bool"):
        raise DtypeError(who, "a tangent must be floating", d.dtype, "cast it with xp.astype(v, x.dtype)")
    return fit(d, like)


def check_arguments(arguments: list[Any], y: Any, f: Function, who: str) -> None:
    """Raise for derivatives that are not one array: of a real result, or of a gradient, with complex arguments.

    Raises: ``DtypeError``.
    """
    if not any(dtype_kind(x) == "complex" for x in arguments):
        return
    if who == "hessian":
        must, remedy = "the arguments must be real", "use hvp, or write f in terms of real and imaginary parts"
        raise DtypeError(who, must, "complex ones", remedy)
    if dtype_kind(y) != "complex":
        must = f"the result of {name_of(f)} must be complex if an argument is"
        raise DtypeError(who, must, y.dtype, "use grad or vjp, which give the direction of steepest ascent")


def whole(first: Any, *second: Any, dtype: Any, f: Function, who: str) -> Any:
    """Return the derivatives of a complex result from those of its real and imaginary parts; else the first ones.

    Raises: ``ArgumentError`` if they are not those of an analytic function of a complex argument.
    """
    if not second:
        return first
    if dtype_kind(first) != "complex":  # the argument is real
        xp = array_namespace(first)
        return xp.astype(first, dtype) + 1.0j * xp.astype(second[0], dtype)
    real, imaginary = base(first), base(second[0])
    xp = array_namespace(real)
    gap, size = xp.abs(real - 1.0j * imaginary), xp.abs(real) + xp.abs(imaginary)
    if size_of(size) and bool(xp.any(gap > 1e-3 * xp.max(size))):
        must = f"{name_of(f)} must be analytic if its argument is complex"
        raise ArgumentError(
            who, must, "another derivative along i", "use vjp or jvp, or write f in terms of real and imaginary parts"
        )
    return first
