"""Lookahead: slow weights that follow fast ones."""

from __future__ import annotations

from typing import Any

from xpnet.arguments import check_size, is_number
from xpnet.backend import array_namespace, is_array
from xpnet.backend.halves import widened
from xpnet.errors import ArgumentError
from xpnet.optimizers.base import Optimizer
from xpnet.optimizers.sam import SAM
from xpnet.optimizers.state import copied
from xpnet.optimizers.wrapper import Wrapper
from xpnet.typing import Array


class Lookahead(Wrapper):
    """Every k steps of another optimizer, ``slow ← slow + α (W - slow)``, ``W ← slow``; ``Lookahead(Adam(0.001))``.

    k is ``every``, α is ``share``. The slow weights begin as W, and are part of the state.

    Raises: ``DtypeError``, ``ArgumentError`` for an inner that is not an optimizer, and for options out of range.
    Source: Zhang et al., 2019, "Lookahead optimizer: k steps forward, 1 step back", algorithm 1.

    >>> params, grads, optimizer = {"W": np.array([0.0])}, {"W": np.array([-1.0])}, Lookahead(SGD(1.0), every=3)
    >>> for _ in range(3):
    ...     optimizer.update(params, grads)
    ...     print(params["W"])  # 1, 2, and from 3 half of the way back
    [1.]
    [2.]
    [1.5]
    """

    takes_rows = False  # the slow weights of all rows follow

    def __init__(self, inner: Optimizer, every: int = 5, share: float = 0.5) -> None:
        who = type(self).__name__
        if isinstance(inner, SAM):
            must, remedy = "inner must be an optimizer of one gradient a step", "write SAM(Lookahead(…))"
            raise ArgumentError(who, must, "SAM", remedy)
        super().__init__(inner)
        check_size(who, "every", every)
        if not is_number(share) or not 0.0 < share <= 1.0:
            raise ArgumentError(who, "share must be above 0 and at most 1", repr(share), "try 0.5")
        self.every, self.share = int(every), float(share)
        self.slots, self.live = (*inner.slots, "slow"), inner.live + 1
        del self.step  # the formula is its own

    def slot_shapes(self, W: Array, **options: Any) -> list[tuple[int, ...]]:
        return [*super().slot_shapes(W, **options), W.shape]

    def first_slots(self, W: Array, **options: Any) -> list[Array]:
        return [*super().first_slots(W, **options), copied(widened(W))]

    def numbers(self, count: Any, **options: Any) -> tuple[Any, ...]:
        meets: Any = count % self.every == 0
        meets = array_namespace(meets).astype(meets, count.dtype) if is_array(meets) else float(meets)
        return (meets, *super().numbers(count, **options))

    def step(self, W: Array, dW: Array, *slots_and_numbers: Any) -> tuple[Array, ...]:
        count = len(self.slots) - 1
        *slots, slow = slots_and_numbers[: count + 1]
        meets, *numbers = slots_and_numbers[count + 1 :]
        found = self.inner.step(W, dW, *slots, *numbers)
        W, *slots = found if count else (found,)
        if isinstance(meets, float) and not meets:
            return W, *slots, slow
        slow = slow + (self.share * meets) * (W - slow)
        return (1.0 - meets) * W + meets * slow, *slots, slow

    def __repr__(self) -> str:
        return self.shown(every=self.every, share=self.share)
