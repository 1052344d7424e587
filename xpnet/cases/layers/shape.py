"""Cases of the layers that move values and compute nothing."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Flatten

CASES = (Case("Flatten", Flatten, (normal("x", 3, 2, 2, 2),), lambda x: x.reshape(3, 8)),)
