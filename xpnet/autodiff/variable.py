"""``Variable``: an array that remembers how it was made."""

from __future__ import annotations

import operator
from typing import Any, NoReturn

import numpy as np

from xpnet.autodiff import foreign
from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.items import Items
from xpnet.autodiff.nodes import CONSTANT, Node, check_real, conjugate, current_trace, is_real, leaf
from xpnet.autodiff.operators import constant_operator, constant_operators, operators, unary
from xpnet.autodiff.record import NUMBERS, apply, base, constant, made_by_recording
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, read_key, set_item
from xpnet.autodiff.rules.shapes import TO_DEVICE, VIEWS, to_device
from xpnet.autodiff.rules.table import RULES
from xpnet.autodiff.tape import reachable, settle, walk
from xpnet.backend import array_namespace, device_of, dtype_kind, get_backend, library_of, size_of
from xpnet.errors import DtypeError, LibraryError, MemberError, ShapeError, StateError
from xpnet.standard import Standard
from xpnet.typing import Namespace

SPACES: dict[Namespace, Namespace] = {}  # a library's namespace -> that of Variables over it


@made_by_recording
class Variable(Items):
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
        """The gradient that the last ``backward`` brought here; None before, and for large intermediate values.

        Of a leaf whose items have been assigned it is that of the array it was made with.
        """
        node: Node | None = self.node
        while node is not None and node.rule is SETITEM:
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

        ``dout`` may be left out where y is a scalar. The graph is released unless ``keep``; ``check`` names the
        operation that made the first NaN.

        Raises: ``ShapeError`` for a wrong or missing dout; ``StateError`` for a constant or a released graph.
        """
        if self.node.trace is CONSTANT:
            raise StateError("backward", "y must depend on a Variable", "a constant", "compute y from Variable(x)")
        last = (self.node,)
        nodes = reachable(last)
        settle(nodes, walk(nodes, last, (conjugate(self._seed(dout)),), check), keep)

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
            if not is_real(y):
                must, remedy = "y must be real where dout is left out", "use xp.real(y), or pass y.backward(dout)"
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
    def T(self) -> Variable:  # noqa: N802 (the standard's name)
        """``xᵀ`` of a matrix."""
        return self.__array_namespace__().permute_dims(self, (1, 0))  # type: ignore[return-value]

    @property
    def mT(self) -> Variable:  # noqa: N802 (the standard's name)
        """``xᵀ`` of the last two axes."""
        return self.__array_namespace__().matrix_transpose(self)  # type: ignore[return-value]

    def __array_namespace__(self, *, api_version: str | None = None) -> Standard:
        value = self.value
        while type(value) is Variable:
            value = value.value
        over = array_namespace(value)
        if over not in SPACES:
            from xpnet.autodiff.namespace import namespace_over  # its functions return Variables

            SPACES[over] = namespace_over(over)
        return SPACES[over]  # type: ignore[no-any-return]

    def to_device(self, device: Any, /, *, stream: Any = None) -> Variable:  # noqa: ARG002 (the standard's)
        """The same values on another device; the gradient comes back from there."""
        return apply(TO_DEVICE, to_device, (self, device))  # type: ignore[no-any-return]

    __add__, __radd__ = operators("add", operator.add)
    __sub__, __rsub__ = operators("subtract", operator.sub)
    __mul__, __rmul__ = operators("multiply", operator.mul)
    __truediv__, __rtruediv__ = operators("divide", operator.truediv)
    __mod__, __rmod__ = operators("remainder", operator.mod)
    __pow__, __rpow__ = operators("pow", operator.pow)
    __matmul__, __rmatmul__ = operators("matmul", operator.matmul)
    __neg__ = unary("negative", operator.neg)
    __pos__ = unary("positive", operator.pos)
    __abs__ = unary("abs", operator.abs)

    __lt__ = constant_operator(operator.lt)
    __le__ = constant_operator(operator.le)
    __gt__ = constant_operator(operator.gt)
    __ge__ = constant_operator(operator.ge)
    __eq__ = constant_operator(operator.eq)
    __ne__ = constant_operator(operator.ne)
    __hash__ = None  # type: ignore[assignment]
    __floordiv__, __rfloordiv__ = constant_operators(operator.floordiv)
    __and__, __rand__ = constant_operators(operator.and_)
    __or__, __ror__ = constant_operators(operator.or_)
    __xor__, __rxor__ = constant_operators(operator.xor)
    __lshift__, __rlshift__ = constant_operators(operator.lshift)
    __rshift__, __rrshift__ = constant_operators(operator.rshift)

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

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise LibraryError(
            "Variable",
            "its functions must come from its own namespace, which records them",
            "a conversion to a NumPy array",
            "use xp = array_namespace(x) and xp.exp(x); for the bare values stop_gradient(x).value",
        )

    def __cupy_override_elementwise_kernel__(self, kernel: Any, *args: Any, **named: Any) -> Any:
        return foreign.elementwise(array_namespace(*args), kernel, args, named)

    def __cupy_get_ndarray__(self) -> NoReturn:
        foreign.refuse_conversion()

    def __getattr__(self, name: str) -> Any:
        """Raise: arrays of NumPy and torch have methods that the standard has not. CuPy's own functions call some."""
        if name.startswith("_"):  # some library asks whether there is a protocol
            raise AttributeError(name)
        if name in foreign.METHODS and library_of(xp := self.__array_namespace__()).asks_for_methods:
            return foreign.method(xp, self, name)
        remedy = remedy_for(name, RULES, "use a function of the standard")
        raise MemberError("Variable", "its attributes must be of the standard", name, remedy)

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
        raise DtypeError(who, "x must be an array or a number", type(x).__name__, "convert it with xn.asarray(x)")
    if kind in ("integer", "bool"):
        raise DtypeError(
            who,
            "dtype must be floating, integers have no derivative",
            x.dtype,
            "convert it with xn.asarray(x)",
        )
    return x
