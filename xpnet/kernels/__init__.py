"""Functions on arrays in which the time is spent; each has a reference written in the standard alone."""

from xpnet.kernels.standard import (
    one_hot,
    relu,
    relu_backward,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
    sum_to,
)

__all__ = [
    "one_hot",
    "relu",
    "relu_backward",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "sum_to",
]
