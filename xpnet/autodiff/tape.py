"""The tape: the backward walk through the nodes, and the parts of them that it keeps.

The walk visits the nodes from the last made to the first: it computes one gradient per parent by the node's rule and
adds it to the gradient of the parent. There is no recursion, so a graph may be as deep as memory allows.

After ``y.backward()`` there remain (drawing relies on it): ``y.node`` and from there, through ``inputs``, every
node, with its ``name``, ``label``, ``layer``, ``keywords``, ``shape``, ``dtype`` and ``order``. ``value``, ``gradient``
and the constants among ``inputs`` remain if they have at most 64 elements (``SMALL``); larger ones are None,
but a leaf keeps its own. The values that rules and layers kept for the walk are released.

Gradients of complex values are passed on unconjugated: ``c`` with ``dL = Re Σ c dz``, so that the rule of
a holomorphic function is ``c f'(z)`` with no conjugation anywhere. A caller gets ``conj(c)``, in ``x.grad`` and from
the transforms, which is the direction of steepest ascent, as in torch.
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

SMALL = 64  # elements: the most that a drawing shows
NONE = -1

by_order = attrgetter("order")


def reachable(last: Iterable[Node]) -> list[Node]:
    """Return the nodes from which these were computed, the last made first."""
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
    """Return the gradients at every node, given those at the last ones; ``nodes`` are reachable, the last made first.

    Every gradient has the shape and dtype of the value that it belongs to. Nothing is written on the nodes, so that
    threads may walk one graph at once. The gradient of a leaf has its own memory. An operation's gradient of more
    than ``most`` elements, or any if that is ``NONE``, is dropped once it has been passed on.

    Raises: ``StateError`` for a graph that ``backward`` has released; ``ArgumentError`` for the first NaN if ``check``.
    """
    grads: dict[Node, Any] = {}
    get, bounded = grads.get, most < inf
    for node, seed in zip(last, seeds, strict=True):
        if node.value is not None:  # a layer need not check dout: its shape and dtype are those of the result
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
    return most == NONE or (rule.joint is None and not isinstance(y, tuple) and prod(y.shape) > most)


def _shared(d: Any, g: Any, found: Sequence[Any]) -> bool:
    """Return whether other arrays may use the memory of a gradient that a layer or a list returned."""
    if d is g or getattr(d, "base", d) is not None:  # a library without ``base`` does not mark views
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
    """Write the gradients on the nodes and layers; then, unless ``keep``, drop the values that only the walk needed."""
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
        several = isinstance(value, tuple)
        large = not several and prod(value.shape) > SMALL
        kept = _constants(parents, node.args) if None in parents else Released() if large else RELEASED
        if large:
            kept.shape, kept.dtype = tuple(value.shape), value.dtype
        if large or several:
            node.value = node.grad = None
        node.args = kept


def at_leaf(d: Any, x: Any) -> Any:
    """Return the gradient of a leaf, as an array if it is one of rows, or if NumPy has made it a scalar."""
    if d is None or type(d) is type(x):
        return d
    if hasattr(d, "dense"):
        return d.dense()
    if d.shape != ():
        return d
    return array_namespace(d).asarray(d)


def _constants(parents: tuple[Node | None, ...], args: tuple[Any, ...]) -> Released:
    """Return the arguments without a node, if they are small enough to draw."""
    pairs = zip(parents, args, strict=False)
    return Released(
        [arg if parent is None and prod(getattr(arg, "shape", ())) <= SMALL else None for parent, arg in pairs]
    )


def check_number(node: Node, parent: Node, g: Any, d: Any) -> None:
    """Raise for a NaN, with the name of the node that made it.

    Raises: ``ArgumentError``, which names the operation and its operand.
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
    """Return the error for a node whose rule needs values that an earlier walk dropped."""
    return StateError(
        "backward",
        "the graph must still hold the values that its rules kept",
        f"{node.name}, released by an earlier backward()",
        "compute y again, or call the first y.backward(keep=True)",
    )
