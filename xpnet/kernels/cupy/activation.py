"""CUDA bodies of the activations: one launch each."""

from __future__ import annotations

from typing import Any

from xpnet import kernels
from xpnet.fast.cupy.launch import each

ONE_RESULT: tuple[kernels.Kernel[..., Any], ...] = (
    kernels.relu,
    kernels.relu_backward,
    kernels.leaky_relu,
    kernels.leaky_relu_backward,
    kernels.elu,
    kernels.elu_backward,
    kernels.sigmoid,
    kernels.softplus,
    kernels.silu_backward,
    kernels.gelu_backward,
    kernels.gelu_tanh_backward,
)
TWO_RESULTS: tuple[kernels.Kernel[..., Any], ...] = (kernels.silu, kernels.gelu, kernels.gelu_tanh)

for _kernel in ONE_RESULT:
    each(_kernel, "activation")
for _kernel in TWO_RESULTS:
    each(_kernel, "activation", results=2)
