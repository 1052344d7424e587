"""CUDA bodies of the optimizers: one launch for all parameters, in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import cupy
import numpy as np

from xpnet.fast.cupy.launch import REALS, WIDE, launch_blocks, on_their_device
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, RMSprop
from xpnet.optimizers.steps import step_body

MOST, KINDS, CHUNK = 80, 8, 1024  # parameters and sets of numbers per launch, elements per block
MANY = np.dtype(
    [
        ("arrays", np.uint64, (4, MOST)),
        ("sizes", np.int64, MOST),
        ("numbers", np.float64, (KINDS, 6)),
        ("live", np.uint64, KINDS),
        ("lives", np.int64),
        ("ends", np.uint32, MOST),
        ("kinds", np.uint8, MOST),
    ]
)


class Launch:
    """Parameters of one dtype on their way into a launch, while there is room."""

    def __init__(self, name: str, dtype: str, live: int) -> None:
        self.name, self.dtype, self.live = name, dtype, live
        self.arrays: list[list[Any]] = []
        self.numbers: dict[Any, tuple[int, tuple[Any, ...]]] = {}
        self.kinds: list[int] = []

    def takes(self, numbers: tuple[Any, ...]) -> bool:
        return len(self.arrays) < MOST and (key_of(numbers) in self.numbers or len(self.numbers) < KINDS)

    def add(self, arrays: list[Any], numbers: tuple[Any, ...]) -> None:
        self.arrays.append(arrays)
        kind, _ = self.numbers.setdefault(key_of(numbers), (len(self.numbers), numbers))
        self.kinds.append(kind)

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
        many["lives"] = self.live
        for kind, numbers in self.numbers.values():
            first = numbers[0]
            if is_device_array(first):
                many["live"][kind] = first.data.ptr
            many["numbers"][kind, : len(numbers)] = [0.0 if is_device_array(number) else number for number in numbers]
        launch_blocks("optimizer", self.name, self.dtype, blocks, many)


def key_of(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return numbers as a key of a dict, with arrays replaced by their addresses."""
    return tuple([number.data.ptr if is_device_array(number) else number for number in numbers])


def as_in_a_capture(arrays: tuple[Any, ...], live: tuple[Any, ...], dtype: str) -> bool:
    """Return whether the arrays are the live numbers, of that dtype and adjacent in memory, as a capture makes them."""
    if len(arrays) != len(live) or arrays[0] is not live[0]:
        return False
    start = arrays[0].data.ptr
    places = [start + i * arrays[0].itemsize for i in range(len(arrays))]
    return [array.data.ptr for array in arrays] == places and all(array.dtype.name == dtype for array in arrays)


def in_place(name: str, slots: int, live: int, _: Callable[..., Any], given: list[tuple[Any, ...]]) -> list[Any]:
    """Run a CUDA kernel that writes into W and its slots, and return these.

    The formula runs where the arrays differ in shape or dtype, and where W and its slots are not contiguous.
    """
    found: list[Any] = []
    launches: dict[tuple[str, int], Launch] = {}
    for W, dW, *rest in given:
        own, numbers = (W, *rest[:slots]), tuple(rest[slots:])
        ordered = are_in_order(W, dW, own[1:])
        arrays = tuple(filter(is_device_array, numbers))
        if not ordered or (arrays and not as_in_a_capture(arrays, numbers[:live], WIDE[W.dtype.name])):
            found.append(NotImplemented)
            continue
        place = W.dtype.name, W.data.device_id
        if place in launches and not launches[place].takes(numbers):
            launches.pop(place).run()
        launch = launches.setdefault(place, Launch(name, W.dtype.name, live))
        launch.add([W, cupy.ascontiguousarray(dW), *own[1:]], numbers)
        found.append(own if slots else W)
    for launch in launches.values():
        launch.run()
    return found


def are_in_order(W: Any, dW: Any, slots: tuple[Any, ...]) -> bool:
    """Return whether the arrays are as the kernels take them: slots are kept in float32 where W is float16."""
    dtype, arrays = W.dtype.name, (W, dW, *slots)
    if dtype not in REALS or any(type(array) is not cupy.ndarray or array.shape != W.shape for array in arrays):
        return False
    alike = dW.dtype == W.dtype and all(slot.dtype.name == WIDE[dtype] for slot in slots)
    return alike and all(array.flags.c_contiguous for array in (W, *slots))


def is_device_array(number: Any) -> bool:
    return type(number) is cupy.ndarray


for optimizer in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion):
    kernel = partial(in_place, optimizer.__name__.lower(), len(optimizer.slots), optimizer.live)
    step_body("cupy", optimizer)(kernel)
