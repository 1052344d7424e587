"""CUDA bodies of the optimizers: one launch, in place. The arrays may be one parameter, or many laid end to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupy

from xpnet import kernels
from xpnet.backend import is_array
from xpnet.kernels.cupy.launch import REALS, launch_each, live
from xpnet.kernels.dispatch import Kernel
from xpnet.kernels.recording import now
from xpnet.kernels.standard.optimizer import adam_scales

Numbers = Callable[..., tuple[float, ...]]


def _as_given(*given: float) -> tuple[float, ...]:
    return given


def in_place(kernel: Kernel[..., Any], slots: int, name: str = "", numbers: Numbers = _as_given) -> None:
    """Make a CUDA kernel the body of a step: it writes into W and its slots, and takes the numbers of the options.

    The reference runs where the arrays differ in shape or dtype, where W and its slots do not lie in order, and where
    an option is an array.
    """

    def step(W: Any, dW: Any, *rest: Any) -> Any:
        own, given = (W, *rest[:slots]), rest[slots:]
        alike = all(a.dtype == W.dtype and a.shape == W.shape for a in (dW, *own))
        ordered = all(a.flags.c_contiguous for a in own)
        if not (alike and ordered and W.dtype.name in REALS) or any(map(is_array, given)):
            return kernel.reference(W, dW, *rest)
        arrays = (W, cupy.ascontiguousarray(dW), *own[1:])
        doubles = (*map(float, numbers(*map(now, given))), live(numbers, *given))
        launch_each("optimizer", name or kernel.__name__, W.dtype, W.size, *arrays, *doubles, W.size)
        return own if slots else W

    kernel.on("cupy")(step)


def _of_adam(rate: float, beta1: float, beta2: float, eps: float, decay: float, t: int) -> tuple[float, ...]:
    return (*adam_scales(rate, beta1, beta2, eps, t), beta1, beta2, decay, 1.0)


def _of_adamw(rate: float, beta1: float, beta2: float, eps: float, decay: float, t: int) -> tuple[float, ...]:
    return (*adam_scales(rate, beta1, beta2, eps, t), beta1, beta2, 0.0, 1.0 - rate * decay)


def _of_lion(rate: float, beta1: float, beta2: float, decay: float) -> tuple[float, ...]:
    return rate, beta1, beta2, 1.0 - rate * decay


in_place(kernels.sgd, 0)
in_place(kernels.momentum, 1)
in_place(kernels.nesterov, 1)
in_place(kernels.adagrad, 1)
in_place(kernels.rmsprop, 1)
in_place(kernels.adam, 2, "adam", _of_adam)
in_place(kernels.adamw, 2, "adam", _of_adamw)
in_place(kernels.lion, 1, "lion", _of_lion)
