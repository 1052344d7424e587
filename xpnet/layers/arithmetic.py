"""The first nodes of the book: multiplication and addition."""

from __future__ import annotations

from typing import Any

from xpnet.autodiff.rules import fit
from xpnet.layers.base import Layer


class MulLayer(Layer):
    """Multiplication, ``z = x y``, of arrays that broadcast, or of Python numbers.

    Backward: ``dx = dout y``, ``dy = dout x``.
    Source: Deep Learning from Scratch, section 5.4.1.

    >>> apple = MulLayer()  # 2 apples for 100 yen each
    >>> apple.forward(100, 2)
    200
    >>> apple.backward(1)
    (2, 100)
    """

    holomorphic = True
    takes_numbers = True
    broadcasts = True

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x * y

    def backward(self, dout: Any = 1.0) -> tuple[Any, Any]:
        return of_operand(dout * self.y, self.x), of_operand(dout * self.x, self.y)


class AddLayer(Layer):
    """Addition, ``z = x + y``, of arrays that broadcast, or of Python numbers.

    Backward: ``dx = dout``, ``dy = dout``.
    Source: Deep Learning from Scratch, section 5.4.2.

    >>> add = AddLayer()
    >>> add.forward(200, 450)
    650
    >>> add.backward(1.1)
    (1.1, 1.1)
    """

    holomorphic = True
    takes_numbers = True
    broadcasts = True

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x + y

    def backward(self, dout: Any = 1.0) -> tuple[Any, Any]:
        return of_operand(dout, self.x), of_operand(dout, self.y)


def of_operand(gradient: Any, operand: Any) -> Any:
    """Return the gradient in the operand's own shape, if broadcasting has stretched the operand."""
    return fit(gradient, operand) if hasattr(operand, "shape") else gradient
