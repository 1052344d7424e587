"""The arguments of a function of the standard, from its declaration, and the error for a call that does not fit."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from typing import Any

from xpnet.errors import XpnetError
from xpnet.standard import FUNCTIONS


class CallError(XpnetError, TypeError):
    """The error of a call with arguments that the function does not take.

    >>> xn.grad(lambda x: x.__array_namespace__().sum(x, axes=0))(np.ones(2))
    Traceback (most recent call last):
        ...
    xpnet.autodiff.signatures.CallError: sum: the call must be sum(x, /, *, axis=None, dtype=None, ...
    """


class Takes:
    """The arguments of one function, ``takes.check(args, keywords)``.

    A call needs no check if it has ``least`` to ``most`` positional arguments and its keywords are all ``within`` the
    keyword-only ones; ``alone`` is true if one argument is sufficient.
    """

    __slots__ = ("alone", "first", "least", "most", "name", "names", "signature", "within")

    def __init__(self, name: str) -> None:
        self.name = name
        self.signature = inspect.signature(FUNCTIONS[name])
        parameters = list(self.signature.parameters.values())
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.first = [(p.name, p.default is p.empty) for p in positional]
        self.names = frozenset(p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD))
        self.within = frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY).issuperset
        self.least = sum(needed for _, needed in self.first)
        self.most = sys.maxsize if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)
        self.alone = self.least == 1

    def __str__(self) -> str:
        plain = [p.replace(annotation=p.empty) for p in self.signature.parameters.values()]
        return f"{self.name}{inspect.Signature(plain)}"

    def check(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Raise unless the function takes these arguments.

        Raises: ``CallError``, which states the signature.
        """
        count = len(args)
        if count > self.most:
            raise self._error(f"{count} positional arguments", "pass the arguments after the * by name")
        self.check_names(keywords)
        for at, (name, needed) in enumerate(self.first):
            if at < count and name in keywords:
                raise self._error(f"{name} twice", "give it once")
            if at >= count and needed and name not in keywords:
                raise self._error(f"no {name}", "give it")

    def check_names(self, keywords: Iterable[str]) -> None:
        """Raise unless the function takes these keywords."""
        for name in keywords:
            if name not in self.names:
                by_place = any(name == first for first, _ in self.first)
                raise self._error(f"the keyword {name}", "pass it by position" if by_place else "leave it out")

    def _error(self, got: str, remedy: str) -> CallError:
        return CallError(self.name, f"the call must be {self}", got, remedy)
