"""The optimizers in one pass over W, dW and the slots, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, in_order
from xpnet.fast.numpy.blocks import Host
from xpnet.kernels.dispatch import Body, Kernel
from xpnet.kernels.standard import optimizer as standard


def in_one_pass(kernel: Kernel[..., Any], slots: int) -> Callable[[Body], Body]:
    """Make ``step(W, dW, *slots, *options)``, which sees arrays of one axis, the compiled body of a kernel."""

    def register(step: Body) -> Body:
        def body(W: Host, dW: Host, *rest: Any) -> Any:
            if not in_order(W, dW, *rest[:slots]):
                return kernel.bodies["numpy"](W, dW, *rest)
            if W.ndim == 1:
                step(W, dW, *rest)
            else:
                step(*[array.reshape(-1) for array in (W, dW, *rest[:slots])], *rest[slots:])
            return (W, *rest[:slots]) if slots else W

        kernel.on("numba")(body)
        return step

    return register


@in_one_pass(standard.sgd, 0)
@compiled
def sgd(W: Host, dW: Host, rate: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, weight_decay = real(rate), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        W[i] -= rate * g


@in_one_pass(standard.momentum, 1)
@compiled
def momentum(W: Host, dW: Host, v: Host, rate: Any, momentum: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, momentum, weight_decay = real(rate), real(momentum), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        v[i] = momentum * v[i] + g
        W[i] -= rate * v[i]


@in_one_pass(standard.adam, 2)
def adam(W: Host, dW: Host, m: Host, v: Host, *options: Any) -> None:
    rate, beta1, beta2, eps, weight_decay, t = options
    scale, shift = standard.adam_scales(rate, beta1, beta2, eps, t)
    adam_pass(W, dW, m, v, float(scale), float(shift), beta1, beta2, weight_decay, 1.0)


@in_one_pass(standard.adamw, 2)
def adamw(W: Host, dW: Host, m: Host, v: Host, *options: Any) -> None:
    rate, beta1, beta2, eps, weight_decay, t = options
    scale, shift = standard.adam_scales(rate, beta1, beta2, eps, t)
    adam_pass(W, dW, m, v, float(scale), float(shift), beta1, beta2, 0.0, 1.0 - rate * weight_decay)


@compiled
def adam_pass(
    W: Host, dW: Host, m: Host, v: Host, scale: Any, shift: Any, beta1: Any, beta2: Any, weight_decay: Any, kept: Any
) -> None:
    real = W.dtype.type
    scale, shift, beta1, beta2 = real(scale), real(shift), real(beta1), real(beta2)
    weight_decay, kept = real(weight_decay), real(kept)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        mean = beta1 * m[i] + g
        square = beta2 * v[i] + g * g
        m[i], v[i] = mean, square
        W[i] = kept * W[i] - scale * mean / (np.sqrt(square) + shift)
