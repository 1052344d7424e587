"""NumPy bodies of the optimizers: in place, piece by piece, with one scratch array as large as a piece.

Whoever holds W sees the training. In pieces, arrays larger than the processor's cache stay in it for all the
passes of a step, which gains a quarter there; smaller pieces would pay more for calls than they gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, RMSprop
from xpnet.optimizers.steps import by_formula, step_body

PIECE = 1 << 18  # values

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
            for piece in pieces(W, dW, *rest[:slots]):
                step(np.empty_like(piece[0]), *piece, *rest[slots:])
        found.append(own if slots else W)
    return found


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
    W, dW = one[:2]
    if dW.dtype.char != "e" or not all(array.flags.writeable for array in own):
        return NotImplemented
    results = by_formula(formula, *one)
    for array, new in zip(own, results if len(own) > 1 else (results,), strict=True):
        np.copyto(array, new)
    return own if len(own) > 1 else W


def pieces(W: Any, dW: Any, *slots: Any) -> Iterator[tuple[Any, ...]]:
    """Yield views of at most ``PIECE`` values, or the whole if the memory of the arrays is not in order."""
    arrays = (W, np.ascontiguousarray(dW) if W.flags.c_contiguous else dW, *slots)
    if not all(array.flags.c_contiguous for array in arrays):
        yield arrays
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, W.size, PIECE):
        yield tuple([array[start : start + PIECE] for array in flat])


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


def by_pieces(formula: Callable[..., Any], given: list[tuple[Any, ...]]) -> list[Any]:
    """Run the formula of an optimizer with one slot on each piece, and copy its results into the arrays."""

    def step(scratch: Any, W: Any, dW: Any, v: Any, *numbers: Any) -> None:  # noqa: ARG001
        for array, new in zip((W, v), formula(W, dW, v, *numbers), strict=True):
            np.copyto(array, new)

    return each(step, 1, formula, given)


for rarer in (Nesterov, AdaGrad, RMSprop, Lion):
    step_body("numpy", rarer)(by_pieces)
