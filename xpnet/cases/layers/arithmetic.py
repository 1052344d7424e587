"""Cases of the arithmetic layers."""

from xpnet.cases.case import Case, normal
from xpnet.layers import AddLayer, MulLayer

CASES = (
    Case("MulLayer", MulLayer, (normal("x", 3, 4), normal("y", 3, 4)), lambda x, y: x * y),
    Case("MulLayer, broadcast", MulLayer, (normal("x", 3, 4), normal("y", 4)), lambda x, y: x * y),
    Case("AddLayer", AddLayer, (normal("x", 3, 4), normal("y", 3, 4)), lambda x, y: x + y),
    Case("AddLayer, broadcast", AddLayer, (normal("x", 3, 1), normal("y", 2, 1, 4)), lambda x, y: x + y),
)
