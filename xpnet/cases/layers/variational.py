"""The cases of the layers of a variational autoencoder."""

import numpy as np

from xpnet.cases.case import Case, normal
from xpnet.layers import Sampling, VariationalLoss
from xpnet.random import Generator


def lower_bound(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    y, mean, s = x[:, :2], x[:, 2:4], x[:, 4:]
    fit = np.log(1.0 + np.exp(y)) - t * y
    far = mean**2 + np.exp(s) - 1.0 - s
    return np.asarray((fit.sum() + 0.25 * far.sum()) / len(x))


CASES = (
    Case(
        "Sampling",
        Sampling,
        (normal("x", 3, 4),),
        lambda x: x[:, :2] + np.exp(0.5 * x[:, 2:]) * Generator(0).normal((3, 2), "Sampling1"),
        make=lambda: Sampling(rng=Generator(0)),
        predicted=lambda x: x[:, :2],
    ),
    Case(
        "VariationalLoss",
        VariationalLoss,
        (normal("x", 3, 6), Generator(0).uniform((3, 2), "case.t")),
        lower_bound,
        options={"beta": 0.5},
        needs_samples=True,
    ),
)
