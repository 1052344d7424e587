"""Forward rules: the propagation of tangents through a function, ``dy = Σᵢ ∂f/∂xᵢ dxᵢ``.

A row of the table names one of these ways, and needs a second formula only where none of the first three suffices:

- ``by_gradients``: an element-wise function multiplies by the same local derivatives in both directions;
- ``by_weights``: a reduction has ``dy = Σ w dx``, where w is its gradient for ones;
- ``linear`` and ``jointly``: a linear function is its own derivative, in each operand or in all of them at once;
- ``formula``: a formula of its own, written beside the gradient in the row.

A rule without a way, such as that of a layer or of a ``custom_vjp``, uses ``transposed``: its gradient is linear in
``dout``, and the derivative by ``dout`` is the forward rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet.autodiff.nodes import Dual, Node, Parts, leaf, next_order, tracing
from xpnet.autodiff.table import Rule, fitted
from xpnet.autodiff.tape import reachable, walk
from xpnet.autodiff.variable import Variable, variable_of
from xpnet.backend import array_namespace, dtype_kind

Moves = Sequence[Any]
"""The tangents of the operands, with None for operands that do not change."""

Way = Callable[[Rule, Moves, Any, tuple[Any, ...], dict[str, Any]], Any]


def moved(
    rule: Rule, y: Any, args: tuple[Any, ...], parents: tuple[Node | None, ...], keywords: dict[str, Any] | None
) -> Dual:
    """Return the node of a result with its tangent; the node keeps nothing else."""
    node = Dual()
    node.rule, node.value, node.args, node.parents = rule, y, (), (None,)
    node.keywords = node.grad = None
    node.order = next_order()
    moves = [parent.tangent if type(parent) is Dual else None for parent in parents]
    if any(move is not None for move in moves):
        dy = (rule.forward or transposed)(rule, moves, y, args, keywords or {})
        several = isinstance(y, tuple | list)
        node.tangent = [*map(fitted, dy, y)] if several and dy is not None else fitted(dy, y)
    return node


def named(full: str, *operands: Any) -> Callable[..., Any]:
    """Return the function of this name in the namespace of the operands."""
    extension, _, short = full.rpartition(".")
    xp = array_namespace(*operands)
    function: Callable[..., Any] = getattr(getattr(xp, extension) if extension else xp, short)
    return function


def by_gradients(rule: Rule, moves: Moves, y: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return ``dy = Σᵢ f'ᵢ dxᵢ`` of an element-wise function, by applying its gradients to the tangents."""
    total = None
    for move, gradient in zip(moves, rule.gradients):  # noqa: B905 (strict costs time)
        if move is not None and gradient is not None:
            d = gradient(move, y, *args, **keywords) if keywords else gradient(move, y, *args)
            total = d if total is None else total + d
    return total


def by_weights(axes_of: Callable[..., tuple[int, ...]]) -> Way:
    """Return the way of a reduction over ``axes_of(x, **keywords)``, ``dy = Σ w dx``; w is its gradient for ones."""

    def forward(rule: Rule, moves: Moves, y: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        move, *_ = moves
        xp = array_namespace(move, *args)
        gradient: Any = rule.gradients[0]
        weights = gradient(array_namespace(y).ones_like(y), y, *args, **keywords)
        return xp.reshape(xp.sum(weights * move, axis=axes_of(*args, **keywords)), tuple(y.shape))

    return forward


def linear(function: Callable[..., Any] | None = None) -> Way:
    """Return the way of a function that is linear in each operand, ``dy = Σᵢ f(…, dxᵢ, …)``."""

    def forward(rule: Rule, moves: Moves, y: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:  # noqa: ARG001
        total = None
        for at, (move, gradient) in enumerate(zip(moves, rule.gradients)):  # noqa: B905 (strict costs time)
            if move is None or gradient is None:
                continue
            operands = (*args[:at], move, *args[at + 1 :])
            known = function or named(rule.full, *operands[: len(rule.gradients)])
            d = known(*operands, **keywords)
            total = d if total is None else total + d
        return total

    return forward


def jointly(function: Callable[..., Any] | None = None) -> Way:
    """Return the way of a function that is linear in all operands at once, ``dy = f(dx₁, dx₂, …)``."""

    def forward(rule: Rule, moves: Moves, y: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:  # noqa: ARG001
        count = len(rule.gradients) or len(args)
        operands = [
            move if move is not None else zeros_like(x) if hasattr(x, "dtype") else 0.0
            for x, move in zip(args[:count], moves, strict=False)
        ]
        if function is None:
            return named(rule.full, *operands)(operands, **keywords)
        return function(*operands, *args[count:], **keywords)

    return forward


def formula(function: Callable[..., Any]) -> Way:
    """Return the way that computes the tangent by ``function(moves, y, *args, **keywords)``."""
    return lambda rule, moves, y, args, keywords: function(moves, y, *args, **keywords)  # noqa: ARG005


def transposed(rule: Rule, moves: Moves, y: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Return the tangent as the derivative of ``Σ gradient(g) dx`` with respect to g."""
    several = isinstance(y, tuple | list)
    with tracing() as trace:
        duals = [variable_of(zero, leaf(zero, trace)) for zero in map(zeros_like, y if several else (y,))]
        g = Parts(tuple(duals)) if several else duals[0]
        if rule.joint is None:
            found = [
                None if move is None or gradient is None else gradient(g, y, *args, **keywords)
                for move, gradient in zip(moves, rule.gradients, strict=False)
            ]
        else:
            node = leaf(y, trace)
            node.rule, node.args, node.keywords = rule, args, keywords
            node.parents = tuple([None if move is None else node for move in moves])
            found = list(rule.joint(g, node))
        total = dot(found, moves)
        if type(total) is not Variable or total.node.trace is not trace:
            return None
        last = (total.node,)
        grads = walk(reachable(last), last, (array_namespace(total.value).ones_like(total.value),))
    tangents = [grads.get(dual.node) for dual in duals]
    return tangents if several else tangents[0]


def dot(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """Return ``Re Σ a b`` over all pairs in which neither is None."""
    total = None
    for a, b in zip(left, right, strict=False):
        if a is None or b is None:
            continue
        xp = array_namespace(a, b)
        product = xp.sum(a * b)
        product = xp.real(product) if dtype_kind(product) == "complex" else product
        total = product if total is None else total + product
    return total


def zeros_like(x: Any) -> Any:
    return array_namespace(x).zeros_like(x)


PART = Rule(
    "part",
    (lambda g, _y, whole, index: Parts(tuple(g if at == index else None for at in range(len(whole)))),),
    forward=formula(lambda moves, _y, _whole, index: moves[0][index]),
)
"""One of a function's several results, ``whole[index]``."""
