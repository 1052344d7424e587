"""The tape: nodes that remember how a value was made, and the walk back through them.

A node is made for every operation that is recorded. It holds the operation's ``rule``, its ``args``, the
``parents`` among them (None for a constant), its ``value`` and, after a walk, the ``grad`` that arrived. The
walk takes the nodes from the last made to the first: each asks its rule for one gradient per parent and adds
it to what the parent has. There is no recursion, so a graph may be as deep as memory allows.

What stands after ``y.backward()`` (drawing relies on it): ``y.node`` and from there, through ``inputs``, every
node, with its ``name``, ``label``, ``layer``, ``keywords``, ``shape``, ``dtype`` and ``order``. ``value``, ``gradient``
and the constants among ``inputs`` stay where they have at most 64 elements (``SMALL``); larger ones are None,
but a leaf keeps its own. What rules and layers kept for the walk is gone.

Gradients of complex values travel unconjugated: an arrow carries ``c`` with ``dL = Re Σ c dz``, so that the rule of
a holomorphic function is ``c f'(z)`` with no conjugation anywhere. What a caller sees, ``x.grad`` and the results
of the transforms, is ``conj(c)``, the direction of steepest ascent, as in torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from itertools import count
from math import prod
from operator import attrgetter
from typing import Any

from xpnet.autodiff.rules.table import Rule, fit
from xpnet.backend import array_namespace, dtype_kind
from xpnet.errors import ArgumentError, StateError

SMALL = 64  # elements: what a picture can show

STEP = 1000  # so often may Variables made by hand wrap each other within one ``grad``


class Trace:
    """An active ``grad``, or the Variables made by hand inside one; its number says how deep.

    ``barred`` is empty while operations may be recorded, else the reason why not.
    """

    __slots__ = ("barred", "by_hand", "number")

    def __init__(self, number: int, barred: str = "") -> None:
        self.number = number
        self.barred = barred
        self.by_hand: dict[int, Trace] = {}

    def hand_made(self, below: int) -> Trace:
        """The trace of Variables made by hand around values whose highest number is ``below``."""
        number = max(self.number, below) + 1
        return self.by_hand.setdefault(number, Trace(number))

    def close(self) -> None:
        for trace in (self, *self.by_hand.values()):
            trace.barred = "finished"


CONSTANT = Trace(0, "constant")

_scope: ContextVar[Trace] = ContextVar("xpnet_trace", default=Trace(0))  # noqa: B039 (one for the whole process)


def current_trace() -> Trace:
    """The trace of the innermost active ``grad``."""
    return _scope.get()


class tracing:  # noqa: N801 (used as a function in ``with``; the generator form costs a microsecond)
    """A new innermost trace, numbered above the active ones and above ``below``."""

    __slots__ = ("token", "trace")

    def __init__(self, below: int = 0) -> None:
        self.trace = Trace(max(_scope.get().number, below) + STEP)

    def __enter__(self) -> Trace:
        self.token = _scope.set(self.trace)
        return self.trace

    def __exit__(self, *_: object) -> None:
        _scope.reset(self.token)
        self.trace.close()


class Node:
    """One operation of the graph, or a leaf of it where ``rule`` is None."""

    __slots__ = ("args", "grad", "keywords", "label", "order", "parents", "rule", "trace", "value")

    args: tuple[Any, ...]
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
        """The name of the operation or layer; of a leaf its own."""
        return self.rule.name if self.rule is not None else getattr(self, "label", None) or ""

    @property
    def layer(self) -> Any:
        """The layer that the node stands for, None for an operation."""
        return getattr(self.rule, "layer", None)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The parents as nodes and the constants as they were given."""
        if not self.args:
            return self.parents
        return tuple(arg if parent is None else parent for parent, arg in zip(self.parents, self.args, strict=False))

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the value, also after it has gone; None for a function of several results."""
        shape = getattr(self.args if self.value is None else self.value, "shape", None)
        return None if shape is None else tuple(shape)

    @property
    def dtype(self) -> Any:
        return getattr(self.args if self.value is None else self.value, "dtype", None)

    @property
    def gradient(self) -> Any:
        """The gradient at this node, for complex values the direction of steepest ascent."""
        return conjugate(self.grad)

    def __repr__(self) -> str:
        return f"<Node {self.order} {self.name or 'leaf'}>"


class Released(tuple[Any, ...]):
    """The arguments of a node whose gradient has been taken: small constants, and None.

    Where the value was too large to stay, its shape and dtype are here.
    """

    shape: tuple[int, ...] | None = None
    dtype: Any = None


RELEASED = Released()


class Parts:
    """The gradients of a function's several results; None where a result was not used."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __add__(self, other: Parts) -> Parts:
        pairs = zip(self.parts, other.parts, strict=True)
        return Parts(tuple(b if a is None else a if b is None else a + b for a, b in pairs))


def part(g: Any, _y: Any, whole: tuple[Any, ...], index: int) -> Parts:
    """The gradient of ``whole[index]``."""
    return Parts(tuple(g if at == index else None for at in range(len(whole))))


