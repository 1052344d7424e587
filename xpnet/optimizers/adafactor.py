"""Adam in little memory: the squares of a matrix are kept as those of its rows and columns."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, is_array, size_of
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.layerwise import at_least, norm
from xpnet.typing import Array


class Adafactor(Optimizer):
    """Mean squares of rows and columns for those of all values, ``W ← (1 - η λ) W - α u / max(1, ‖u‖ / (d √n))``.

    ``u = dW / √v``, where v is the product of the means over rows and over columns, divided by the mean of the former.
    Means forget by ``1 - t^-p``, p is ``power``; ``α = min(η, 1/√t) max(ε₂, ‖W‖ / √n)``; d is ``limit``. Arrays of more
    axes are matrices in their last two; those of one axis keep all squares.

    Raises: ``ArgumentError`` for options out of range.
    Source: Shazeer and Stern, 2018, algorithms 4 and 5, without momentum, in the form of torch.

    >>> params, grads, optimizer = {"W": np.ones((100, 200))}, {"W": np.ones((100, 200))}, Adafactor()
    >>> optimizer.update(params, grads)
    >>> {name: slot.shape for name, slot in optimizer.state.items() if name.startswith("W.")}  # for 20,000 values
    {'W.row': (100, 1), 'W.column': (1, 200)}
    """

    slots = ("row", "column")
    live = 3

    def __init__(
        self,
        lr: Rate = 0.01,
        power: float = 0.8,
        eps1: float = 1e-7,
        eps2: float = 0.001,
        limit: float = 1.0,
        weight_decay: float = 0.0,
        groups: Groups | None = None,
    ) -> None:
        super().__init__(groups, lr=lr, power=power, eps1=eps1, eps2=eps2, limit=limit, weight_decay=weight_decay)

    def slot_shapes(self, W: Array, **options: Any) -> list[tuple[int, ...]]:  # noqa: ARG002
        if W.ndim < 2:
            return [W.shape, ()]
        return [(*W.shape[:-1], 1), (*W.shape[:-2], 1, W.shape[-1])]

    def numbers(  # type: ignore[override]
        self, count: Any, lr: float, power: float, eps1: float, eps2: float, limit: float, weight_decay: float
    ) -> tuple[Any, ...]:
        slower = count**-0.5
        rate = -at_least(-slower, -lr) if is_array(slower) else min(lr, slower)
        return rate, count**-power, 1.0 - lr * weight_decay, eps1, eps2, limit

    def step(
        self,
        W: Array,
        dW: Array,
        row: Array,
        column: Array,
        rate: float,
        fresh: float,
        kept: float,
        eps1: float,
        eps2: float,
        limit: float,
    ) -> tuple[Array, Array, Array]:
        xp, root = array_namespace(W, dW, row, column), max(size_of(W), 1) ** 0.5
        alpha = rate * at_least(norm(W) / root, eps2)
        squares = dW * dW
        if W.ndim < 2:
            row = row + fresh * (squares - row)
            v = row
        else:
            row = row + fresh * (mean(squares, -1) - row)
            column = column + fresh * (mean(squares, -2) - column)
            v = row * column / at_least(mean(row, -2), eps1)
        u = dW / xp.sqrt(at_least(v, eps1 * eps1))
        return kept * W - alpha / at_least(norm(u) / (root * limit), 1.0) * u, row, column


def mean(x: Array, axis: int) -> Array:
    """Return the mean along an axis, which stays; 0 if it is empty."""
    total: Array = array_namespace(x).sum(x, axis=axis, keepdims=True)
    return total / max(x.shape[axis], 1)
