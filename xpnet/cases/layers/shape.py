"""Cases of the layers that move values without computing."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Flatten, Reshape, Transpose

X = normal("x", 3, 2, 2, 2)

CASES = (
    Case("Flatten", Flatten, (X,), lambda x: x.reshape(3, 8)),
    Case("Reshape", Reshape, (X,), lambda x: x.reshape(3, 4, 2), make=lambda: Reshape(4, -1)),
    Case("Transpose", Transpose, (X,), lambda x: x.transpose(0, 3, 1, 2), make=lambda: Transpose(0, 3, 1, 2)),
)
