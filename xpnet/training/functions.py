"""Functions that a user gives to a Trainer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from xpnet.errors import DtypeError


def check_functions(who: str, name: str, functions: Any, arguments: int | None = None) -> list[Any]:
    """The functions as a list.

    Raises: ``DtypeError`` for what is none, or takes another number of arguments.
    """
    if callable(functions) or not isinstance(functions, Iterable):
        got = "one of them" if callable(functions) else type(functions).__name__
        raise DtypeError(who, f"{name} must be a list of functions", got, f"write {name}=[function]")
    listed = list(functions)
    for function in listed:
        if not callable(function) or isinstance(function, type):
            got = type(function).__name__
            raise DtypeError(who, f"{name} must be functions", got, f"write {name}=[function]")
        if arguments is not None and not takes(function, arguments):
            named = getattr(function, "__name__", repr(function))
            must, remedy = f"functions of {name} must take {arguments} arguments", f"call it, {name}=[{named}()]"
            raise DtypeError(who, must, named, remedy)
    return listed


def takes(function: Any, arguments: int) -> bool:
    """Whether a function can be called with so many arguments, or does not tell."""
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:  # one of C
        return True
    return True
