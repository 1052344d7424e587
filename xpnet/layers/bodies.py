"""Body: a faster and equal way to run some layers in a row on one library; the register of bodies; ``plain``.

A layer's ``forward`` and ``backward`` are written in the standard alone. Faster ways of a library are in
``xpnet/fast/<library>/``, and are registered here for the classes of layers that they equal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import getattr_static
from types import FunctionType
from typing import Any, ClassVar, TypeVar

from xpnet.kernels.dispatch import libraries_for as libraries_for

_plain: ContextVar[bool] = ContextVar("xpnet_plain", default=os.environ.get("XPNET_PLAIN") == "1")


@contextmanager
def plain() -> Iterator[None]:
    """Run the equations of layers and optimizers as they are written, ``with xn.plain(): net.gradient(x, t)``.

    >>> net, x, t = TwoLayerNet(4, 3, 2), np.eye(2, 4, dtype="float32"), np.array([0, 1])
    >>> with xn.plain():
    ...     slow = net.gradient(x, t)
    >>> all(np.allclose(slow[name], dW) for name, dW in net.gradient(x, t).items())
    True
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)


is_plain = _plain.get


class Body:
    """A way to run some layers in a row on one library, ``y = layerₙ(… layer₁(x))``.

    A subclass writes ``forward``, which keeps in ``cache`` what ``backward`` needs and returns y; and ``backward``,
    which writes the gradients ``dW`` on the layers, unless ``trains`` is False because they are frozen, and returns dx,
    or None where ``needs_dx`` is False. It writes nothing else on the layers, and never into its arguments; its results
    stay as they are when it runs again. For arrays, values or options that it does not support ``forward`` returns
    NotImplemented: then the equations of the layers run. ``training`` is False in inference, where no ``backward``
    follows. Where ``once`` is True at most one follows, which may overwrite the cache. An array in ``around`` is to be
    added to the result of either: a body that does so itself sets ``around`` to None, and for others the stage does it.

    The body of a container computes with a copy of it that the plan makes, whose layers are stages.
    """

    watched: ClassVar[tuple[tuple[tuple[str, Any], ...], ...]] = ()
    """For each layer the methods that define its computation, none of which may have been replaced."""

    needs_dx = True
    trains = True
    training = True
    once = False
    cache: Any = None
    around: Any = None

    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def __init__(self, *layers: Any) -> None:
        self.layers = layers
        self.layer = layers[0]

    @classmethod
    def made_for(cls, *layers: Any) -> bool:  # noqa: ARG003
        """Return whether the body is worthwhile for layers with these options; if not, a shorter row gets a body."""
        return True


Kind = TypeVar("Kind", bound=type[Body])
BODIES: dict[str, dict[tuple[type, ...], type[Body]]] = {}
LONGEST = 3  # layers of which a body is made


def body(library: str, *row: type) -> Callable[[Kind], Kind]:
    """Register a body for layers of these classes in a row, on a library."""

    def register(kind: Kind) -> Kind:
        watched = tuple([tuple(methods_of(layer).items()) for layer in row])
        own: Any = type(kind.__name__, (kind,), {"watched": watched, "__module__": kind.__module__})
        BODIES.setdefault(library, {})[row] = own
        return kind

    return register


def methods_of(layer: type) -> dict[str, Any]:
    """Return the methods that define what a class of layers computes, by name, without those of every layer."""
    base = next(kind for kind in layer.__mro__ if kind.__name__ == "Layer")
    found = {name: getattr_static(layer, name) for name in dir(layer) if not name.startswith("__")}
    return {
        name: method
        for name, method in found.items()
        if isinstance(method, FunctionType) and method is not getattr(base, name, None)
    }


def body_for(layers: Sequence[Any], libraries: tuple[str, ...]) -> type[Body] | None:
    """Return the body for exactly these layers, or None if there is none or one of their methods was replaced."""
    row = tuple(map(type, layers))
    for library in libraries:
        kind = BODIES.get(library, {}).get(row)
        if kind is not None and kind.made_for(*layers):
            return None if replaced(kind, layers) else kind
    return None


def replaced(kind: type[Body], layers: Sequence[Any]) -> bool:
    """Return whether a method of a layer, or of its class, is no longer the one that the body equals."""
    for layer, methods in zip(layers, kind.watched, strict=True):
        for name, method in methods:
            if getattr(getattr(layer, name), "__func__", None) is not method:
                return True
    return False
