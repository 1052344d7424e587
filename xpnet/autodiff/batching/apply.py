"""Calls on batches: unwrap the operands, apply the batching rule of the function, and wrap the results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.batching.ways import as_written, of_dtypes, refused
from xpnet.autodiff.nodes import CONSTANT, Trace
from xpnet.autodiff.table import VIEWS, Rule
from xpnet.autodiff.variable import Variable


def unboxed(x: Any) -> Any:
    """Return the value that a constant Variable wraps, and anything else unchanged."""
    while type(x) is Variable and x.node.trace is CONSTANT:
        x = x.value
    return x


def batched(
    again: Callable[..., Any],
    rule: Rule,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    keywords: dict[str, Any],
    trace: Trace,
) -> Any:
    """Return the results of a function for a whole batch; ``again(rule, function, args, keywords)`` is one level down.

    Raises: ``BatchError`` for a function without a batching rule and for an option that is a batch.
    """
    args = tuple(map(unboxed, args))
    if rule.batch is as_written:
        return function(*args, **keywords)
    if rule.batch is None:
        raise refused(rule.name, "a function without a batching rule")
    for name, option in keywords.items():
        if type(unboxed(option)) is Batch:
            raise refused(rule.name, f"a batch as {name}")
    ours = [type(arg) is Batch and arg.level is trace for arg in args]
    rows = [arg.value if is_ours else arg for arg, is_ours in zip(args, ours, strict=True)]
    ndims = [arg.ndim if is_ours else None for arg, is_ours in zip(args, ours, strict=True)]
    if rule.batch is of_dtypes:
        return again(rule, function, tuple(rows), keywords)
    y = rule.batch(lambda *args, **named: again(rule, function, args, named), rows, ndims, keywords)
    wrap = partial(Batch, level=trace)
    if isinstance(y, tuple | list):
        return rule.outputs(*map(wrap, y)) if rule.outputs else tuple(map(wrap, y))
    y = wrap(y)
    if rule in VIEWS and not keywords.get("copy"):
        note_view(y, args[0])
    return y


def note_view(view: Batch, origin: Batch) -> None:
    """Note that a batch may share the memory of another batch."""
    view.origin = origin
    seen = getattr(origin, "views", [])
    origin.views = [*(other for other in seen if other() is not None), ref(view)]


def is_shared(x: Batch) -> bool:
    """Return whether a batch is a view, or has views that are still in use."""
    return hasattr(x, "origin") or any(view() is not None for view in getattr(x, "views", ()))
