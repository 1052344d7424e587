"""The optimizers in one pass over W, dW and the slots, in place; large arrays by all threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, in_order
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.optimizer import SHARED
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, NAdam, Nesterov, RAdam, RMSprop
from xpnet.optimizers.steps import STEPS, step_body

Step = Callable[..., None]

ravel = np.ndarray.ravel
"""A view in one axis of an array that is in order: it takes half as long as ``reshape``."""


def in_one_pass(optimizer: Any) -> Callable[[Step], Step]:
    """Register a ``step(W, dW, *slots, *numbers)`` on arrays of one axis, which is compiled, for an optimizer."""
    count = 2 + len(optimizer.slots)

    def register(step: Step) -> Step:
        others = STEPS["numpy"][optimizer, optimizer.step]

        def body(formula: Callable[..., Any], given: list[tuple[Any, ...]]) -> list[Any]:
            found: list[Any] = []
            told: tuple[Any, ...] = ()
            for one in given:
                arrays = one[:count]
                if not in_order(*arrays):
                    found += others(formula, [one])
                    continue
                if one[count:] != told:  # most parameters have the numbers of the one before
                    told = one[count:]
                    numbers = list(map(float, told))
                if one[0].size < SHARED:
                    step(*map(ravel, arrays), *numbers)
                else:
                    on_parts(step, list(map(ravel, arrays)), numbers)
                found.append((one[0], *one[2:count]) if count > 2 else one[0])
            return found

        step_body("numba", optimizer)(body)
        return step

    return register


def on_parts(step: Step, arrays: list[Host], numbers: list[float]) -> None:
    size = arrays[0].size
    shared(size, size, lambda first, last: step(*[array[first:last] for array in arrays], *numbers))


@in_one_pass(SGD)
@compiled
def sgd(W: Host, dW: Host, rate: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, weight_decay = real(rate), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        W[i] -= rate * g


@in_one_pass(Momentum)
def momentum(W: Host, dW: Host, v: Host, rate: Any, momentum: Any, weight_decay: Any) -> None:
    momentum_pass(W, dW, v, rate, momentum, weight_decay, False)


@in_one_pass(Nesterov)
def nesterov(W: Host, dW: Host, v: Host, rate: Any, momentum: Any, weight_decay: Any) -> None:
    momentum_pass(W, dW, v, rate, momentum, weight_decay, True)


@compiled
def momentum_pass(W: Host, dW: Host, v: Host, rate: Any, momentum: Any, weight_decay: Any, ahead: Any) -> None:
    real = W.dtype.type
    rate, momentum, weight_decay = real(rate), real(momentum), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        v[i] = momentum * v[i] + g
        W[i] -= rate * (g + momentum * v[i] if ahead else v[i])


@in_one_pass(AdaGrad)
def ada_grad(W: Host, dW: Host, h: Host, rate: Any, eps: Any, weight_decay: Any) -> None:
    squares_pass(W, dW, h, rate, 1.0, 1.0, eps, weight_decay)


@in_one_pass(RMSprop)
def rms_prop(W: Host, dW: Host, h: Host, rate: Any, decay_rate: Any, eps: Any, weight_decay: Any) -> None:
    squares_pass(W, dW, h, rate, decay_rate, 1.0 - decay_rate, eps, weight_decay)


@compiled
def squares_pass(W: Host, dW: Host, h: Host, rate: Any, kept: Any, share: Any, eps: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, kept, share, eps, weight_decay = real(rate), real(kept), real(share), real(eps), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        square = kept * h[i] + share * g * g
        h[i] = square
        W[i] -= rate * g / (np.sqrt(square) + eps)


@in_one_pass(Adam)
def adam(W: Host, dW: Host, m: Host, v: Host, scale: Any, shift: Any, beta1: Any, beta2: Any, decay: Any) -> None:
    adam_pass(W, dW, m, v, scale, 0.0, 1.0, shift, beta1, 1.0, beta2, 1.0, decay, 1.0)


@in_one_pass(AdamW)
def adamw(W: Host, dW: Host, m: Host, v: Host, scale: Any, shift: Any, kept: Any, beta1: Any, beta2: Any) -> None:
    adam_pass(W, dW, m, v, scale, 0.0, 1.0, shift, beta1, 1.0, beta2, 1.0, 0.0, kept)


@in_one_pass(NAdam)
def nadam(
    W: Host, dW: Host, m: Host, v: Host, ahead: Any, scale: Any, shift: Any, beta1: Any, beta2: Any, decay: Any
) -> None:
    adam_pass(W, dW, m, v, scale, ahead, 1.0, shift, beta1, 1.0 - beta1, beta2, 1.0 - beta2, decay, 1.0)


@in_one_pass(RAdam)
def radam(
    W: Host, dW: Host, m: Host, v: Host, scale: Any, root: Any, shift: Any, beta1: Any, beta2: Any, decay: Any
) -> None:
    adam_pass(W, dW, m, v, scale, 0.0, root, shift, beta1, 1.0 - beta1, beta2, 1.0 - beta2, decay, 1.0)


@compiled
def adam_pass(
    W: Host, dW: Host, m: Host, v: Host, scale: Any, ahead: Any, root: Any, shift: Any, beta1: Any, share1: Any,
    beta2: Any, share2: Any, weight_decay: Any, kept: Any,
) -> None:  # fmt: skip
    """Write the means ``β₁ m + s₁ g`` and ``β₂ v + s₂ g²``, and move by ``(scale m + ahead g) / (root √v + shift)``."""
    real = W.dtype.type
    scale, ahead, root, shift = real(scale), real(ahead), real(root), real(shift)
    beta1, share1, beta2, share2 = real(beta1), real(share1), real(beta2), real(share2)
    weight_decay, kept = real(weight_decay), real(kept)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        mean = beta1 * m[i] + share1 * g
        square = beta2 * v[i] + share2 * g * g
        m[i], v[i] = mean, square
        move = scale * mean + ahead * g if ahead else scale * mean
        W[i] = kept * W[i] - move / (root * np.sqrt(square) + shift)
