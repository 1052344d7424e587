"""Cases of the losses."""

from typing import Any

import numpy as np

from xpnet.cases.case import Case, Host, normal
from xpnet.layers import IdentityWithLoss, SoftmaxWithLoss


def softmax(x: Host) -> Host:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.asarray(e / np.sum(e, axis=-1, keepdims=True))


def cross_entropy(x: Host, t: Host) -> Any:
    shares = np.eye(x.shape[-1])[t] if t.dtype.kind in "iu" else t
    return -np.mean(np.sum(shares * np.log(softmax(x)), axis=-1))


CASES = (
    Case(
        "SoftmaxWithLoss, indices",
        SoftmaxWithLoss,
        (normal("x", 5, 4), np.asarray([0, 3, 1, 1, 2])),
        cross_entropy,
        needs_samples=True,
    ),
    Case(
        "SoftmaxWithLoss, shares",
        SoftmaxWithLoss,
        (normal("x", 5, 4), softmax(normal("t", 5, 4))),
        cross_entropy,
        needs_samples=True,
    ),
    Case("SoftmaxWithLoss, one sample", SoftmaxWithLoss, (normal("x", 4), np.asarray(2)), cross_entropy),
    Case(
        "IdentityWithLoss",
        IdentityWithLoss,
        (normal("x", 5, 4), normal("t", 5, 4)),
        lambda x, t: 0.5 * np.sum((x - t) ** 2) / 5.0,
        needs_samples=True,
    ),
)
