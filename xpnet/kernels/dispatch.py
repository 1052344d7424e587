"""``kernel``: a function on arrays with a reference in the standard, and faster bodies for single libraries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, starmap
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from xpnet.backend import library_of_type

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Body = Callable[..., Any]


class Kernel(Protocol[P, R_co]):
    """A function whose body is chosen by the types of its array arguments.

    ``reference`` is the function in the standard, ``bodies`` maps names of libraries to faster ones, and
    ``@erf.on("numpy")`` registers the decorated function as one. ``each`` calls the function for many arguments, one
    after another, or all at once where the body has an attribute ``many``, a function from their list to that of the
    results.
    """

    __name__: str
    reference: Body
    bodies: dict[str, Body]
    on: Callable[[str], Callable[[Body], Body]]
    each: Callable[[Iterable[tuple[Any, ...]]], Iterable[Any]]

    def __call__(self, *args: P.args, **named: P.kwargs) -> R_co: ...


class Chosen(dict[Any, Body]):
    """The type of all array arguments, or their types where they differ -> body, chosen on the first call with them.

    A body runs where every array argument is of its library; anything else, a Variable too, gets the reference. The
    bodies in ``xpnet/kernels/<library>`` and ``xpnet/fast/<library>`` are imported when its arrays first arrive.
    """

    def __init__(self, reference: Body) -> None:
        self.reference = reference
        self.bodies: dict[str, Body] = {}

    def __missing__(self, types: Any) -> Body:
        kinds = set(types if type(types) is tuple else (types,)) - {type(None)}
        libraries = {library_of_type(kind) for kind in kinds}
        library = libraries.pop() if len(libraries) == 1 else ""
        for home in ("kernels", "fast"):
            if library.isidentifier() and find_spec(f"xpnet.{home}.{library}"):
                import_module(f"xpnet.{home}.{library}")
        body = self[types] = self.bodies.get(library, self.reference)
        return body

    def on(self, library: str) -> Callable[[Body], Body]:
        def register(body: Body) -> Body:
            self.bodies[library] = body
            self.clear()
            return body

        return register


def kernel(reference: Callable[P, R_co]) -> Kernel[P, R_co]:
    """A kernel with this reference. The arguments annotated as arrays come first, and choose the body.

    All arguments are positional. Bodies have the same signature and, to rounding, the same result.
    """
    parameters = inspect.signature(reference).parameters.values()
    arrays = sum(str(parameter.annotation).startswith("Array") for parameter in parameters)
    chosen = Chosen(reference)
    dispatched: Any = wraps(reference)(_dispatching(chosen, [parameter.name for parameter in parameters], arrays))
    dispatched.reference, dispatched.bodies, dispatched.on = reference, chosen.bodies, chosen.on

    def each(given: Iterable[tuple[Any, ...]]) -> Iterable[Any]:
        for first in (waiting := iter(given)):
            many = getattr(chosen[type(first[0])], "many", None)
            rest = chain((first,), waiting)
            return many(list(rest)) if many else starmap(dispatched, rest)
        return ()

    dispatched.each = each
    return cast("Kernel[P, R_co]", dispatched)


def _dispatching(chosen: Chosen, names: list[str], arrays: int) -> Body:
    """A function that calls the body chosen for its arrays, written for the signature.

    For ``softmax(x)`` it is ``lambda x: _chosen[type(x)](x)``, and for ``gather(x, i, axis)`` of two arrays
    ``lambda x, i, axis: (_chosen[_a] if (_a := type(x)) is type(i) else _chosen[_a, type(i)])(x, i, axis)``. That costs
    0.05 to 0.08 us; a closure over ``*args`` that packs the types of any number of arrays costs three times as much.
    """
    first, *others = [f"type({name})" for name in names[:arrays]]
    body = f"_chosen[{first}]"
    if others:
        body = f"(_chosen[_a] if (_a := {first}) is {' is '.join(others)} else _chosen[_a, {', '.join(others)}])"
    arguments = ", ".join(names)
    return cast("Body", eval(f"lambda {arguments}: {body}({arguments})", {"_chosen": chosen}))  # noqa: S307
