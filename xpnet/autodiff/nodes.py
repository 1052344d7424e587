"""The nodes of the graph, which record how a value was computed, and the traces that they belong to.

A node is made for every operation that is recorded. It holds the operation's ``rule``, its ``args``, the
``parents`` among them (None for a constant), its ``value`` and, after ``backward``, the ``grad`` that arrived.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

from xpnet.autodiff.table import Rule, own
from xpnet.backend import array_namespace, dtype_kind
from xpnet.errors import DtypeError, LibraryError, XpnetError

# Messages of NumPy, torch, JAX and CuPy for a Variable as the argument of one of their functions
REFUSED = re.compile("'Variable' does not support ufuncs|not Variable|assign a Variable|autodiff.variable.Variable'>")

STEP = 1000  # the number of times that Variables made by hand may wrap each other within one ``grad``


class Trace:
    """An active ``grad``, or the Variables made by hand inside one; its number orders nested traces.

    ``barred`` is empty while operations may be recorded. Otherwise it says why not: the trace is of constants, it is
    finished, or it computes tangents or batches and keeps nothing (``FORWARD``, ``BATCH``).
    """

    __slots__ = ("barred", "by_hand", "number")

    def __init__(self, number: int, barred: str = "") -> None:
        self.number = number
        self.barred = barred
        self.by_hand: dict[int, Trace] = {}

    @property
    def active(self) -> bool:
        """True while a ``grad`` or another transform records, also for Variables made by hand inside it."""
        return self.number >= STEP and self.barred in ("", FORWARD, BATCH)

    def hand_made(self, below: int) -> Trace:
        """Return the trace of Variables made by hand around values whose highest number is ``below``."""
        number = max(self.number, below) + 1
        return self.by_hand.setdefault(number, Trace(number))

    def close(self) -> None:
        for trace in (self, *self.by_hand.values()):
            trace.barred = "finished"


FORWARD = "forward"
BATCH = "batch"

CONSTANT = Trace(0, "constant")

_scope: ContextVar[Trace] = ContextVar("xpnet_trace", default=Trace(0))  # noqa: B039 (one for the whole process)


def current_trace() -> Trace:
    """Return the trace of the innermost active ``grad``."""
    return _scope.get()


_forward: ContextVar[bool] = ContextVar("xpnet_forward", default=False)


def in_forward() -> bool:
    """Return whether a layer's ``forward`` runs on Variables."""
    return _forward.get()


@contextmanager
def forward_of_variables() -> Iterator[None]:
    """Mark the duration of a layer's ``forward`` on Variables."""
    token = _forward.set(True)
    try:
        yield
    finally:
        _forward.reset(token)


_numbers = count(STEP, STEP)


class tracing:  # noqa: N801 (used as a function in ``with``; the generator form costs a microsecond)
    """A new innermost trace, whose number is above those of all earlier traces and above ``below``.

    No number is used twice, because a worker thread does not know the traces of the thread that started it.
    """

    __slots__ = ("token", "trace")

    def __init__(self, below: int = 0, barred: str = "") -> None:
        number = next(_numbers)
        while number <= below:  # Variables that wrap each other many times
            number = next(_numbers)
        self.trace = Trace(number, barred)

    def __enter__(self) -> Trace:
        self.token = _scope.set(self.trace)
        return self.trace

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        _scope.reset(self.token)
        self.trace.close()
        if type(error) is TypeError and REFUSED.search(str(error)):
            must = "its functions must come from its own namespace, which records them"
            remedy = "use xp = array_namespace(x) and xp.tanh(x) in place of np.tanh(x)"
            raise LibraryError("Variable", must, f"another library's: {error}", remedy) from error
        if type(error) is ValueError and isinstance(error.__cause__, XpnetError):
            raise error.__cause__  # NumPy hides it if an item of an array would have become a Variable


