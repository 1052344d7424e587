"""NumPy bodies of the optimizers: in place, piece by piece, with one scratch array of a piece.

Whoever holds W sees the training. The pieces keep arrays that are larger than a processor's cache in it for all the
passes of a step, which gains a quarter there; smaller pieces would pay more for calls than they gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xpnet.kernels.dispatch import Body, Kernel
from xpnet.kernels.standard import optimizer as standard

PIECE = 1 << 18  # values


def in_place(kernel: Kernel[..., Any], slots: int) -> Callable[[Body], Body]:
    """Make a step that writes into W and its slots the NumPy body of a kernel.

    ``step(scratch, W, dW, *slots, *options)`` sees pieces of the arrays. Arrays that cannot be written to, or that
    differ in dtype, get the reference.
    """

    def register(step: Body) -> Body:
        def body(W: Any, dW: Any, *rest: Any) -> Any:
            own, dtype = (W, *rest[:slots]), dW.dtype
            if dtype.char == "e" and all(array.flags.writeable for array in own):
                results = kernel.reference(W, dW, *rest)
                for array, new in zip(own, results if slots else (results,), strict=True):
                    np.copyto(array, new)
                return own if slots else W
            for array in own:
                if (array.dtype is not dtype and array.dtype != dtype) or not array.flags.writeable:
                    return kernel.reference(W, dW, *rest)
            if W.size <= PIECE:  # empty costs a quarter of empty_like
                step(np.empty(W.shape, dtype) if W.flags.c_contiguous else np.empty_like(W), W, dW, *rest)
            else:
                for piece in pieces(W, dW, *rest[:slots]):
                    step(np.empty_like(piece[0]), *piece, *rest[slots:])
            return own if slots else W

        return kernel.on("numpy")(body)

    return register


def pieces(W: Any, dW: Any, *slots: Any) -> Iterator[tuple[Any, ...]]:
    """Views of at most ``PIECE`` values, where the memory of the arrays is in order; else the whole."""
    arrays = (W, np.ascontiguousarray(dW) if W.flags.c_contiguous else dW, *slots)
    if not all(array.flags.c_contiguous for array in arrays):
        yield arrays
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, W.size, PIECE):
        yield tuple([array[start : start + PIECE] for array in flat])


def add_decay(scratch: Any, W: Any, dW: Any, weight_decay: float) -> Any:
    """The gradient with that of the weight decay, in the scratch array where there is any."""
    if not weight_decay:
        return dW
    np.multiply(W, weight_decay, scratch)
    return np.add(scratch, dW, scratch)


@in_place(standard.sgd, 0)
def sgd(scratch: Any, W: Any, dW: Any, rate: float, weight_decay: float) -> None:
    if weight_decay:
        dW = add_decay(scratch, W, dW, weight_decay)
    np.multiply(dW, rate, scratch)
    np.subtract(W, scratch, W)


@in_place(standard.momentum, 1)
def momentum(scratch: Any, W: Any, dW: Any, v: Any, rate: float, momentum: float, weight_decay: float) -> None:
    np.multiply(v, momentum, v)
    np.add(v, add_decay(scratch, W, dW, weight_decay), v)
    np.multiply(v, rate, scratch)
    np.subtract(W, scratch, W)


def adam_change(scratch: Any, dW: Any, m: Any, v: Any, options: tuple[Any, ...]) -> Any:
    """Move m and v by one step, and return what W is to lose, in the scratch array; dW may be that array too."""
    rate, beta1, beta2, eps, _, t = options
    scale, shift = standard.adam_scales(rate, beta1, beta2, eps, t)
    np.multiply(m, beta1, m)
    np.add(m, dW, m)
    np.multiply(v, beta2, v)
    np.multiply(dW, dW, scratch)
    np.add(v, scratch, v)
    np.sqrt(v, scratch)
    np.add(scratch, shift, scratch)
    np.divide(m, scratch, scratch)
    return np.multiply(scratch, scale, scratch)


@in_place(standard.adam, 2)
def adam(scratch: Any, W: Any, dW: Any, m: Any, v: Any, *options: Any) -> None:
    dW = add_decay(scratch, W, dW, options[4])
    np.subtract(W, adam_change(scratch, dW, m, v, options), W)


@in_place(standard.adamw, 2)
def adamw(scratch: Any, W: Any, dW: Any, m: Any, v: Any, *options: Any) -> None:
    change = adam_change(scratch, dW, m, v, options)
    rate, weight_decay = options[0], options[4]
    np.multiply(W, 1.0 - rate * weight_decay, W)
    np.subtract(W, change, W)


def by_reference(kernel: Kernel[..., Any], slots: int) -> None:
    """A body that computes each piece by the reference."""

    def step(scratch: Any, *arguments: Any) -> None:  # noqa: ARG001
        W, _, *rest = arguments
        for array, new in zip((W, *rest[:slots]), kernel.reference(*arguments), strict=True):
            np.copyto(array, new)

    in_place(kernel, slots)(step)


for rarer in (standard.nesterov, standard.adagrad, standard.rmsprop, standard.lion):
    by_reference(rarer, 1)


@standard.sum_of_squares.on("numpy")
def sum_of_squares(x: Any) -> Any:
    flat = x.reshape(-1)
    return np.dot(flat, flat)
