"""``kernel``: a function on arrays with a reference in the standard, and faster bodies for single libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, ParamSpec, TypeVar, cast

from xpnet.backend import library_of_type

P = ParamSpec("P")
R = TypeVar("R")
Body = Callable[..., Any]
Function = TypeVar("Function", bound=Body)

_names: dict[type, tuple[str, ...]] = {}


def libraries_for(kind: type) -> tuple[str, ...]:
    """Return the names under which bodies for plain arrays of a type are registered, the best first.

    The first call imports them from ``xpnet/fast/<library>``; there are none if that does not exist.

    >>> libraries_for(np.ndarray)[-1]
    'numpy'
    """
    found = _names.get(kind)
    if found is None:
        library = library_of_type(kind)
        found = ()
        if library.isidentifier() and find_spec(f"xpnet.fast.{library}"):
            found = import_module(f"xpnet.fast.{library}").names()
        _names[kind] = found
    return found


class Kernel(Generic[P, R]):
    """A function whose body is chosen by the types of its first arguments, which are arrays.

    ``reference`` is the function in the standard, and ``bodies`` maps names of libraries to faster ones. A body runs if
    all these arguments are of its library; the reference runs for anything else, including a Variable.

    >>> erf(np.array([0.0, 1.0])), erf.reference(np.array([0.0, 1.0]))
    (array([0.    , 0.8427]), array([0.    , 0.8427]))
    """

    __name__: str

    def __init__(self, reference: Callable[P, R], arrays: int) -> None:
        update_wrapper(self, reference)
        self.reference: Body = reference
        self.arrays = arrays
        self.bodies: dict[str, Body] = {}
        self.chosen: dict[tuple[type, ...], Body] = {}

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        kinds = tuple(map(type, arguments[: self.arrays]))
        body = self.chosen.get(kinds)
        if body is None:
            libraries = {libraries_for(kind) for kind in kinds}
            names = libraries.pop() if len(libraries) == 1 else ()
            found = [self.bodies[name] for name in names if name in self.bodies]
            body = self.chosen[kinds] = found[0] if found else self.reference
        return cast("R", body(*arguments, **named))

    def on(self, library: str) -> Callable[[Function], Function]:
        """Register the decorated function as the body for a library."""

        def register(body: Function) -> Function:
            self.bodies[library] = body
            self.chosen.clear()
            return body

        return register


def kernel(arrays: int) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Make the decorated function the reference of a kernel, whose first ``arrays`` arguments are arrays.

    All arguments are positional. Bodies have the same signature and, to rounding, the same result.

    >>> @kernel(arrays=1)
    ... def squares(x):
    ...     return x * x  # in the standard, for any library
    >>> @squares.on("numpy")
    ... def squares_by_numpy(x):
    ...     return np.square(x)
    >>> squares(np.array([3.0]))
    array([9.])
    """
    return lambda reference: Kernel(reference, arrays)