class Node:
    """One operation of the graph, or a leaf of it where ``rule`` is None.

    >>> node = (xn.Variable(np.array(2.0), name="x") * 3.0).node
    >>> node.name, [parent if isinstance(parent, float) else parent.name for parent in node.inputs]
    ('multiply', ['x', 3.0])
    """

    __slots__ = ("args", "call", "grad", "keywords", "label", "order", "parents", "rule", "trace", "value")

    args: tuple[Any, ...]
    call: Node  # for a layer whose ``forward`` made the value: the same call as one node, for drawings
    grad: Any
    keywords: dict[str, Any] | None
    label: str | None
    order: int
    parents: tuple[Node | None, ...]
    rule: Rule | None
    trace: Trace
    value: Any

    @property
    def name(self) -> str:
        """The name of the operation or layer, or of the leaf."""
        return self.rule.name if self.rule is not None else getattr(self, "label", None) or ""

    @property
    def layer(self) -> Any:
        """The layer that the node stands for, or None for an operation."""
        return getattr(self.rule, "layer", None)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The parents as nodes, and the constants as they were given."""
        if not self.args:
            return self.parents
        return tuple(arg if parent is None else parent for parent, arg in zip(self.parents, self.args, strict=False))

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the value, also after its release; None for a function with several results."""
        shape = getattr(self.args if self.value is None else self.value, "shape", None)
        return None if shape is None else tuple(shape)

    @property
    def dtype(self) -> Any:
        return getattr(self.args if self.value is None else self.value, "dtype", None)

    @property
    def gradient(self) -> Any:
        """The gradient at this node, a copy for an operation; for complex values the direction of steepest ascent."""
        d = conjugate(self.grad)
        return d if self.rule is None or not hasattr(d, "dtype") else own(d)

    def __repr__(self) -> str:
        return f"<Node {self.order} {self.name or 'leaf'}>"


class Dual(Node):
    """The node of a value with a tangent, ``dy``, which is None if the value does not change; it keeps no operands."""

    __slots__ = ("tangent",)

    tangent: Any

    def __init__(self, tangent: Any = None) -> None:
        self.tangent = tangent


class Released(tuple[Any, ...]):
    """The arguments of a node after the backward pass: small constants, and None in place of all others.

    If the value was too large to be kept, its shape and dtype are stored here.
    """

    shape: tuple[int, ...] | None = None
    dtype: Any = None


RELEASED = Released()


class Parts:
    """The gradients of a function's several results, with None for results that were not used."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __add__(self, other: Parts) -> Parts:
        pairs = zip(self.parts, other.parts, strict=True)
        return Parts(tuple(b if a is None else a if b is None else a + b for a, b in pairs))


next_order: Callable[[], int] = count(1).__next__


def leaf(value: Any, trace: Trace, name: str | None = None) -> Node:
    """Return a node without parents."""
    if trace.barred is FORWARD:
        node: Node = Dual()
    else:
        node = Node()
    node.rule = node.grad = node.keywords = None
    node.value, node.trace, node.label = value, trace, name
    node.args = node.parents = ()
    node.order = next_order()
    return node


_REAL: set[tuple[type, Any]] = set()  # the types of arrays with the real dtypes seen so far, for a fast answer


def is_real(value: Any) -> bool:
    """Return whether the value is an array of a real floating dtype."""
    kind = (type(value), getattr(value, "dtype", None))
    if kind in _REAL:
        return True
    if kind[1] is None or dtype_kind(value) != "real":
        return False
    if not hasattr(kind[0], "differentiates"):  # Variables have dtypes of every library, which cannot all be compared
        _REAL.add(kind)
    return True


def conjugate(value: Any) -> Any:
    """Return ``conj(x)`` of a complex array, and anything else unchanged."""
    if is_real(value) or not hasattr(value, "dtype") or dtype_kind(value) != "complex":
        return value
    return array_namespace(value).conj(value)


def check_real(dout: Any, like: Any, who: str) -> None:
    """Raise for a complex ``dout`` of a real array, which would lose its imaginary part.

    Raises: ``DtypeError``.
    """
    given = type(dout) is complex or (hasattr(dout, "dtype") and not is_real(dout) and dtype_kind(dout) == "complex")
    if given and (is_real(like) or dtype_kind(like) != "complex"):
        raise DtypeError(who, f"a vector for {like.dtype} must be real", "complex numbers", "take xp.real of it")