PART = Rule("part", (part,))

next_order: Callable[[], int] = count(1).__next__
by_order = attrgetter("order")


def reachable(last: Iterable[Node]) -> list[Node]:
    """The nodes from which these were made, the last made first."""
    seen = set(last)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=by_order, reverse=True)


def walk(last: Sequence[Node], seeds: Sequence[Any], check: bool = False) -> list[Node]:
    """Fill ``grad`` of every node from the gradients at the last ones; return the nodes, last made first.

    Every gradient has the shape and dtype of the value that it belongs to.

    Raises: ``StateError`` on a graph that ``backward`` has released, and with ``check`` on the first NaN.
    """
    nodes = reachable(last)
    for node in nodes:
        node.grad = None
    for node, seed in zip(last, seeds, strict=True):
        if node.value is not None:  # a layer need not check what arrives: shape and dtype are those of its result
            seed = fit(seed, node.value)
        node.grad = seed if node.grad is None else node.grad + seed
    for node in nodes:
        rule, g = node.rule, node.grad
        if rule is None or g is None:
            continue
        args, y = node.args, node.value
        if type(args) is Released:
            raise _released(node)
        if rule.joint is not None:
            for parent, d, x in zip(node.parents, rule.joint(g, node), args, strict=True):
                if parent is not None and d is not None:
                    if d.dtype is not x.dtype or d.shape != x.shape:
                        d = fit(d, x)
                    parent.grad = d if parent.grad is None else parent.grad + d
                    if check:
                        check_number(node, parent, d)
            continue
        keywords, fits = node.keywords, rule.fits
        for parent, gradient, x in zip(node.parents, rule.gradients, args):  # noqa: B905 (strict costs time)
            if parent is None or gradient is None:
                continue
            d = gradient(g, y, *args, **keywords) if keywords else gradient(g, y, *args)
            if fits and (d.dtype is not x.dtype or d.shape != x.shape):
                d = fit(d, x)
            parent.grad = d if parent.grad is None else parent.grad + d
            if check:
                check_number(node, parent, d)
    return nodes


def settle(nodes: Iterable[Node], keep: bool) -> None:
    """Let the layers called in the graph assign their ``dW``; then, unless ``keep``, drop what only the walk needed."""
    delivered: set[tuple[int, str]] = set()
    for node in nodes:
        rule = node.rule
        if rule is None:
            continue
        if rule.joint is not None:
            if node.grad is not None:
                rule.deliver(node, delivered)
            if not keep:
                rule.release()
        if keep:
            continue
        parents, value = node.parents, node.value
        several = type(value) is tuple
        large = not several and prod(value.shape) > SMALL
        kept = _constants(parents, node.args) if None in parents else Released() if large else RELEASED
        if large:
            kept.shape, kept.dtype = tuple(value.shape), value.dtype
        if large or several:
            node.value = node.grad = None
        node.args = kept


def _constants(parents: tuple[Node | None, ...], args: tuple[Any, ...]) -> Released:
    """The arguments that have no node, where they are small enough to draw."""
    pairs = zip(parents, args, strict=False)
    return Released(
        [arg if parent is None and prod(getattr(arg, "shape", ())) <= SMALL else None for parent, arg in pairs]
    )


_REAL: set[tuple[type, Any]] = set()  # the types of arrays and their real dtypes that were asked for: a quick answer


def is_real(value: Any) -> bool:
    """Whether the value is an array of a real floating dtype."""
    kind = (type(value), getattr(value, "dtype", None))
    if kind in _REAL:
        return True
    if kind[1] is None or dtype_kind(value) != "real":
        return False
    if not getattr(kind[0], "differentiates", False):  # Variables have dtypes of every library, which refuse comparison
        _REAL.add(kind)
    return True


def conjugate(value: Any) -> Any:
    """``conj(x)`` of complex arrays, anything else as it is."""
    if is_real(value) or not hasattr(value, "dtype") or dtype_kind(value) != "complex":
        return value
    return array_namespace(value).conj(value)


def check_number(node: Node, parent: Node, d: Any) -> None:
    """Raise on the first NaN, naming the node that made it.

    Raises: ``ArgumentError`` that names the operation and its operand.
    """
    for piece in d if isinstance(d, Parts) else (d,):
        if piece is None:
            continue
        xp = array_namespace(piece)
        if bool(xp.any(xp.isnan(piece))):
            operand = node.parents.index(parent)
            nan_before = any(
                bool(xp.any(xp.isnan(value))) for value in (node.value, node.grad) if hasattr(value, "dtype")
            )
            cause = "its value or the gradient it was given holds NaN" if nan_before else "from numbers"
            raise ArgumentError(
                "backward",
                "every gradient must be a number",
                f"the first NaN from {node.name} (node {node.order}) for its operand {operand}, {cause}",
                "keep its argument inside the domain, with where or clip before it, not after",
            )


def _released(node: Node) -> StateError:
    return StateError(
        "backward",
        "the graph must still hold what its rules kept",
        f"{node.name}, released by an earlier backward()",
        "compute y again, or call the first y.backward(keep=True)",
    )
