"""Functions on arrays in which the time is spent; each has a reference written in the standard alone."""

from xpnet.kernels.dispatch import Kernel, kernel
from xpnet.kernels.standard.activation import relu, relu_backward, sigmoid, softmax
from xpnet.kernels.standard.loss import one_hot, softmax_cross_entropy, softmax_cross_entropy_backward
from xpnet.kernels.standard.reduction import sum_to

__all__ = [
    "Kernel",
    "kernel",
    "one_hot",
    "relu",
    "relu_backward",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "sum_to",
]
