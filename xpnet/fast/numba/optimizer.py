"""The optimizers in one pass over W, dW and the slots, in place; large arrays by all threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, in_order
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.optimizer import SHARED, in_parts
from xpnet.optimizers import SGD, Adam, AdamW, Momentum
from xpnet.optimizers.steps import STEPS, step_body

Step = Callable[..., None]


def on_part(step: Step, numbers: list[float], part: tuple[Any, ...]) -> None:
    step(*part, *numbers)


def in_one_pass(optimizer: Any) -> Callable[[Step], Step]:
    """Register a compiled ``step(W, dW, *slots, *numbers)`` on arrays of one axis as the body of an optimizer."""
    count = 2 + len(optimizer.slots)

    def register(step: Step) -> Step:
        others = STEPS["numpy"][optimizer, optimizer.step]

        def body(formula: Callable[..., Any], given: list[tuple[Any, ...]]) -> list[Any]:
            found: list[Any] = []
            for one in given:
                W, _, *slots = arrays = one[:count]
                if not in_order(*arrays):
                    found += others(formula, [one])
                    continue
                numbers = list(map(float, one[count:]))
                if W.size < SHARED:
                    step(*(arrays if W.ndim == 1 else [array.reshape(-1) for array in arrays]), *numbers)
                else:
                    in_parts(partial(on_part, step, numbers), *arrays)
                found.append((W, *slots) if slots else W)
            return found

        step_body("numba", optimizer)(body)
        return step

    return register


@in_one_pass(SGD)
@compiled
def sgd(W: Host, dW: Host, rate: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, weight_decay = real(rate), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        W[i] -= rate * g


@in_one_pass(Momentum)
@compiled
def momentum(W: Host, dW: Host, v: Host, rate: Any, momentum: Any, weight_decay: Any) -> None:
    real = W.dtype.type
    rate, momentum, weight_decay = real(rate), real(momentum), real(weight_decay)
    for i in range(W.size):
        g = dW[i] + weight_decay * W[i] if weight_decay else dW[i]
        v[i] = momentum * v[i] + g
        W[i] -= rate * v[i]


@in_one_pass(Adam)
def adam(W: Host, dW: Host, m: Host, v: Host, scale: Any, shift: Any, beta1: Any, beta2: Any, decay: Any) -> None:
    adam_pass(W, dW, m, v, scale, shift, beta1, beta2, decay, 1.0)


@in_one_pass(AdamW)
def adamw(W: Host, dW: Host, m: Host, v: Host, scale: Any, shift: Any, kept: Any, beta1: Any, beta2: Any) -> None:
    adam_pass(W, dW, m, v, scale, shift, beta1, beta2, 0.0, kept)


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
