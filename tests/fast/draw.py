"""A source of random arguments: sizes, options, wrong labels, any order in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LAYOUTS = ("C", "F", "strided", "reversed")


class Draw:
    """A source of random arguments, with floating arrays of one dtype, made by ``asarray``."""

    def __init__(self, seed: int, dtype: str, asarray: Callable[[Any], Any]) -> None:
        self.rng = np.random.default_rng([seed, len(dtype)])
        self.dtype = dtype
        self.asarray = asarray

    def size(self, low: int = 1, high: int = 6) -> int:
        return int(self.rng.integers(low, high + 1))

    def one_of(self, *values: Any) -> Any:
        return values[self.size(0, len(values) - 1)]

    def chance(self, share: float = 0.5) -> bool:
        return bool(self.rng.random() < share)

    def number(self, low: float = 0.01, high: float = 0.9) -> float:
        return float(self.rng.uniform(low, high))

    def array(self, *shape: int, scale: float = 1.0) -> Any:
        return self.laid_out((scale * self.rng.standard_normal(shape)).astype(self.dtype))

    def integers(self, low: int, high: int, *shape: int) -> Any:
        dtype = self.one_of("int8", "int32", "int64", "uint16") if low >= 0 else self.one_of("int32", "int64")
        return self.laid_out(self.rng.integers(low, high, shape).astype(dtype))

    def bools(self, *shape: int, share: float = 0.6) -> Any:
        return self.laid_out(self.rng.random(shape) < share)

    def laid_out(self, values: Any) -> Any:
        """The array in C order, in Fortran's, as every second element of a larger one, or turned around."""
        layout = self.one_of("C", *LAYOUTS)
        if layout == "strided" and values.ndim:
            sparse = self.asarray(np.repeat(values, 2, axis=-1))
            return sparse[..., ::2]
        if layout == "reversed" and values.ndim:
            return self.asarray(np.ascontiguousarray(values[..., ::-1]))[..., ::-1]
        made = self.asarray(np.ascontiguousarray(values) if values.ndim else values)
        if layout == "F" and values.ndim > 1:
            axes = tuple(reversed(range(values.ndim)))
            return self.asarray(np.ascontiguousarray(values.transpose(axes))).transpose(axes)
        return made

    def batch_last(self, values: Any) -> Any:
        """The array with its first axis last in memory, as the bodies of NumPy leave images."""
        made = self.asarray(np.ascontiguousarray(np.moveaxis(values, 0, -1)))
        return made.transpose(made.ndim - 1, *range(made.ndim - 1))

    def shape(self, low: int = 1) -> tuple[int, ...]:
        """A shape of some axes, now and then without elements."""
        return tuple(0 if self.chance(0.05) else self.size() for _ in range(self.size(low, 4)))

    def rows(self) -> tuple[int, ...]:
        """A shape whose last axis is short, or long enough for many threads."""
        return (*(self.size() for _ in range(self.size(1, 2))), self.one_of(1, 5, 33, 70))

    def channels(self, groups: int = 1) -> tuple[int, ...]:
        """A shape of images, or of rows, with a number of channels that the groups divide."""
        return (self.size(2, 6), groups * self.one_of(1, 3, 9), *(self.size(1, 4) for _ in range(self.size(0, 2))))
