"""``Variable``: an array that remembers how it was made."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from xpnet.autodiff.rules import RULES, Rule
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, read_key, set_item
from xpnet.autodiff.rules.shapes import TO_DEVICE, VIEWS, to_device
from xpnet.autodiff.tape import (
    CONSTANT,
    PART,
    Node,
    Trace,
    conjugate,
    current_trace,
    is_real,
    next_order,
    settle,
    walk,
)
from xpnet.backend import array_namespace, device_of, dtype_kind, get_backend, size_of
from xpnet.errors import DtypeError, LibraryError, ShapeError, StateError
from xpnet.typing import Namespace

NUMBERS = (float, int, complex, bool)

new = object.__new__

SPACES: dict[Namespace, Namespace] = {}  # a library's namespace -> that of Variables over it


def _operators(name: str, operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The operator and its reflected form; the common cases do not go through ``apply``."""
    rule = RULES[name]

    def method(self: Variable, other: Any, /) -> Any:
        node = self.node
        x = self.value
        kind = type(other)
        if kind is Variable:
            peer = other.node
            y = other.value
            if peer.trace is node.trace and type(x) is type(y):
                return record(rule, operate(x, y), (x, y), (node, peer), node.trace)
        elif kind in NUMBERS:
            return record(rule, operate(x, other), (x, other), (node, None), node.trace)
        elif not _is_operand(other):
            return NotImplemented
        return apply(rule, operate, (self, other))

    def reflected(self: Variable, other: Any, /) -> Any:
        if type(other) in NUMBERS:
            node = self.node
            x = self.value
            return record(rule, operate(other, x), (other, x), (None, node), node.trace)
        if not _is_operand(other):
            return NotImplemented
        return apply(rule, operate, (other, self))

    return method, reflected


def _is_operand(other: Any) -> bool:
    return hasattr(other, "dtype") and hasattr(other, "shape") and type(other) is not type


