"""CUDA bodies of the optimizers: one launch for all parameters, in place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import cupy
import numpy as np

from xpnet import kernels
from xpnet.backend import is_array
from xpnet.fast.cupy.launch import REALS, launch_blocks, live, on_their_device
from xpnet.kernels.dispatch import Kernel
from xpnet.kernels.recording import now
from xpnet.kernels.standard.optimizer import adam_scales

Numbers = Callable[..., tuple[float, ...]]

MOST, KINDS, CHUNK = 80, 8, 1024  # parameters and sets of options of a launch, elements of a block
MANY = np.dtype(
    [
        ("arrays", np.uint64, (4, MOST)),
        ("sizes", np.int64, MOST),
        ("numbers", np.float64, (KINDS, 6)),
        ("live", np.uint64, KINDS),
        ("ends", np.uint32, MOST),
        ("kinds", np.uint8, MOST),
    ]
)


def _as_given(*given: float) -> tuple[float, ...]:
    return given


class Launch:
    """Parameters of one dtype on their way into a launch, while there is room."""

    def __init__(self, name: str, dtype: str, numbers: Numbers) -> None:
        self.name, self.dtype, self.numbers = name, dtype, numbers
        self.arrays: list[list[Any]] = []
        self.options: dict[tuple[Any, ...], int] = {}
        self.kinds: list[int] = []

    def takes(self, given: tuple[Any, ...]) -> bool:
        return len(self.arrays) < MOST and (given in self.options or len(self.options) < KINDS)

    def add(self, arrays: list[Any], given: tuple[Any, ...]) -> None:
        self.arrays.append(arrays)
        self.kinds.append(self.options.setdefault(given, len(self.options)))

    def run(self) -> None:
        on_their_device(self._run, self.name)(*self.arrays)

    def _run(self, *_: Any) -> None:
        many, count = np.zeros((), MANY), len(self.arrays)
        for slot, column in enumerate(zip(*self.arrays, strict=True)):
            many["arrays"][slot, :count] = [array.data.ptr for array in column]
        sizes = [arrays[0].size for arrays in self.arrays]
        ends = list(accumulate(-(-size // CHUNK) for size in sizes))
        blocks = ends[-1]
        many["sizes"][:count], many["kinds"][:count] = sizes, self.kinds
        many["ends"][:count], many["ends"][count:] = ends, blocks
        for options, kind in self.options.items():
            values = self.numbers(*map(now, options))
            many["numbers"][kind, : len(values)] = values
            memory = live(self.numbers, *options)
            many["live"][kind] = memory.data.ptr if is_array(memory) else memory
        launch_blocks("optimizer", self.name, self.dtype, blocks, many)


def in_place(kernel: Kernel[..., Any], slots: int, name: str = "", numbers: Numbers = _as_given) -> None:
    """Make a CUDA kernel the body of a step: it writes into W and its slots, and takes the numbers of the options.

    The reference runs where the arrays differ in shape or dtype, where W and its slots do not lie in order, and where
    an option is an array.
    """

    def step(*given: Any) -> Any:
        return many([given])[0]

    def many(all_given: list[tuple[Any, ...]]) -> list[Any]:
        found, launches = [], dict[tuple[str, int], Launch]()
        for W, dW, *rest in all_given:
            own, options = (W, *rest[:slots]), tuple(rest[slots:])
            alike = all(type(a) is cupy.ndarray and a.dtype == W.dtype and a.shape == W.shape for a in (dW, *own))
            ordered = alike and all(a.flags.c_contiguous for a in own)
            if not ordered or W.dtype.name not in REALS or any(map(is_array, options)):
                found.append(kernel.reference(W, dW, *rest))
                continue
            place = W.dtype.name, W.data.device_id
            if place in launches and not launches[place].takes(options):
                launches.pop(place).run()
            launch = launches.setdefault(place, Launch(name or kernel.__name__, W.dtype.name, numbers))
            launch.add([W, cupy.ascontiguousarray(dW), *own[1:]], options)
            found.append(own if slots else W)
        for launch in launches.values():
            launch.run()
        return found

    vars(step)["many"] = many
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
