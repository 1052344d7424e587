"""The base of optimizers that change how another one trains."""

from __future__ import annotations

from copy import copy
from typing import Any

from xpnet.errors import DtypeError
from xpnet.optimizers.base import Optimizer
from xpnet.typing import Array


class Wrapper(Optimizer):
    """An optimizer around another one, ``inner``, with its formula, options, groups and slots, ``SAM(Momentum(0.1))``.

    The options are attributes of the wrapper from then on: ``wrapper.lr = 0.01``.

    Raises: ``DtypeError`` for anything but an optimizer.
    """

    def __init__(self, inner: Any) -> None:
        if not isinstance(inner, Optimizer):
            who, got = type(self).__name__, inner.__name__ if isinstance(inner, type) else type(inner).__name__
            raise DtypeError(who, "inner must be an Optimizer", got, "give an instance, such as SGD(lr=0.1)")
        super().__init__(inner.groups, **{name: getattr(inner, name) for name in inner.options})
        self.inner: Optimizer = inner
        self.slots, self.live, self.elementwise = inner.slots, inner.live, inner.elementwise
        self.step = inner.step

    def numbers(self, count: Any, **options: Any) -> tuple[Any, ...]:
        return self.inner.numbers(count, **options)

    def slot_shapes(self, W: Array, **options: Any) -> list[tuple[int, ...]]:
        return self.inner.slot_shapes(W, **options)

    def first_slots(self, W: Array, **options: Any) -> list[Array]:
        return self.inner.first_slots(W, **options)

    def shown(self, **own: Any) -> str:
        """Return the repr, with the options of the wrapper itself after the optimizer."""
        inner = copy(self.inner)
        vars(inner).update(self._options())
        return f"{type(self).__name__}({', '.join([repr(inner), *(f'{name}={own[name]!r}' for name in own)])})"