def _constant_operator(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """An operator whose result is a constant."""

    def method(self: Variable, other: Any, /) -> Any:
        if type(other) not in NUMBERS and not _is_operand(other):
            return NotImplemented
        one_library((self, other))
        return constant(operate(base(self), base(other)))

    return method


def _constant_operators(operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return _constant_operator(operate), _constant_operator(lambda a, b: operate(b, a))


def _unary(name: str, operate: Callable[[Any], Any]) -> Callable[..., Any]:
    rule = RULES[name]

    def method(self: Variable, /) -> Any:
        return record(rule, operate(self.value), (self.value,), (self.node,), self.node.trace)

    return method


class Variable:
    """An array with a history, ``y = f(Variable(x)); y.backward(); x.grad``.

    It wraps an array of any library, another Variable, or a number, which becomes an array of the current
    backend. It has the attributes and operators of the standard; functions come from its namespace,
    ``array_namespace(x)``, and record what they do.

    Raises: ``DtypeError`` for integers and bools, which have no derivative, and for what is not an array.
    """

    __slots__ = ("__weakref__", "node", "value")

    __array_ufunc__ = None  # NumPy leaves operators to us
    differentiates = True

    node: Node
    value: Any

    def __init__(self, x: Any, name: str | None = None) -> None:
        value = as_differentiable(x, "Variable")
        below = value.node.trace.number if type(value) is Variable else 0
        self.value = value
        self.node = leaf(value, current_trace().hand_made(below), name)

    @property
    def grad(self) -> Any:
        """The gradient that the last ``backward`` brought here; None before, and for large intermediate values."""
        return self.node.gradient

    @property
    def name(self) -> str | None:
        return getattr(self.node, "label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self.node.label = name

    def backward(self, dout: Any = None, *, keep: bool = False, check: bool = False) -> None:
        """Assign ``x.grad = dout · ∂y/∂x`` to every leaf ``x`` of the graph, and dW to its layers.

        ``dout`` may be left out where y is a scalar. The graph is released unless ``keep``; ``check`` names the
        operation that made the first NaN.

        Raises: ``ShapeError`` for a wrong or missing dout; ``StateError`` for a constant or a released graph.
        """
        if self.node.trace is CONSTANT:
            raise StateError("backward", "y must depend on a Variable", "a constant", "compute y from Variable(x)")
        nodes = walk((self.node,), (conjugate(self._seed(dout)),), check)
        settle(nodes, keep)

    def _seed(self, dout: Any) -> Any:
        y = self.value
        xp = array_namespace(y)
        if dout is None:
            if self.shape != ():
                raise ShapeError(
                    "backward",
                    "y must be a scalar where dout is left out",
                    f"shape {self.shape}",
                    "pass y.backward(dout) with dout of that shape, or sum y first",
                )
            return xp.ones_like(y)
        if type(dout) in NUMBERS:
            return xp.full_like(y, dout)
        array_namespace(y, dout)
        if tuple(dout.shape) != self.shape:
            raise ShapeError(
                "backward", f"dout must have the shape of y, {self.shape}", tuple(dout.shape), "broadcast it first"
            )
        return dout

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def device(self) -> Any:
        return device_of(self.value)

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def size(self) -> int | None:
        return size_of(self.value)

    @property
    def T(self) -> Variable:  # noqa: N802 (the standard's name)
        """``xᵀ`` of a matrix."""
        return self.__array_namespace__().permute_dims(self, (1, 0))  # type: ignore[no-any-return]

    @property
    def mT(self) -> Variable:  # noqa: N802 (the standard's name)
        """``xᵀ`` of the last two axes."""
        return self.__array_namespace__().matrix_transpose(self)  # type: ignore[no-any-return]

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        value = self.value
        while type(value) is Variable:
            value = value.value
        over = array_namespace(value)
        if over not in SPACES:
            from xpnet.autodiff.namespace import namespace_over  # its functions return Variables

            SPACES[over] = namespace_over(over)
        return SPACES[over]

    def to_device(self, device: Any, /, *, stream: Any = None) -> Variable:  # noqa: ARG002 (the standard's)
        """The same values on another device; the gradient comes back from there."""
        return apply(TO_DEVICE, to_device, (self, device))  # type: ignore[no-any-return]

    __add__, __radd__ = _operators("add", operator.add)
    __sub__, __rsub__ = _operators("subtract", operator.sub)
    __mul__, __rmul__ = _operators("multiply", operator.mul)
    __truediv__, __rtruediv__ = _operators("divide", operator.truediv)
    __mod__, __rmod__ = _operators("remainder", operator.mod)
    __pow__, __rpow__ = _operators("pow", operator.pow)
    __matmul__, __rmatmul__ = _operators("matmul", operator.matmul)
    __neg__ = _unary("negative", operator.neg)
    __pos__ = _unary("positive", operator.pos)
    __abs__ = _unary("abs", operator.abs)

    __lt__ = _constant_operator(operator.lt)
    __le__ = _constant_operator(operator.le)
    __gt__ = _constant_operator(operator.gt)
    __ge__ = _constant_operator(operator.ge)
    __eq__ = _constant_operator(operator.eq)
    __ne__ = _constant_operator(operator.ne)
    __hash__ = None  # type: ignore[assignment]
    __floordiv__, __rfloordiv__ = _constant_operators(operator.floordiv)
    __and__, __rand__ = _constant_operators(operator.and_)
    __or__, __ror__ = _constant_operators(operator.or_)
    __xor__, __rxor__ = _constant_operators(operator.xor)
    __lshift__, __rlshift__ = _constant_operators(operator.lshift)
    __rshift__, __rrshift__ = _constant_operators(operator.rshift)

    def __invert__(self) -> Variable:
        return constant(operator.invert(base(self)))

    def __getitem__(self, key: Any, /) -> Variable:
        return apply(GETITEM, operator.getitem, (self, read_key(key)))  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any, /) -> None:
        """Give this Variable, and no other, the array with the item changed."""
        if self.node.rule is GETITEM or self.node.rule in VIEWS:
            raise StateError(
                "Variable",
                "item assignment must be on an array that is nobody's view",
                f"the result of {self.node.name}",
                "assign with one key, x[0, 1] = v, or to a copy, xp.asarray(x, copy=True)",
            )
        changed = apply(SETITEM, set_item, (self, value, read_key(key, masks=True)))
        self.value, self.node = changed.value, changed.node

    def __bool__(self) -> bool:
        return bool(base(self))

    def __int__(self) -> int:
        return int(base(self))

    def __index__(self) -> int:
        return operator.index(base(self))

    def __float__(self) -> float:
        return float(base(self))

    def __complex__(self) -> complex:
        return complex(base(self))

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise LibraryError(
            "Variable",
            "its functions must come from its own namespace, which records them",
            "a conversion to a NumPy array",
            "use xp = array_namespace(x) and xp.exp(x); for the bare values stop_gradient(x).value",
        )

    def __dlpack__(self, **_: Any) -> Any:
        raise LibraryError(
            "Variable",
            "only its value can be exchanged",
            "__dlpack__, which would lose the history",
            "exchange stop_gradient(x).value",
        )

    def __dlpack_device__(self) -> Any:
        return base(self).__dlpack_device__()

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Variable({self.value!r}{name})"


def as_differentiable(x: Any, who: str) -> Any:
    """The array ``x``, or the number as an array of the current backend.

    Raises: ``DtypeError`` for integer and bool arrays and for what is not an array.
    """
    if type(x) in NUMBERS:
        return get_backend().asarray(x if type(x) is complex else float(x))
    if is_real(x):
        return x
    kind = dtype_kind(x) if type(x) is Variable or not isinstance(x, list | tuple | dict | str) else None
    if kind is None:
        raise DtypeError(
            who, "x must be an array or a number", type(x).__name__, "convert it with get_backend().asarray(x)"
        )
    if kind in ("integer", "bool"):
        raise DtypeError(
            who,
            "dtype must be floating, integers have no derivative",
            x.dtype,
            "convert it with xp.astype(x, xp.float64)",
        )
    return x


def leaf(value: Any, trace: Trace, name: str | None = None) -> Node:
    """A node that nothing was computed for."""
    node = new(Node)
    node.rule = node.grad = node.keywords = None
    node.value, node.trace, node.label = value, trace, name
    node.args = node.parents = ()
    node.order = next_order()
    return node


def variable_of(value: Any, node: Node) -> Variable:
    """A Variable with that value and history."""
    variable = new(Variable)
    variable.value = value
    variable.node = node
    return variable


def constant(value: Any, rule: Rule | None = None) -> Variable:
    """A Variable that nothing will be differentiated by."""
    node = leaf(value, CONSTANT)
    node.rule = rule
    return variable_of(value, node)


def record(
    rule: Rule,
    value: Any,
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    trace: Trace,
    keywords: dict[str, Any] | None = None,
) -> Variable:
    """The result of an operation as a Variable with a new node.

    Raises: ``StateError`` where the trace is finished.
    """
    if trace.barred:
        if trace is CONSTANT:
            return constant(value, rule)
        raise _escaped(rule.name)
    node = new(Node)
    node.rule = rule
    node.value = value
    node.args = args
    node.parents = parents
    node.trace = trace
    node.keywords = keywords
    node.grad = None
    node.order = next_order()
    variable = new(Variable)
    variable.value = value
    variable.node = node
    return variable


def record_parts(
    rule: Rule,
    values: tuple[Any, ...],
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    trace: Trace,
    keywords: dict[str, Any] | None,
) -> tuple[Any, ...]:
    """The several results of an operation as Variables that share one node."""
    whole = record(rule, values, args, parents, trace, keywords).node
    return tuple(record(PART, value, (values, at), (whole, None), trace) for at, value in enumerate(values))


def apply(
    rule: Rule, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any] | None = None
) -> Any:
    """Call the function on what the Variables wrap, and record it for the highest number among them.

    Other Variables are constants to that trace; the call inside records itself for the next lower number.

    Raises: ``LibraryError`` for arrays of two libraries; ``StateError`` for a Variable that escaped its trace.
    """
    top, raw, parents = strip(args)
    if top is None:
        answer = function(*args, **keywords) if keywords else function(*args)
        return rule.outputs(*answer) if rule.outputs else answer
    one_library(args)
    answer = apply(rule, function, raw, keywords)
    if rule.outputs:
        return rule.outputs(*record_parts(rule, answer, raw, parents, top, keywords))
    return record(rule, answer, raw, parents, top, keywords)


def strip(args: tuple[Any, ...]) -> tuple[Trace | None, tuple[Any, ...], tuple[Node | None, ...]]:
    """The highest trace among the Variables, what lies under its Variables and under constants, and their nodes.

    The trace is None where there are no Variables; constants have no nodes.

    Raises: ``StateError`` for a Variable that escaped its trace.
    """
    top: Trace | None = None
    raw = list(args)
    parents: list[Node | None] = [None] * len(raw)
    for at, arg in enumerate(args):
        if type(arg) is not Variable:
            continue
        node = arg.node
        trace = node.trace
        if trace is not top:
            if trace.barred == "finished":
                raise _escaped("an operation")
            if top is None:
                top = trace
            elif trace.number > top.number:
                for before in range(at):  # what was highest until here is a constant to this trace
                    if parents[before] is not None:
                        raw[before], parents[before] = args[before], None
                top = trace
            elif trace is not CONSTANT:
                continue
        raw[at] = arg.value
        if trace is not CONSTANT:
            parents[at] = node
    return top, tuple(raw), tuple(parents)


def one_library(args: tuple[Any, ...]) -> None:
    """Raise where the arrays among the arguments are of two libraries.

    Raises: ``LibraryError`` naming both.
    """
    arrays = [arg for arg in args if type(arg) is Variable or _is_operand(arg)]
    if len(arrays) > 1:
        array_namespace(*arrays)


def base(x: Any) -> Any:
    """The array at the bottom of the Variables that wrap each other."""
    while type(x) is Variable:
        x = x.value
    return x


def bare(value: Any) -> Any:
    """The same with lists and tuples of them."""
    if type(value) is Variable:
        return base(value)
    if type(value) in (list, tuple):
        return type(value)(bare(item) for item in value)
    return value


def _escaped(who: str) -> StateError:
    return StateError(
        who,
        "a Variable must be used inside the grad, jvp or vjp that made it",
        "one whose trace has finished",
        "return it from the function, or keep stop_gradient(x) instead",
    )
