"""Checks of the arguments of a Trainer other than its data."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from xpnet.errors import DtypeError
from xpnet.networks import Network


def check_arguments(who: str, network: Any, optimizer: Any) -> None:
    """Raise DtypeError unless these are a network and an optimizer."""
    if not isinstance(network, Network):
        got, remedy = type(network).__name__, "give it first, then the optimizer"
        raise DtypeError(who, "network must be a Network", got, remedy)
    if isinstance(optimizer, type) or not hasattr(optimizer, "update"):
        got = optimizer.__name__ if isinstance(optimizer, type) else type(optimizer).__name__
        raise DtypeError(who, "optimizer must be an Optimizer", got, "give an instance, such as SGD(lr=0.1)")


def functions_of(who: str, name: str, given: Any, arguments: int | None = None) -> list[Any]:
    """Return a list of functions.

    Raises: ``DtypeError`` for anything else, and for a function that does not take that number of arguments.
    """
    functions = list(given) if isinstance(given, Iterable) else [given]
    wrong = [each for each in functions if not callable(each) or isinstance(each, type)]
    if wrong or not isinstance(given, Iterable):
        got = type(wrong[0]).__name__ if wrong else "one that stands alone"
        raise DtypeError(who, f"{name} must be a list of functions", got, f"write {name}=[function]")
    for function in functions:
        if arguments is not None and not takes(function, arguments):
            named = getattr(function, "__name__", repr(function))
            must, remedy = f"functions of {name} must take {arguments} arguments", f"call it, {name}=[{named}()]"
            raise DtypeError(who, must, named, remedy)
    return functions


def takes(function: Any, arguments: int) -> bool:
    """Return whether a function can be called with that number of arguments, or does not tell."""
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:  # a function written in C
        return True
    return True


def check_function(who: str, name: str, given: Any) -> None:
    """Raise DtypeError unless this is a function, or None."""
    if given is not None and (not callable(given) or isinstance(given, type)):
        raise DtypeError(who, f"{name} must be a function", type(given).__name__, f"write {name}=function")


def check_progress(who: str, progress: Any) -> None:
    """Raise DtypeError unless this is True, False or a Console."""
    if not isinstance(progress, bool) and not hasattr(progress, "is_terminal"):
        must, remedy = "progress must be True, False or a Console of rich", "write progress=True"
        raise DtypeError(who, must, type(progress).__name__, remedy)
