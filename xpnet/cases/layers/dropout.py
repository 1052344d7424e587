"""Cases of dropout."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Dropout
from xpnet.random import Generator

CASES = (
    Case(
        "Dropout",
        Dropout,
        (normal("x", 3, 4),),
        lambda x: x * Generator(0).mask((3, 4), 0.75, "Dropout1") / 0.75,
        make=lambda: Dropout(0.25, rng=Generator(0)),
        predicted=lambda x: x,
    ),
)
