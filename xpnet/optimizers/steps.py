"""The register of faster bodies for the steps of optimizers, and the step by its formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from xpnet import kernels
from xpnet.backend import array_namespace, library_of
from xpnet.backend.halves import is_half, narrowed, widened
from xpnet.layers.bodies import is_plain, libraries_for
from xpnet.layers.row_gradient import RowGradient
from xpnet.typing import Array

Function = TypeVar("Function", bound=Callable[..., Any])
STEPS: dict[str, dict[tuple[type, Any], Callable[..., Any]]] = {}
"""Name of a library's bodies -> class of the optimizer and its formula, which the body equals -> the body."""


def step_body(library: str, optimizer: Any, formula: str = "step") -> Callable[[Function], Function]:
    """Register a body for the step of an optimizer, or another formula of it, on a library.

    ``body(step, given)`` receives the formula and a list of its arguments for each parameter, ``(W, dW, *slots,
    *numbers)``. It returns the list of what the formula returns: new arrays, or W and the slots themselves with their
    new values. For arrays that it does not support the list holds NotImplemented, and the formula runs.
    """

    def register(body: Function) -> Function:
        STEPS.setdefault(library, {})[optimizer, getattr(optimizer, formula)] = body
        return body

    return register


def moved(optimizer: Any, given: list[tuple[Any, ...]]) -> list[Any]:
    """Return the new W and slots of each parameter, by the body of the library or by the formula."""
    kind = type(given[0][0]) if given else None
    body = None if kind is None or is_plain() else body_for(optimizer, kind)
    if body is None or [one for one in given if type(one[0]) is not kind or type(one[1]) is not kind]:
        return [by_formula(optimizer.step, *one) for one in given]
    found: list[Any] = body(optimizer.step, given)
    for at, one in enumerate(found):
        if one is NotImplemented:
            found[at] = by_formula(optimizer.step, *given[at])
    return found


def body_for(optimizer: Any, kind: type) -> Any:
    """Return the body for an optimizer and a type of parameters; None without one, or if the formula was replaced."""
    step = optimizer.step
    key = type(getattr(step, "__self__", None)), getattr(step, "__func__", None)  # of the optimizer inside of another
    for library in libraries_for(kind):
        body = STEPS.get(library, {}).get(key)
        if body is not None:
            return body
    return None


def by_formula(step: Callable[..., Any], W: Any, dW: Any, *rest: Any) -> Any:
    """Return the step by its formula, in float32 for arrays of 16 bits, each result in its own dtype again."""
    if not is_half(W.dtype):
        return step(W, dW, *rest)
    found = step(widened(W), widened(dW), *rest)
    if not isinstance(found, tuple | list):
        return narrowed(found, W)
    return tuple([narrowed(new, old) for new, old in zip(found, (W, *rest), strict=False)])


def moved_if(optimizer: Any, finite: Array, given: list[tuple[Any, ...]]) -> list[Any]:
    """Return the new W and slots of each parameter if ``finite`` is True, else the old ones."""
    xp, count = array_namespace(finite), len(optimizer.slots)
    if library_of(xp).readable(finite):  # a step that is not finite was left out
        return moved(optimizer, given)
    found: list[Any] = []
    for W, dW, *rest in given:
        new = by_formula(optimizer.step, W, dW, *rest)
        if not count:
            found.append(xp.where(finite, new, W))
        else:
            found.append([xp.where(finite, b, a) for a, b in zip((W, *rest[:count]), new, strict=True)])
    return found


def moved_rows(optimizer: Any, finite: Any, W: Any, dW: RowGradient, *rest: Any) -> Any:
    """Return the new W and slots of a table of which only the rows of its gradient are updated.

    With a ``finite``, they stay as they are if it is not True.
    """
    slots, numbers = rest[: len(optimizer.slots)], rest[len(optimizer.slots) :]
    own, rows = (W, *slots), dW.rows
    if rows.shape[0] == 0:
        return own if slots else W
    xp = array_namespace(W)
    places = xp.minimum(rows, xp.full_like(rows, W.shape[0] - 1))  # rows that stand for none are left out below
    before = [xp.take(array, places, axis=0) for array in own]
    kept = before if finite is None else [xp.asarray(array, copy=True) for array in before]  # a body may write to them
    (after,) = moved(optimizer, [(before[0], dW.values, *before[1:], *numbers)])
    after = after if slots else (after,)
    if finite is not None:
        after = [xp.where(finite, new, old) for new, old in zip(after, kept, strict=True)]
    found = tuple([kernels.put_rows(array, rows, new) for array, new in zip(own, after, strict=True)])
    return found if slots else found[0]
