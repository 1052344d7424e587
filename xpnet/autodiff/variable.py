"""``Variable``: an array that records how it was computed.

The class holds a value and a node, and has the members that need no rule. Operators, items and methods record, and
rules depend on recording, so ``attached`` adds them to the class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np

from xpnet.autodiff.items import Items
from xpnet.autodiff.nodes import CONSTANT, Node, check_real, conjugate, current_trace, is_real, leaf
from xpnet.autodiff.shielded import walk
from xpnet.autodiff.table import ASSIGNMENTS, Rule, base
from xpnet.autodiff.tape import kept_of, reachable, settle
from xpnet.backend import array_namespace, device_of, dtype_kind, get_backend, size_of
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import DtypeError, LibraryError, ShapeError, StateError
from xpnet.standard import Standard
from xpnet.typing import Array

new = object.__new__

Unary: TypeAlias = "Callable[[Variable], Variable]"
Binary: TypeAlias = "Callable[[Variable, Any], Variable]"


class Variable(Items):
    """An array with a history, ``y = f(Variable(x)); y.backward(); x.grad``.

    It wraps an array of any library, another Variable, or a number, which becomes an array of the current
    backend. It has the attributes and operators of the standard; functions come from its namespace,
    ``array_namespace(x)``, and record what they do.

    Raises: ``DtypeError`` for integers and bools, which have no derivative, and for what is not an array.

    >>> x = xn.Variable(np.array([1.0, 2.0]))
    >>> y = (x**3).sum()
    >>> y.backward()
    >>> x.grad
    array([ 3., 12.])
    """

    __slots__ = ("__weakref__", "node", "origin", "value", "views")

    differentiates = True

    node: Node
    value: Any
    origin: Any  # of a view: its origin and the call that made it; see ``views``
    views: list[Any]

    __array_namespace__: Callable[..., Standard]
    to_device: Callable[..., Variable]
    __setitem__: ClassVar[Callable[[Variable, Any, Any], None]]
    __neg__: ClassVar[Unary]
    __pos__: ClassVar[Unary]
    __abs__: ClassVar[Unary]
    __invert__: ClassVar[Unary]
    __getitem__: ClassVar[Binary]
    __add__: ClassVar[Binary]
    __radd__: ClassVar[Binary]
    __sub__: ClassVar[Binary]
    __rsub__: ClassVar[Binary]
    __mul__: ClassVar[Binary]
    __rmul__: ClassVar[Binary]
    __truediv__: ClassVar[Binary]
    __rtruediv__: ClassVar[Binary]
    __mod__: ClassVar[Binary]
    __pow__: ClassVar[Binary]
    __rpow__: ClassVar[Binary]
    __matmul__: ClassVar[Binary]
    __rmatmul__: ClassVar[Binary]
    __and__: ClassVar[Binary]
    __or__: ClassVar[Binary]
    __eq__: ClassVar[Binary]  # type: ignore[assignment]
    __ne__: ClassVar[Binary]  # type: ignore[assignment]
    __lt__: ClassVar[Binary]
    __le__: ClassVar[Binary]
    __gt__: ClassVar[Binary]
    __ge__: ClassVar[Binary]

    def __init__(self, x: Any, name: str | None = None) -> None:
        value = as_differentiable(x, "Variable")
        below = value.node.trace.number if type(value) is Variable else getattr(value, "level", CONSTANT).number
        self.value = value
        self.node = leaf(value, current_trace().hand_made(below), name)

    @property
    def grad(self) -> Any:
        """The gradient from the last ``backward``; None before it, and for large intermediate values.

        For a leaf whose items have been assigned, it is the gradient of the array that the leaf was made with.
        """
        node: Node | None = self.node
        while node is not None and node.rule in ASSIGNMENTS:
            node = node.parents[0]
        return self.node.gradient if node is None or node.rule is not None else node.gradient

    @property
    def name(self) -> str | None:
        return getattr(self.node, "label", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self.node.label = name

    def backward(self, dout: Any = None, *, keep: bool = False, check: bool = False) -> None:
        """Assign ``x.grad = dout · ∂y/∂x`` to every leaf ``x`` of the graph, and dW to its layers.

        ``dout`` may be omitted if y is a scalar. The graph is released unless ``keep``; ``check`` raises for the first
        NaN and names the operation that made it.

        Raises: ``ShapeError`` for a wrong or missing dout; ``StateError`` for a constant or a released graph.
        """
        if self.node.trace is CONSTANT:
            raise StateError("backward", "y must depend on a Variable", "a constant", "compute y from Variable(x)")
        last = (self.node,)
        nodes = reachable(last)
        seeds = (conjugate(self._seed(dout)),)
        settle(nodes, walk(nodes, last, seeds, check, kept_of(nodes, keep)), keep)

    def _seed(self, dout: Any) -> Any:
        y = self.value
        xp = array_namespace(y)
        if dout is None:
            if self.shape != ():
                raise ShapeError(
                    "backward",
                    "y must be a scalar if dout is omitted",
                    f"shape {self.shape}",
                    "pass y.backward(dout) with dout of that shape, or sum y first",
                )
            if not is_real(y):
                must, remedy = "y must be real if dout is omitted", "use xp.real(y), or pass y.backward(dout)"
                raise DtypeError("backward", must, y.dtype, remedy)
            return xp.ones_like(y)
        dout = dout.item() if isinstance(dout, np.generic) else dout
        check_real(dout, y, "backward")
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
    def T(self) -> Array:  # noqa: N802 (the standard's name)
        """``xᵀ``, the array with its axes in reverse order."""
        return self.__array_namespace__().permute_dims(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Array:  # noqa: N802 (the standard's name)
        """``xᵀ``, the array with its last two axes exchanged."""
        return self.__array_namespace__().matrix_transpose(self)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
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


def variable_of(value: Any, node: Node) -> Variable:
    """Return a Variable with that value and history."""
    variable = new(Variable)
    variable.value = value
    variable.node = node
    return variable


def constant(value: Any, rule: Rule | None = None) -> Variable:
    """Return a constant Variable, which has no derivative."""
    node = leaf(value, CONSTANT)
    node.rule = rule
    return variable_of(value, node)


def as_differentiable(x: Any, who: str) -> Any:
    """Return the array ``x``, or the number as an array of the current backend.

    Raises: ``DtypeError`` for integer and bool arrays and for anything that is not an array.
    """
    if type(x) in NUMBERS:
        return get_backend().asarray(x if type(x) is complex else float(x))
    if is_real(x):
        return x
    kind = dtype_kind(x) if type(x) is Variable or not isinstance(x, list | tuple | dict | str) else None
    if kind is None:
        raise DtypeError(who, "x must be an array or a number", type(x).__name__, "convert it with xn.asarray(x)")
    if kind in ("integer", "bool"):
        raise DtypeError(
            who,
            "dtype must be floating, integers have no derivative",
            x.dtype,
            "convert it with xn.asarray(x)",
        )
    return x
