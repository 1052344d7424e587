"""Recording: a call on Variables becomes a node of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xpnet.autodiff.batching.apply import batched, unboxed
from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.forward import PART, moved
from xpnet.autodiff.nodes import BATCH, CONSTANT, FORWARD, Node, Trace, next_order
from xpnet.autodiff.table import Rule
from xpnet.autodiff.table import base as base
from xpnet.autodiff.variable import Variable, new
from xpnet.autodiff.variable import constant as constant
from xpnet.autodiff.variable import variable_of as variable_of
from xpnet.backend import array_namespace, dtype_kind, library_name
from xpnet.backend.numbers import NUMBERS as NUMBERS
from xpnet.errors import DtypeError, StateError


def record(
    rule: Rule,
    value: Any,
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    trace: Trace,
    keywords: dict[str, Any] | None = None,
) -> Variable:
    """Return the result of an operation as a Variable with a new node.

    Raises: ``StateError`` if the trace is finished.
    """
    if keywords:
        refuse_variables(rule, keywords)
        if keywords.get("dtype") is not None and dtype_kind(value) in ("integer", "bool"):
            return constant(base(value))
    if trace.barred:
        if trace is CONSTANT:
            return constant(value, rule)
        if trace.barred is not FORWARD:
            raise escaped(rule.name)
        dual = moved(rule, value, args, parents, keywords)
        dual.trace = trace
        return variable_of(value, dual)
    node = new(Node)
    node.rule = rule
    node.value = value
    node.args = args
    node.parents = parents
    node.trace = trace
    node.keywords = keywords
    node.grad = None
    node.order = next_order()
    variable = new(Variable)
    variable.value = value
    variable.node = node
    return variable


def refuse_variables(rule: Rule, keywords: dict[str, Any]) -> None:
    """Raise if an option is a Variable with respect to which the function would have to be differentiated.

    Raises: ``DtypeError``.
    """
    for name, option in keywords.items():
        if type(option) is Variable and option.node.trace is not CONSTANT and name not in rule.indifferent:
            raise DtypeError(rule.name, f"{name} must be a number", "a Variable", f"give stop_gradient({name})")


def record_parts(
    rule: Rule,
    values: tuple[Any, ...],
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    trace: Trace,
    keywords: dict[str, Any] | None,
) -> tuple[Any, ...]:
    """Return the results of an operation as Variables that share one node."""
    whole = record(rule, values, args, parents, trace, keywords).node
    return tuple(record(PART, value, (values, at), (whole, None), trace) for at, value in enumerate(values))


def apply(
    rule: Rule, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any] | None = None
) -> Any:
    """Call the function on the values of the Variables with the highest number, and record it for that number.

    Other Variables are constants for that trace; the call on them is recorded for the next lower number. If the highest
    number is that of a batch, the function is called on the whole batch.

    Raises: ``LibraryError`` for arrays of two libraries; ``StateError`` for a Variable that escaped its trace.
    """
    top, raw, parents = strip(args)
    if top is not None and top.barred is BATCH:
        return batched(apply, rule, function, args, keywords or {}, top)
    if top is None:
        answer = function(*args, **keywords) if keywords else function(*args)
        return rule.outputs(*answer) if rule.outputs else answer
    kind = type(raw[0])
    if kind is Variable or kind is Batch or len(raw) != 2 or type(raw[1]) is not kind:  # else it is asked for nothing
        one_library(args)
        if any(isinstance(arg, np.generic) for arg in raw):
            raw = tuple(plain_numbers(raw, args))
    answer = apply(rule, function, raw, keywords)
    if rule.outputs:
        return rule.outputs(*record_parts(rule, answer, raw, parents, top, keywords))
    return record(rule, answer, raw, parents, top, keywords)


def apply_value(
    rule: Rule, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any] | None = None
) -> Any:
    """Call a function whose results are constants, on the innermost arrays of Variables and on whole batches."""
    args = tuple(map(bare, args))
    trace = highest_batch(args)
    if trace is not None:
        return batched(apply_value, rule, function, args, keywords or {}, trace)
    return function(*args, **keywords) if keywords else function(*args)


def highest_batch(args: tuple[Any, ...]) -> Trace | None:
    """Return the trace of the innermost ``vmap`` among the arguments, or None.

    Raises: ``StateError`` for a batch that escaped its ``vmap``.
    """
    traces = [arg.level for arg in args if type(arg) is Batch]
    for trace in traces:
        if trace.barred == "finished":
            raise escaped("an operation")
    return max(traces, key=lambda trace: trace.number, default=None)


def strip(args: tuple[Any, ...]) -> tuple[Trace | None, tuple[Any, ...], tuple[Node | None, ...]]:
    """Return the highest trace among the Variables, the arguments with its Variables and constants unwrapped, and the

    nodes of its Variables; constants have none. The trace is None without Variables, and a batch's if that is higher.

    Raises: ``StateError`` for a Variable that escaped its trace.
    """
    top: Trace | None = None
    raw = list(args)
    parents: list[Node | None] = [None] * len(raw)
    has_batches = False
    for at, arg in enumerate(args):
        if type(arg) is not Variable:
            has_batches = has_batches or type(arg) is Batch
            continue
        node = arg.node
        trace = node.trace
        has_batches = has_batches or (trace is CONSTANT and type(arg.value) is Batch)
        if trace is not top:
            if trace.barred == "finished":
                raise escaped("an operation")
            if top is None:
                top = trace
            elif trace.number > top.number:
                for before in range(at):  # Variables of lower traces are constants for this one
                    if parents[before] is not None:
                        raw[before], parents[before] = args[before], None
                top = trace
            elif trace is not CONSTANT:
                continue
        raw[at] = arg.value
        if trace is not CONSTANT:
            parents[at] = node
    if has_batches:
        inner = highest_batch(tuple(map(unboxed, args)))
        if inner is not None and (top is None or inner.number > top.number):
            return inner, args, ()
    return top, tuple(raw), tuple(parents)


def plain_numbers(raw: tuple[Any, ...], args: tuple[Any, ...]) -> Iterator[Any]:
    """Yield NumPy's scalars as Python numbers for libraries that refuse them, and other arguments unchanged."""
    others = {library_name(array_namespace(base(arg))) for arg in args if type(arg) is Variable} - {"numpy"}
    for arg in raw:
        yield arg.item() if others and isinstance(arg, np.generic) else arg


def one_library(args: tuple[Any, ...]) -> None:
    """Raise if the arrays among the arguments belong to two libraries; NumPy's scalars belong to any.

    Raises: ``LibraryError`` naming both.
    """
    arrays = [arg for arg in args if type(arg) is Variable or (is_operand(arg) and not isinstance(arg, np.generic))]
    if len(arrays) > 1:
        array_namespace(*arrays)


def bare(value: Any) -> Any:
    """Return the innermost array of a Variable, also within lists and tuples."""
    if type(value) is Variable:
        return base(value)
    if type(value) in (list, tuple):
        return type(value)(bare(item) for item in value)
    return value


def escaped(who: str) -> StateError:
    return StateError(
        who,
        "a Variable must be used inside the grad, jvp or vjp that made it",
        "one whose trace has finished",
        "return it from the function, or keep stop_gradient(x) instead",
    )


def is_operand(other: Any) -> bool:
    return hasattr(other, "dtype") and hasattr(other, "shape") and type(other) is not type
