"""Cases of the layers made of layers."""

import numpy as np

from xpnet.cases.case import Case, normal
from xpnet.layers import Affine, Concat, Relu, Residual, Sigmoid

X = normal("x", 3, 4)
SQUARE = (normal("W", 4, 4), normal("b", 4))
OTHER = (normal("V", 4, 2), normal("c", 2))
WIDER = (normal("U", 4, 2), normal("d", 2))

CASES = (
    Case(
        "Residual",
        Residual,
        (X,),
        lambda x, W, b: np.maximum(x @ W + b, 0.0) + x,
        SQUARE,
        make=lambda W, b: Residual(Affine(W, b), Relu()),
    ),
    Case(
        "Residual, shortcut",
        Residual,
        (X,),
        lambda x, V, c, U, d: 1.0 / (1.0 + np.exp(-(x @ V + c))) + x @ U + d,
        (*OTHER, *WIDER),
        make=lambda V, c, U, d: Residual(Affine(V, c), Sigmoid(), shortcut=Affine(U, d)),
    ),
    Case(
        "Concat",
        Concat,
        (X,),
        lambda x, W, b, V, c: np.concatenate([np.maximum(x, 0.0), np.maximum(x @ W + b, 0.0), x @ V + c], axis=1),
        (*SQUARE, *OTHER),
        make=lambda W, b, V, c: Concat(Relu(), [Affine(W, b), Relu()], Affine(V, c)),
    ),
)
