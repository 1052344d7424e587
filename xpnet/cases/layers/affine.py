"""Cases of the affine map."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Affine

PARAMETERS = (normal("W", 4, 3), normal("b", 3))

CASES = (
    Case("Affine", Affine, (normal("x", 5, 4),), lambda x, W, b: x @ W + b, PARAMETERS),
    Case(
        "Affine, images",
        Affine,
        (normal("x", 5, 1, 2, 2),),
        lambda x, W, b: x.reshape(5, 4) @ W + b,
        PARAMETERS,
    ),
    Case("Affine, without a bias", Affine, (normal("x", 5, 4),), lambda x, W: x @ W, PARAMETERS[:1]),
)
