"""NumPy bodies of the optimizers: in place, piece by piece, with one scratch array as large as a piece.

Whoever holds W sees the training. In pieces, arrays larger than the processor's cache stay in it for all the
passes of a step, which gains a quarter there; smaller pieces would pay more for calls than they gain. The pieces of
large arrays are shared over threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numpy.threads import shared
from xpnet.optimizers import (
    LAMB,
    LARS,
    SGD,
    Adadelta,
    Adafactor,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Lookahead,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    RAdam,
    RMSprop,
)
from xpnet.optimizers.steps import by_formula, step_body

PIECE = 1 << 18  # values
SHARED = 1 << 20  # values of an array from which on threads gain more than they cost

RARER = (
    *(AdaGrad, Adadelta, Adafactor, Adamax, LAMB, LARS, Lion),
    *(Lookahead, Muon, NAdam, Nesterov, RAdam, RMSprop),
)
"""The optimizers that have no body but their formula."""

Step = Callable[..., None]


def in_place(optimizer: Any) -> Callable[[Step], Step]:
    """Register a function that writes into W and its slots as the NumPy body of an optimizer.

    ``step(scratch, W, dW, *slots, *numbers)`` sees pieces of the arrays. The formula runs for arrays that cannot be
    written to, or that differ in dtype; its results are copied into those of float16.
    """
    slots = len(optimizer.slots)

    def register(step: Step) -> Step:
        step_body("numpy", optimizer)(partial(each, step, slots))
        return step

    return register


def each(step: Step, slots: int, formula: Callable[..., Any], given: list[tuple[Any, ...]]) -> list[Any]:
    """Run the step on one parameter after another, and return the new W and slots."""
    found: list[Any] = []
    for one in given:
        W, dW, *rest = one
        own = (W, *rest[:slots])
        if not writable(own, dW):
            found.append(halves_in_place(formula, own, one))
            continue
        if W.size <= PIECE:  # empty costs a quarter of empty_like
            step(np.empty(W.shape, W.dtype) if W.flags.c_contiguous else np.empty_like(W), *one)
        else:
            whole = W, np.ascontiguousarray(dW) if W.flags.c_contiguous else dW, *rest[:slots]
            in_parts(partial(with_scratch, step, rest[slots:]), *whole)
        found.append(own if slots else W)
    return found


def with_scratch(step: Step, numbers: list[Any], part: tuple[Any, ...]) -> None:
    step(np.empty_like(part[0]), *part, *numbers)


def in_parts(run: Callable[[tuple[Any, ...]], None], *arrays: Any) -> None:
    """Run a function on views of at most ``PIECE`` values, or on the whole if the arrays are not in order in memory."""
    if not all(array.flags.c_contiguous for array in arrays):
        run(arrays)
        return
    flat, size = [array.reshape(-1) for array in arrays], arrays[0].size
    parts = [tuple([array[start : start + PIECE] for array in flat]) for start in range(0, size, PIECE)]
    if size >= SHARED:
        shared(run, parts)
        return
    for part in parts:
        run(part)


def writable(own: tuple[Any, ...], dW: Any) -> bool:
    """Return whether W and its slots can be written to and all arrays share a dtype in which NumPy computes."""
    dtype = dW.dtype
    if dtype.char not in "fd":
        return False
    for array in own:  # noqa: SIM110 (a generator takes twice as long)
        if (array.dtype is not dtype and array.dtype != dtype) or not array.flags.writeable:
            return False
    return True


def halves_in_place(formula: Callable[..., Any], own: tuple[Any, ...], one: tuple[Any, ...]) -> Any:
    """Copy the formula's results into the arrays of a float16 parameter; return NotImplemented for any other."""
    if one[1].dtype.char != "e" or not all(array.flags.writeable for array in own):
        return NotImplemented
    return copied_into(own, by_formula(formula, *one))


def copied_into(own: tuple[Any, ...], results: Any) -> Any:
    """Copy the results of a formula into W and its slots, and return these."""
    for array, new in zip(own, results if len(own) > 1 else (results,), strict=True):
        np.copyto(array, new)
    return own if len(own) > 1 else own[0]


def add_decay(scratch: Any, W: Any, dW: Any, weight_decay: float) -> Any:
    """Return the gradient plus the weight decay, in the scratch array if there is any."""
    if not weight_decay:
        return dW
    np.multiply(W, weight_decay, scratch)
    return np.add(scratch, dW, scratch)


@in_place(SGD)
def sgd(scratch: Any, W: Any, dW: Any, rate: float, weight_decay: float) -> None:
    if weight_decay:
        dW = add_decay(scratch, W, dW, weight_decay)
    np.multiply(dW, rate, scratch)
    np.subtract(W, scratch, W)


@in_place(Momentum)
def momentum(scratch: Any, W: Any, dW: Any, v: Any, rate: float, momentum: float, weight_decay: float) -> None:
    np.multiply(v, momentum, v)
    np.add(v, add_decay(scratch, W, dW, weight_decay), v)
    np.multiply(v, rate, scratch)
    np.subtract(W, scratch, W)


@in_place(Adam)
def adam(
    scratch: Any,
    W: Any,
    dW: Any,
    m: Any,
    v: Any,
    scale: float,
    shift: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
) -> None:
    dW = add_decay(scratch, W, dW, weight_decay)
    np.multiply(m, beta1, m)
    np.add(m, dW, m)
    np.multiply(v, beta2, v)
    np.multiply(dW, dW, scratch)
    np.add(v, scratch, v)
    np.sqrt(v, scratch)
    np.add(scratch, shift, scratch)
    np.divide(m, scratch, scratch)
    np.multiply(scratch, scale, scratch)
    np.subtract(W, scratch, W)


@in_place(AdamW)
def adamw(
    scratch: Any,
    W: Any,
    dW: Any,
    m: Any,
    v: Any,
    scale: float,
    shift: float,
    kept: float,
    beta1: float,
    beta2: float,
) -> None:
    np.multiply(W, kept, W)
    adam(scratch, W, dW, m, v, scale, shift, beta1, beta2, 0.0)


def in_its_place(formula: Any, given: list[tuple[Any, ...]]) -> list[Any]:
    """Run any formula, on each piece if it treats every value by itself, and copy its results into the arrays."""
    slots = len(formula.__self__.slots)

    def step(scratch: Any, W: Any, dW: Any, *rest: Any) -> None:  # noqa: ARG001
        copied_into((W, *rest[:slots]), formula(W, dW, *rest))

    if formula.__self__.elementwise:
        return each(step, slots, formula, given)
    owns = [(one[0], *one[2 : 2 + slots]) for one in given]
    return [
        copied_into(own, by_formula(formula, *one)) if writable(own, one[1]) else halves_in_place(formula, own, one)
        for own, one in zip(owns, given, strict=True)
    ]


for rarer in RARER:
    step_body("numpy", rarer)(in_its_place)
for large in (Adam, AdamW):
    step_body("numpy", large, "step_by_largest")(in_its_place)
