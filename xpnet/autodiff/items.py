"""What Python asks of an array: its items, its one element as a number, and copies."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from xpnet.autodiff.nodes import CONSTANT, Node, in_forward
from xpnet.autodiff.record import base, constant, variable_of
from xpnet.backend import array_namespace
from xpnet.errors import DtypeError, StateError


class Items:
    """The part of a Variable that Python asks for; numbers and copies are refused where they would lose its history."""

    __slots__ = ()

    node: Node
    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def __getitem__(self, key: Any, /) -> Any:
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
        return float(self._number("float"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        """The array of one element, where no derivative is lost by it.

        Raises: ``StateError`` inside a transform or a layer's forward.
        """
        if self.node.trace.active or (self.node.trace is not CONSTANT and in_forward()):
            raise StateError(
                "Variable",
                f"{kind}(x) must not be taken where a derivative goes through x",
                "one inside a transform or a layer's forward",
                "use functions of xp = array_namespace(x); where the value alone is meant, stop_gradient(x)",
            )
        return base(self)

    def __copy__(self) -> Any:
        return variable_of(self.value, self.node)

    def __deepcopy__(self, memo: Any) -> Any:
        self._refuse_copy("copy.deepcopy")
        return constant(deepcopy(base(self), memo))

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        self._refuse_copy("pickle")
        return constant, (base(self),)

    def _refuse_copy(self, how: str) -> None:
        """Raise where a copy would be cut off from the graph, and take a part of the gradient with it."""
        if self.node.trace is not CONSTANT:
            raise StateError(
                "Variable",
                f"{how} must be given a constant",
                "a Variable that has a derivative",
                "use xp.asarray(x, copy=True) to keep the history; or stop_gradient(x).value, then Variable(…) anew",
            )

    def __format__(self, spec: str) -> str:
        return format(float(base(self)), spec) if spec else str(self)
