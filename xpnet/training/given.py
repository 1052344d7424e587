"""What a Trainer is given beside its data: whether it is what it must be."""

from __future__ import annotations

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


def functions_of(who: str, name: str, given: Any) -> list[Any]:
    """A list of functions.

    Raises: ``DtypeError`` for anything else.
    """
    functions = list(given) if isinstance(given, Iterable) else [given]
    wrong = [each for each in functions if not callable(each) or isinstance(each, type)]
    if wrong or not isinstance(given, Iterable):
        got = type(wrong[0]).__name__ if wrong else "one that stands alone"
        raise DtypeError(who, f"{name} must be a list of functions", got, f"write {name}=[function]")
    return functions


def check_function(who: str, name: str, given: Any) -> None:
    """Raise DtypeError unless this is a function, or None."""
    if given is not None and (not callable(given) or isinstance(given, type)):
        raise DtypeError(who, f"{name} must be a function", type(given).__name__, f"write {name}=function")


def check_progress(who: str, progress: Any) -> None:
    """Raise DtypeError unless this is True, False or a Console."""
    if not isinstance(progress, bool) and not hasattr(progress, "is_terminal"):
        must, remedy = "progress must be True, False or a Console of rich", "write progress=True"
        raise DtypeError(who, must, type(progress).__name__, remedy)
