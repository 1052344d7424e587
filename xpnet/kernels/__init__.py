"""Functions on arrays in which the time is spent; each has a reference written in the standard alone."""

from xpnet.kernels.dispatch import Kernel, kernel
from xpnet.kernels.noise import dropout_mask
from xpnet.kernels.standard.activation import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    gelu_tanh,
    gelu_tanh_backward,
    leaky_relu,
    leaky_relu_backward,
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    sigmoid,
    silu,
    silu_backward,
    softmax,
    softmax_backward,
    softplus,
)
from xpnet.kernels.standard.affine import affine, sum_rows
from xpnet.kernels.standard.embedding import scatter_add
from xpnet.kernels.standard.erf import erf
from xpnet.kernels.standard.joint import affine_gelu, affine_gelu_backward, affine_relu, affine_relu_backward
from xpnet.kernels.standard.loss import (
    huber,
    one_hot,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
)
from xpnet.kernels.standard.reduction import mean, sum_to

__all__ = [
    "Kernel",
    "affine",
    "affine_gelu",
    "affine_gelu_backward",
    "affine_relu",
    "affine_relu_backward",
    "dropout_mask",
    "elu",
    "elu_backward",
    "erf",
    "gelu",
    "gelu_backward",
    "gelu_tanh",
    "gelu_tanh_backward",
    "huber",
    "kernel",
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "mean",
    "one_hot",
    "relu",
    "relu_backward",
    "scatter_add",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "softplus",
    "sum_rows",
    "sum_to",
]
