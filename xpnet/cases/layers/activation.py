"""Cases of the activations."""

import numpy as np

from xpnet.cases.case import Case, normal
from xpnet.layers import Relu, Sigmoid

CASES = (
    Case("Relu", Relu, (normal("x", 3, 4),), lambda x: np.maximum(x, 0.0)),
    Case("Sigmoid", Sigmoid, (4.0 * normal("x", 3, 4),), lambda x: 1.0 / (1.0 + np.exp(-x))),
)
