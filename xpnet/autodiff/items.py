"""The protocols of Python for an array: its items, conversion to a number, and copies."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, ClassVar

from xpnet.autodiff.conversions import by_whom
from xpnet.autodiff.nodes import CONSTANT, Node, in_forward, leaf
from xpnet.autodiff.table import base
from xpnet.backend import array_namespace
from xpnet.errors import DtypeError, StateError


def boxed(kind: type[Any], value: Any, node: Node | None = None) -> Any:
    """Return a Variable of this class with that value and history; without a history it is a constant."""
    variable = object.__new__(kind)
    variable.value = value
    variable.node = leaf(value, CONSTANT) if node is None else node
    return variable


class Items:
    """The part of a Variable that implements Python's protocols; conversions that would lose its history raise."""

    __slots__ = ()

    node: Node
    value: Any
    __getitem__: ClassVar[Callable[[Any, Any], Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def __len__(self) -> int:
        if not self.shape:
            raise DtypeError("Variable", "it must have an axis", "none", "a number has no length: use it as it is")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([self[at, ...] for at in range(len(self))])

    def __reversed__(self) -> Iterator[Any]:
        return iter([*self][::-1])

    def __contains__(self, item: Any) -> bool:
        return bool(array_namespace(base(self)).any(base(self == item)))

    def __bool__(self) -> bool:
        return bool(base(self))

    def __int__(self) -> int:
        return int(base(self))

    def __index__(self) -> int:
        return operator.index(base(self))

    def __float__(self) -> float:
        return float(self.number("float"))

    def __complex__(self) -> complex:
        return complex(self.number("complex"))

    def number(self, kind: str) -> Any:
        """Return the array of one element, if no derivative is lost by converting it to a number.

        Raises: ``StateError`` inside a transform or a layer's forward.
        """
        if self.node.trace.active or (self.node.trace is not CONSTANT and in_forward()):
            raise StateError(
                "Variable",
                f"{kind}(x) must not be taken where a derivative goes through x",
                f"one inside a transform or a layer's forward{by_whom()}",
                "use functions of xp = array_namespace(x); where the value alone is meant, stop_gradient(x)",
            )
        return base(self)

    def __copy__(self) -> Any:
        return boxed(type(self), self.value, self.node)

    def __deepcopy__(self, memo: Any) -> Any:
        self._refuse_copy("copy.deepcopy")
        return boxed(type(self), deepcopy(base(self), memo))

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        self._refuse_copy("pickle")
        return boxed, (type(self), base(self))

    def _refuse_copy(self, how: str) -> None:
        """Raise if a copy would be cut off from the graph, which would lose a part of the gradient."""
        if self.node.trace is not CONSTANT:
            raise StateError(
                "Variable",
                f"{how} must be given a constant",
                "a Variable that has a derivative",
                "use xp.asarray(x, copy=True) to keep the history; or stop_gradient(x).value, then Variable(…) anew",
            )

    def __format__(self, spec: str) -> str:
        return format(float(base(self)), spec) if spec else str(self)
