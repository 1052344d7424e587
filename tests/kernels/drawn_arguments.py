"""Random arguments of the kernels that have CUDA bodies: sizes, options, wrong labels, any order in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.random import Generator


class Draw:
    """A source of random arguments, with floating arrays of one dtype."""

    def __init__(self, seed: int, dtype: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype

    def size(self, low: int = 1, high: int = 6) -> int:
        return int(self.rng.integers(low, high + 1))

    def one_of(self, *values: Any) -> Any:
        return values[self.size(0, len(values) - 1)]

    def share(self) -> float:
        return float(self.rng.uniform(0.01, 0.9))

    def array(self, *shape: int) -> Any:
        return self.laid_out(self.rng.standard_normal(shape).astype(self.dtype))

    def integers(self, low: int, high: int, *shape: int) -> Any:
        return self.laid_out(
            self.rng.integers(low, high, shape).astype(self.one_of("int8", "int32", "int64", "uint16"))
        )

    def laid_out(self, array: Any) -> Any:
        """The array in C order, in Fortran's, or as every second element of a larger one."""
        order = self.size(0, 3)
        if order == 0 and array.ndim:
            sparse = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
            sparse[..., ::2] = array
            return sparse[..., ::2]
        return array.copy(order="F") if order == 1 else array

    def shape(self) -> tuple[int, ...]:
        return tuple(0 if self.size(1, 20) == 1 else self.size() for _ in range(self.size(0, 4)))

    def rows(self) -> tuple[int, ...]:
        """A shape whose last axis is short, or long enough for many threads."""
        return (*(self.size() for _ in range(self.size(0, 2))), self.one_of(1, 5, 33, 70))


CASES: dict[str, Callable[[Draw], tuple[Any, ...]]] = {}


def arguments(*names: str) -> Callable[[Any], Any]:
    """Register the decorated function as the one that draws arguments for these kernels."""

    def register(function: Any) -> Any:
        CASES.update(dict.fromkeys(names, function))
        return function

    return register


@arguments("erf")
def erf(draw: Draw) -> tuple[Any, ...]:
    return (draw.array(*draw.shape()),)


@arguments("scatter_add")
def scatter_add(draw: Draw) -> tuple[Any, ...]:
    n, V = draw.one_of(0, 1, 7, 300), draw.size()
    return draw.array(n, draw.one_of(1, 3, 260)), draw.integers(-1, V + 1, n), V


@arguments("dropout_mask")
def dropout_mask(draw: Draw) -> tuple[Any, ...]:
    seed = draw.one_of(3, 2**63 + 1)
    return draw.array(*draw.shape()), Generator(seed), "Dropout1", draw.size(), draw.share()


@arguments("put_rows")
def put_rows(draw: Draw) -> tuple[Any, ...]:
    V, D = draw.size(), draw.one_of(1, 3, 70)
    known = np.sort(draw.rng.choice(V, draw.size(1, V), replace=False))
    rows = np.concatenate([known, np.full(draw.size(0, 2), V)]).astype(draw.one_of("int32", "int64"))
    W = draw.rng.standard_normal((V, D)).astype(draw.dtype)  # in C order, in which it is written to
    return W, draw.laid_out(rows), draw.array(len(rows), D)
