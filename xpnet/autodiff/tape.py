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
from math import prod
from operator import attrgetter
from typing import Any

from xpnet.autodiff.nodes import RELEASED, Node, Parts, Released
from xpnet.autodiff.rules.table import fit
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, StateError

SMALL = 64  # elements: what a picture can show

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
