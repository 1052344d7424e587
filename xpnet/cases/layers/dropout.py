"""Cases of dropout and noise."""

from xpnet.cases.case import Case, normal
from xpnet.layers import Dropout, GaussianNoise, StochasticDepth
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
    Case(
        "Dropout, channels",
        Dropout,
        (normal("x", 2, 3, 1, 2),),
        lambda x: x * Generator(0).mask((2, 3, 1, 1), 0.75, "Dropout1") / 0.75,
        make=lambda: Dropout(0.25, rng=Generator(0), axes=(0, 1)),
        predicted=lambda x: x,
    ),
    Case(
        "StochasticDepth",
        StochasticDepth,
        (normal("x", 4, 2),),
        lambda x: x * Generator(0).mask((4, 1), 0.5, "StochasticDepth1") / 0.5,
        make=lambda: StochasticDepth(0.5, rng=Generator(0)),
        predicted=lambda x: x,
    ),
    Case(
        "GaussianNoise",
        GaussianNoise,
        (normal("x", 3, 2),),
        lambda x: x + 0.5 * Generator(0).normal((3, 2), "GaussianNoise1"),
        make=lambda: GaussianNoise(0.5, rng=Generator(0)),
        predicted=lambda x: x,
    ),
)
