"""Custom derivatives, ``custom_vjp`` and ``elementwise``; functions on the host; recomputation by ``checkpoint``."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from xpnet.autodiff.batching.batch import Batch, is_differentiated
from xpnet.autodiff.batching.ways import aligned, refused
from xpnet.autodiff.forward import by_gradients
from xpnet.autodiff.nodes import BATCH, CONSTANT, Node, Parts, Trace, conjugate
from xpnet.autodiff.record import apply, one_library, record, record_parts, strip
from xpnet.autodiff.table import Rule, base
from xpnet.autodiff.traced import name_of
from xpnet.autodiff.transforms import vjp
from xpnet.autodiff.tree import leaves, same_form
from xpnet.autodiff.variable import Variable, constant
from xpnet.backend import array_namespace, asarray, backend_of, to_numpy
from xpnet.errors import ArgumentError, DerivativeError, DtypeError, ShapeError, StateError

Function = Callable[..., Any]


class CallRule(Rule):
    """The rule of one call of a function, which keeps the values that its backward needs."""

    __slots__ = ("function", "kept")

    batch = forward = None

    def __init__(self, name: str, function: custom_vjp | checkpoint, kept: Any) -> None:
        self.name = name
        self.function = function
        self.kept = kept

    def joint(self, g: Any, node: Node) -> list[Any]:
        """Return the gradients of all arguments."""
        if type(g) is Parts:
            pairs = zip(g, node.value, strict=True)
            g = tuple(array_namespace(y).zeros_like(y) if d is None else d for d, y in pairs)
        return self.function.pull(self.kept, g, node)

    def release(self) -> None:
        self.kept = None


class custom_vjp:  # noqa: N801 (a decorator)
    """A function with a custom derivative, ``dx = backward(kept, dout)``.

    ``forward(*args)`` returns the value and whatever backward needs; it gets bare arrays, and may therefore call a
    kernel, C, or another library. ``backward`` returns one gradient for each argument, in order. For complex values, it
    gets and returns conjugated gradients, as ``x.grad`` has them. Second derivatives run forward again on Variables.

    Raises: in the backward pass, ``DerivativeError`` for a gradient that is None, ``ShapeError`` for a wrong shape.

    >>> @xn.custom_vjp
    ... def root(x):
    ...     y = np.sqrt(x)  # of bare arrays: any library, or C, may compute it
    ...     return y, y  # the value, and what backward needs
    >>> @root.backward
    ... def _(y, dout):
    ...     return dout / (2.0 * y)
    >>> xn.grad(root)(np.array(16.0))
    array(0.125)
    """

    def __init__(self, forward: Function, backward: Function | None = None) -> None:
        self.run = forward
        self.pullback = backward
        update_wrapper(self, forward)

    def backward(self, pullback: Function) -> Function:
        """Register the function that returns ``dx`` from the values that forward kept and from dout."""
        self.pullback = pullback
        return pullback

    def __call__(self, *args: Any) -> Any:
        top, raw, parents = strip(args)
        if top is None:
            return self._run(args)[0]
        if top.barred is BATCH:
            if any(type(x) is Batch and is_differentiated(x) for x in args):
                raise refused(name_of(self.run), "a derivative of one's own around which a batch is differentiated")
            return self._run(args)[0]
        one_library(args)
        inner = any(type(x) is Variable for x in raw)
        y, kept = (self(*raw), None) if inner else self._run(raw)
        return _recorded(CallRule(name_of(self.run), self, kept), y, raw, parents, top)

    def _run(self, args: tuple[Any, ...]) -> tuple[Any, Any]:
        answer = self.run(*args)
        if type(answer) is not tuple or len(answer) != 2:
            must = "forward must return the value, and whatever backward needs"
            raise ArgumentError(name_of(self.run), must, type(answer).__name__, "return y, (x, y)")
        return answer

    def pull(self, kept: Any, g: Any, node: Node) -> list[Any]:
        """Return the gradients of the arguments."""
        name = name_of(self.run)
        if self.pullback is None:
            must, remedy = "it must have a backward", f"write @{name}.backward over def _(kept, dout)"
            raise DerivativeError(name, must, "none", remedy)
        if any(type(x) is Variable for x in node.args):
            kept = self._run(node.args)[1]
        found = self.pullback(kept, same_form(conjugate, g))
        found = list(found) if isinstance(found, tuple | list) else [found]
        if len(found) != len(node.args):
            must = f"backward must return a gradient for each of the {len(node.args)} arguments"
            raise ArgumentError(name, must, len(found), "return them in order, with None for those without one")
        for at, (d, x, parent) in enumerate(zip(found, node.args, node.parents, strict=True)):
            if parent is None:
                continue
            if d is None:
                must, got = "a differentiated argument must have a gradient", f"None for argument {at}"
                raise DerivativeError(name, must, got, "return it, or give the argument as stop_gradient(x)")
            if tuple(d.shape) != tuple(x.shape):
                must = f"the gradient of argument {at} must have its shape, {tuple(x.shape)}"
                raise ShapeError(name, must, tuple(d.shape), "sum it over the broadcast axes")
        return [None if d is None else conjugate(d) for d in found]


def _recorded(rule: Rule, y: Any, raw: Any, parents: Any, top: Trace) -> Any:
    """Return the value, or the tuple of values, as Variables with a node."""
    if top is CONSTANT:
        return tuple(map(constant, y)) if isinstance(y, tuple) else constant(y)
    if isinstance(y, tuple):
        return record_parts(rule, y, raw, parents, top, None)
    return record(rule, y, raw, parents, top)


def elementwise(f: Function, *df: Function | None) -> Function:
    """Return an element-wise function with a custom derivative, ``∂f/∂xᵢ = dfᵢ(*args)``.

    ``f`` gets bare arrays; ``df`` gets the arrays that the enclosing transform differentiates, so that a ``df`` written
    in the standard, or made by ``elementwise``, gives second derivatives. Arguments are broadcast.

    >>> square = xn.elementwise(lambda x: np.square(x), lambda x: 2.0 * x)
    >>> xn.grad(lambda x: square(x).sum())(np.array([1.0, 5.0]))
    array([ 2., 10.])
    """
    name = name_of(f)

    def gradient(at: int, slope: Function | None) -> Function:
        def times(g: Any, _: Any, *args: Any) -> Any:
            if slope is None:
                must, got = "a differentiated argument must have a derivative", f"None for argument {at}"
                raise DerivativeError(name, must, got, "give one to elementwise, or stop_gradient(x) to the function")
            return g * slope(*args)

        return times

    rule = Rule(
        name, tuple(gradient(at, slope) for at, slope in enumerate(df)), fits=True, forward=by_gradients, batch=aligned
    )

    def differentiable(*args: Any) -> Any:
        if len(args) != len(df):
            must = f"there must be a derivative for each of the {len(args)} arguments"
            raise ArgumentError(name, must, len(df), "give one function for each, with None for those without one")
        return apply(rule, f, args)

    return update_wrapper(differentiable, f)


def pure_callback(f: Function, *args: Any) -> Any:
    """Return ``f(*args)``, where f is a function of NumPy arrays on the host, in the library of the arguments.

    The result has no derivative; to give it one, call ``pure_callback`` in the forward of a ``custom_vjp``.

    Raises: in the backward pass, ``DerivativeError``.

    >>> xn.pure_callback(lambda x: np.sort(x), np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """

    def on_host(*args: Any) -> Any:
        like = next(x for x in args if hasattr(x, "dtype"))
        y = f(*(to_numpy(x) if hasattr(x, "dtype") else x for x in args))
        return backend_of(like).asarray(y)

    def refuse(*_: Any) -> Any:
        must, remedy = "a differentiated function must have a rule", "call it in the forward of a custom_vjp"
        raise DerivativeError("pure_callback", must, name_of(f), remedy)

    return apply(Rule(f"pure_callback of {name_of(f)}", (refuse,) * len(args)), on_host, args)


def constants(tree: Any) -> Any:
    """Return arrays, also those in dicts, lists and tuples, as constant Variables, ``constant(a)``.

    A function that combines a Variable with an array then finds both in one namespace.

    Raises: ``DtypeError`` for anything that is neither an array nor a number.

    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> def f(x):
    ...     return (xn.constant(A) @ x).sum()  # now both are Variables
    >>> xn.grad(f)(np.array([1.0, 1.0]))
    array([4., 6.])
    """

    def one(x: Any) -> Variable:
        if type(x) is Variable:
            return constant(base(x))
        if isinstance(x, str) or (not hasattr(x, "dtype") and not isinstance(x, int | float | complex)):
            raise DtypeError("constant", "it must be an array or a number", type(x).__name__, "use xn.asarray(x)")
        return constant(x if hasattr(x, "dtype") else asarray(x))

    return same_form(one, tree)


def tree_map(f: Function, tree: Any, *others: Any) -> Any:
    """Return ``f(leaf, ...)`` for every array of nested dicts, lists and tuples, in the same form.

    >>> xn.tree_map(lambda w, dw: w - 0.1 * dw, {"W": 1.0, "b": [2.0]}, {"W": 5.0, "b": [10.0]})
    {'W': 0.5, 'b': [1.0]}
    """
    return same_form(f, tree, *others)


class checkpoint:  # noqa: N801 (a decorator)
    """A function that keeps only its arguments and runs again in the backward pass: less memory for more time.

    ``checkpoint(f)(*args)`` equals ``f(*args)``. All Variables that f uses must be arguments.

    Raises: ``StateError`` for a function that uses other Variables of the same transform.

    >>> @xn.checkpoint
    ... def f(x):
    ...     return (x * x).sum()  # x * x is not kept, but computed again in the backward pass
    >>> xn.grad(f)(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    def __init__(self, f: Function) -> None:
        self.f = f
        update_wrapper(self, f)

    def __call__(self, *args: Any) -> Any:
        flat = tuple(leaves(args))
        top, raw, parents = strip(flat)
        if top is None or top is CONSTANT or top.barred is BATCH:
            return self.f(*args)
        y = self.f(*self._filled(args, raw))
        form: list[Any] = leaves(y)
        for item in form:
            if type(item) is Variable and item.node.trace.number >= top.number:
                raise StateError(
                    f"checkpoint of {name_of(self.f)}",
                    "all Variables must be arguments",
                    "another Variable of the same transform",
                    "give it as an argument too",
                )
        rule = CallRule(f"checkpoint of {name_of(self.f)}", self, args)
        several = isinstance(y, tuple)
        if not several and len(form) != 1:
            must = "the function must return an array or a tuple of arrays"
            raise DtypeError(rule.name, must, type(y).__name__, "return a tuple")
        return _recorded(rule, y, raw, parents, top)

    def _filled(self, args: Any, raw: tuple[Any, ...]) -> Any:
        """Return the arguments with their arrays replaced by these."""
        items = iter(raw)
        return same_form(lambda _: next(items), args)

    def pull(self, kept: Any, g: Any, node: Node) -> list[Any]:
        """Return the gradients of the arrays in the arguments, by computing the function once more."""
        wanted = [at for at, parent in enumerate(node.parents) if parent is not None]

        def again(*chosen: Any) -> Any:
            raw = list(node.args)
            for at, x in zip(wanted, chosen, strict=True):
                raw[at] = x
            return self.f(*self._filled(kept, tuple(raw)))

        _, pullback = vjp(again, *(node.args[at] for at in wanted))
        found: list[Any] = [None] * len(node.args)
        for at, d in zip(wanted, pullback(same_form(conjugate, g)), strict=True):
            found[at] = conjugate(d)
        return found
