"""Cases of the maps of the last axis."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Bias, Linear, MatMul

CASES = (
    Case("MatMul", MatMul, (normal("x", 2, 3, 4),), lambda x, W: x @ W, (normal("W", 4, 3),)),
    Case("Linear", Linear, (normal("x", 5, 4),), lambda x, W, b: x @ W + b, (normal("W", 4, 3), normal("b", 3))),
    Case("Linear, without a bias", Linear, (normal("x", 5, 4),), lambda x, W: x @ W, (normal("W", 4, 3),)),
    Case(
        "Linear, sequences",
        Linear,
        (normal("x", 2, 3, 4),),
        lambda x, W, b: x @ W + b,
        (normal("W", 4, 3), normal("b", 3)),
    ),
    Case("Bias", Bias, (normal("x", 2, 2, 3),), lambda x, b: x + b, (normal("b", 3),)),
)
