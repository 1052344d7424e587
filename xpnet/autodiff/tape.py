"""The tape: the walk back through the nodes, and what it leaves of them.

The walk takes the nodes from the last made to the first: each asks its rule for one gradient per parent and adds
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

from collections.abc import Iterable, Sequence
from math import inf, prod
from operator import attrgetter
from typing import Any

from xpnet.autodiff.nodes import RELEASED, Node, Parts, Released
from xpnet.autodiff.table import Rule, fit, own
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, StateError

SMALL = 64  # elements: what a picture can show
NONE = -1

by_order = attrgetter("order")


def reachable(last: Iterable[Node]) -> list[Node]:
    """Return the nodes from which these were made, the last made first."""
    seen = set(last)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=by_order, reverse=True)


def walk(
    nodes: Iterable[Node], last: Sequence[Node], seeds: Sequence[Any], check: bool = False, most: float = inf
) -> dict[Node, Any]:
    """Return the gradients at every node from those at the last ones; ``nodes`` are reachable, the last made first.

    Every gradient has the shape and dtype of the value that it belongs to. Nothing is written on the nodes, so that
    threads may walk one graph at once. What arrives at a leaf has memory of its own. An operation's gradient of more
    than ``most`` elements, or any where that is ``NONE``, is dropped once it has been passed on.

    Raises: ``StateError`` on a graph that ``backward`` has released, and with ``check`` on the first NaN.
    """
    grads: dict[Node, Any] = {}
    get, bounded = grads.get, most < inf
    for node, seed in zip(last, seeds, strict=True):
        if node.value is not None:  # a layer need not check what arrives: shape and dtype are those of its result
            seed = fit(seed, node.value)
        before = get(node)
        grads[node] = (own(seed) if node.rule is None else seed) if before is None else before + seed
    for node in nodes:
        rule, g = node.rule, get(node)
        if rule is None or g is None:
            continue
        args, y = node.args, node.value
        if type(args) is Released:
            raise released(node)
        if bounded and drops(rule, y, most):
            del grads[node]
        if rule.joint is not None:
            found = rule.joint(g, node)
            for parent, d, x in zip(node.parents, found, args, strict=True):
                if parent is not None and d is not None:
                    if d.dtype is not x.dtype or d.shape != x.shape:
                        d = fit(d, x)
                    before = get(parent)
                    if before is None and parent.rule is None and _shared(d, g, found):
                        d = own(d)
                    grads[parent] = d if before is None else before + d
                    if check:
                        check_number(node, parent, g, d)
            continue
        keywords, fits, fresh = node.keywords, rule.fits, rule.fresh
        for parent, gradient, x in zip(node.parents, rule.gradients, args):  # noqa: B905 (strict costs time)
            if parent is None or gradient is None:
                continue
            d = gradient(g, y, *args, **keywords) if keywords else gradient(g, y, *args)
            if fits and (d.dtype is not x.dtype or d.shape != x.shape):
                d = fit(d, x)
            before = get(parent)
            if before is not None:
                grads[parent] = before + d
            else:
                grads[parent] = d if fresh or parent.rule is not None else own(d)
            if check:
                check_number(node, parent, g, d)
    return grads


def drops(rule: Rule, y: Any, most: float) -> bool:
    """Return whether the gradient of a result is dropped; layers are still given theirs."""
    return most == NONE or (rule.joint is None and type(y) is not tuple and prod(y.shape) > most)


def _shared(d: Any, g: Any, found: Sequence[Any]) -> bool:
    """Return whether other arrays may use the memory of a gradient that a layer or a list gave."""
    if d is g or getattr(d, "base", d) is not None:  # a library without ``base`` does not tell a view
        return True
    return sum(d is other for other in found) > 1


def kept_of(nodes: Iterable[Node], keep: bool) -> float:
    """Return how many elements the gradients may have that stay after ``backward``; beside small leaves any."""
    if not keep:
        for node in nodes:
            if node.rule is None and prod(node.value.shape) > SMALL:
                return SMALL
    return inf


def settle(nodes: Iterable[Node], grads: dict[Node, Any], keep: bool) -> None:
    """Write the gradients on the nodes and the layers; then, unless ``keep``, drop what only the walk needed."""
    delivered: set[tuple[int, str]] = set()
    get = grads.get
    for node in nodes:
        rule = node.rule
        node.grad = g = get(node)
        if rule is None:
            node.grad = at_leaf(g, node.value)
            continue
        if rule.joint is not None:
            if g is not None:
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


def at_leaf(d: Any, x: Any) -> Any:
    """Return the gradient of a leaf: an array where NumPy makes a number of one without axes."""
    if d is None or type(d) is type(x) or d.shape != ():
        return d
    return array_namespace(d).asarray(d)


def _constants(parents: tuple[Node | None, ...], args: tuple[Any, ...]) -> Released:
    """Return the arguments that have no node, where they are small enough to draw."""
    pairs = zip(parents, args, strict=False)
    return Released(
        [arg if parent is None and prod(getattr(arg, "shape", ())) <= SMALL else None for parent, arg in pairs]
    )


def check_number(node: Node, parent: Node, g: Any, d: Any) -> None:
    """Raise on the first NaN, naming the node that made it.

    Raises: ``ArgumentError`` that names the operation and its operand.
    """
    for piece in d if isinstance(d, Parts) else (d,):
        if piece is None:
            continue
        xp = array_namespace(piece)
        if bool(xp.any(xp.isnan(piece))):
            operand = node.parents.index(parent)
            nan_before = any(bool(xp.any(xp.isnan(value))) for value in (node.value, g) if hasattr(value, "dtype"))
            cause = "its value or the gradient it was given holds NaN" if nan_before else "from numbers"
            raise ArgumentError(
                "backward",
                "every gradient must be a number",
                f"the first NaN from {node.name} (node {node.order}) for its operand {operand}, {cause}",
                "keep its argument inside the domain, with where or clip before it, not after",
            )


def released(node: Node) -> StateError:
    """Return the error of a node whose rule needs what an earlier walk dropped."""
    return StateError(
        "backward",
        "the graph must still hold what its rules kept",
        f"{node.name}, released by an earlier backward()",
        "compute y again, or call the first y.backward(keep=True)",
    )
