"""Views: Variables that share memory with another one, as slices, reshaped and transposed arrays do.

Assigning to a view changes its origin, and assigning to an origin changes its views, as in NumPy. Each of them gets a
new value and a new history; no array is written to.
"""

from __future__ import annotations

import operator
from typing import Any
from weakref import ref

from xpnet.autodiff.record import apply
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, set_item
from xpnet.autodiff.table import RULES, Rule, base
from xpnet.autodiff.variable import Variable
from xpnet.errors import StateError

READ_ONLY = RULES["broadcast_to"]
MAYBE = {RULES["reshape"], RULES["asarray"]}  # they copy if they must


def link(view: Any, origin: Variable, rule: Rule, args: tuple[Any, ...], keywords: dict[str, Any] | None) -> None:
    """Note that a Variable is a view of another, ``rule(origin, *args, **keywords)``."""
    view.origin = origin, rule, args, keywords, rule not in MAYBE
    seen: list[Any] | None = getattr(origin, "views", None)
    if seen is None:
        origin.views = [ref(view)]
        return
    if len(seen) % 64 == 0:
        seen[:] = [view for view in seen if view() is not None]
    seen.append(ref(view))


def _decide(view: Variable) -> Variable | None:
    """Return the origin of a view, or None if the Variable is not a view.

    ``reshape`` gives a view if the elements lie in order, and ``asarray`` if it has nothing to change; otherwise they
    copy. This is decided when it first matters.
    """
    link = getattr(view, "origin", None)
    if link is None:
        return None
    origin: Variable = link[0]
    if not link[4]:
        arrays = base(view), base(origin)
        starts = [_start(array) for array in arrays]
        if arrays[0] is not arrays[1] and None not in starts and starts[0] != starts[1]:
            origin.views = [seen for seen in origin.views if seen() is not view]
            del view.origin
            return None
        view.origin = (*link[:4], True)
    return origin


def _decide_all(x: Variable) -> None:
    """Decide, for all Variables that may share the memory of x, whether they do, before any of them changes."""
    while (origin := _decide(x)) is not None:
        x = origin
    below = [x]
    while below:
        for seen in list(getattr(below.pop(), "views", ())):
            view = seen()
            if view is not None and _decide(view) is not None:
                below.append(view)


def _start(array: Any) -> Any:
    """Return the address of the first element, or None if the library does not reveal it."""
    if hasattr(array, "data_ptr"):
        return array.data_ptr()
    interface = getattr(array, "__array_interface__", None) or getattr(array, "__cuda_array_interface__", None)
    return None if interface is None else interface["data"][0]


def change(x: Variable, changed: Variable) -> None:
    """Set the value and history of a Variable, and of all Variables that share its memory.

    Raises: ``StateError`` for the result of ``broadcast_to``, whose elements share memory.
    """
    _decide_all(x)
    whole = [x]
    while (link := getattr(whole[-1], "origin", None)) is not None:
        if link[1] is READ_ONLY:
            raise StateError(
                "Variable",
                "an array must have a place for each element to be assigned to",
                "the result of broadcast_to",
                "assign to a copy, xp.asarray(x, copy=True)",
            )
        whole.append(link[0])
    news = [changed]
    for view in whole[:-1]:
        origin, rule, args, keywords, _ = view.origin
        if rule is GETITEM:
            news.append(apply(SETITEM, set_item, (origin, news[-1], *args)))
        else:  # it moves elements, so its transpose moves them back
            back = rule.gradients[0](news[-1], None, origin, *args, **(keywords or {}))
            news.append(apply(SETITEM, set_item, (origin, back, ...)))
    for at in reversed(range(len(whole))):
        _set(whole[at], news[at], whole[at - 1] if at else None)


def _set(x: Variable, new: Variable, known: Variable | None) -> None:
    """Set value and history, and recompute the views, except for one that is known."""
    x.value, x.node = new.value, new.node
    for seen in getattr(x, "views", ()):
        view = seen()
        if view is None or view is known:
            continue
        _, rule, args, keywords, _ = view.origin
        if rule is GETITEM:
            again = apply(GETITEM, operator.getitem, (x, *args))
        else:
            again = getattr(x.__array_namespace__(), rule.name)(x, *args, **(keywords or {}))
        _set(view, again, None)


def is_shared(x: Variable) -> bool:
    """Return whether a Variable is a view, or has views that are still in use."""
    if _decide(x) is not None:
        return True
    return any(view is not None and _decide(view) is not None for view in [seen() for seen in getattr(x, "views", ())])
