"""Gradients behind a ``where``: an element that the result does not depend on has gradient 0, whatever its slope.

``xp.where(x > 0, xp.sqrt(x), 0)`` does not use √0, but √ has an infinite slope there, and ``0 · ∞`` is NaN. If a
backward walk ends in a NaN, it is repeated along with counts: how often the result uses each element of each node.
Functions that select, move or replace elements propagate counts by their own gradients; an element-wise function uses
each element as often as its result is used; any other function uses all elements if any of its results is used. An
element that is not used gets the gradient 0. If a NaN cannot be tested, because the walk is compiled, captured or
differentiated itself, the counts are computed in the first walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from xpnet.autodiff import tape
from xpnet.autodiff.batching.batch import bottom, is_differentiated
from xpnet.autodiff.batching.ways import aligned
from xpnet.autodiff.nodes import Node, Parts, Released
from xpnet.autodiff.table import RULES, Rule, base, fit, own
from xpnet.backend import array_namespace, device_of

PICKING = frozenset(("where", "getitem", "setitem", "take", "take_along_axis", "tril", "triu", "diagonal"))
"""Functions whose results omit elements."""
MOVING = PICKING | {
    *("reshape", "squeeze", "expand_dims", "permute_dims", "moveaxis", "matrix_transpose", "flip", "roll", "tile"),
    *("broadcast_to", "asarray", "astype", "repeat", "concat", "stack", "sum", "sort", "max", "min"),
}
"""Functions whose gradients turn counts into counts."""
TAME = MOVING | {
    *("add", "subtract", "multiply", "negative", "positive", "abs", "square", "sin", "cos", "tanh", "sign"),
    *("maximum", "minimum", "clip", "conj", "real", "imag", "mean", "matmul", "vecdot", "tensordot"),
}
"""Functions whose slopes are finite for finite arguments."""

ONE_BY_ONE, MOVES = "one by one", "moves"


def walk(
    nodes: Sequence[Node], last: Sequence[Node], seeds: Sequence[Any], check: bool = False, most: float = inf
) -> dict[Node, Any]:
    """Return the gradients at every node, as ``tape.walk`` does, with 0 for elements that the result does not use.

    Raises: ``ArgumentError`` for the first NaN if ``check``; ``StateError`` for a released graph.
    """
    if not _may_shield(nodes):
        return tape.walk(nodes, last, seeds, check, most)
    if not any(is_differentiated(x) for x in (*seeds, *(node.value for node in last))):
        grads = tape.walk(nodes, last, seeds, most=most)
        if not any(_may_have_nan(grads.get(node)) for node in nodes if node.rule is None):
            return grads
    return _walk_counting(nodes, last, seeds, check, most)


def _may_shield(nodes: Sequence[Node]) -> bool:
    """Return whether the graph omits elements, and has functions whose slopes may be infinite."""
    rules = {node.rule for node in nodes if node.rule is not None}
    if PICKING.isdisjoint([rule.name for rule in rules]):
        return False
    wild = {rule for rule in rules if rule.name not in TAME and _kind(rule)}
    return bool(wild) and not all(_is_tame(node) for node in nodes if node.rule in wild)


def _is_tame(node: Node) -> bool:
    """Return whether a node is a quotient by a number, or a power with a positive whole one."""
    n: Any = node.args[-1] if len(node.args) == 2 else None
    if type(n) not in (int, float):
        return False
    return (node.rule is RULES["divide"] and n != 0) or (node.rule is RULES["pow"] and n >= 1 and n == n // 1)


def _may_have_nan(d: Any) -> bool:
    """Return whether there may be a NaN; a compiled or captured array has no values yet, and may have one."""
    d = bottom(d.values if hasattr(d, "dense") else d)
    if d is None or device_of(d) is None:
        return d is not None
    xp = array_namespace(d)
    try:
        return bool(xp.any(xp.isnan(d)))
    except RuntimeError:  # raised for a stream that is being captured, or by a compiler
        return True


def _walk_counting(
    nodes: Sequence[Node], last: Sequence[Node], seeds: Sequence[Any], check: bool, most: float
) -> dict[Node, Any]:
    grads: dict[Node, Any] = {}
    taken: dict[Node, Any] = {}  # how often each element is used, None for all elements
    for node, seed in zip(last, seeds, strict=True):
        seed = seed if node.value is None else fit(seed, node.value)
        grads[node], taken[node] = grads[node] + seed if node in grads else seed, None
    for node in nodes:
        if node not in grads:
            continue
        if node.rule is None:
            grads[node] = own(grads[node])
            continue
        if type(node.args) is Released:
            raise tape.released(node)
        g, count = grads[node], taken.pop(node)
        if most < inf and tape.drops(node.rule, node.value, most):
            del grads[node]
        pieces = _passed_on(node.rule, node, g, count if _kind(node.rule) == ONE_BY_ONE else None)
        counts = _counts(node.rule, node, count)
        for parent, d, count in zip(node.parents, pieces, counts, strict=False):
            if parent is None or d is None:
                continue
            d = _without(d, count)
            if check:
                tape.check_number(node, parent, g, d)
            if parent in grads:
                d = grads[parent] + d
                count = None if count is None or taken[parent] is None else taken[parent] + count
            grads[parent], taken[parent] = d, count
    return grads


def _without(d: Any, count: Any) -> Any:
    """Return a gradient with 0 for elements that are not used."""
    if count is None:
        return d
    xp = array_namespace(d, count)
    return xp.where(count == 0, xp.zeros_like(d), d)


def _passed_on(rule: Rule, node: Node, g: Any, count: Any = None) -> list[Any]:
    """Return the gradients for each parent of a node, with ``count`` for the elements of the node itself."""
    args, keywords = node.args, node.keywords or {}
    if rule.joint is not None:
        found = rule.joint(g, node)
    else:
        pairs = zip(node.parents, rule.gradients, strict=False)
        found = [gradient and parent and gradient(g, node.value, *args, **keywords) for parent, gradient in pairs]
    pieces = [d if d is None or type(d) is Parts else _without(d, count) for d in found]
    return [d if d is None or type(d) is Parts else fit(d, x) for d, x in zip(pieces, args, strict=False)]


def _counts(rule: Rule, node: Node, count: Any) -> list[Any]:
    """Return how often this node uses each element of each parent, with None for all elements."""
    kind = _kind(rule)
    if count is None and (kind != MOVES or rule.name not in PICKING):
        return [None] * len(node.args)
    if kind == MOVES:
        y = base(node.value)
        count = array_namespace(y).ones_like(y) if count is None else count
        return list(map(base, _passed_on(rule, node, count)))
    xp = array_namespace(count)
    count = count if kind == ONE_BY_ONE else xp.sum(count)
    pairs = [(parent, base(x)) for parent, x in zip(node.parents, node.args, strict=False)]
    return [None if parent is None or not hasattr(x, "shape") else fit(count, x) for parent, x in pairs]


def _kind(rule: Rule) -> str:
    """Return ``ONE_BY_ONE`` for an element-wise rule, ``MOVES`` for one that moves elements, and "" for any other."""
    one_by_one = rule.batch is aligned
    of_the_table = type(rule) is Rule and (not one_by_one or RULES.get(rule.name) is rule)  # a user may reuse a name
    return MOVES if of_the_table and rule.name in MOVING else ONE_BY_ONE if one_by_one else ""
