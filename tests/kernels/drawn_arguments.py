"""Random arguments of the kernels that have CUDA bodies: sizes, options, wrong labels, any order in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet import kernels
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


@arguments("relu", "sigmoid", "softplus", "silu", "gelu", "gelu_tanh", "erf")
def one(draw: Draw) -> tuple[Any, ...]:
    return (draw.array(*draw.shape()),)


@arguments("relu_backward", "sigmoid_cross_entropy")
def two(draw: Draw) -> tuple[Any, ...]:
    shape = draw.shape()
    return draw.array(*shape), draw.array(*shape)


@arguments("silu_backward", "gelu_backward", "gelu_tanh_backward")
def three(draw: Draw) -> tuple[Any, ...]:
    shape = draw.shape()
    return draw.array(*shape), draw.array(*shape), draw.array(*shape)


@arguments("leaky_relu", "elu")
def one_and_a_number(draw: Draw) -> tuple[Any, ...]:
    return *one(draw), draw.share()


@arguments("leaky_relu_backward", "elu_backward", "huber")
def two_and_a_number(draw: Draw) -> tuple[Any, ...]:
    return *two(draw), draw.share()


@arguments("softmax", "log_softmax")
def scores(draw: Draw) -> tuple[Any, ...]:
    return (draw.array(*draw.rows()),)


@arguments("softmax_backward", "log_softmax_backward")
def scores_backward(draw: Draw) -> tuple[Any, ...]:
    shape = draw.rows()
    return draw.array(*shape), draw.array(*shape)


@arguments("softmax_cross_entropy")
def scores_and_labels(draw: Draw) -> tuple[Any, ...]:
    *rows, classes = draw.rows()
    return draw.array(*rows, classes), draw.integers(-1, classes + 1, *rows)


@arguments("softmax_cross_entropy_backward")
def shares_and_labels(draw: Draw) -> tuple[Any, ...]:
    y, t = scores_and_labels(draw)
    return y, t, draw.one_of(draw.share(), draw.array(1).reshape(()), draw.array(*t.shape, 1))


@arguments("affine", "affine_relu")
def affine(draw: Draw) -> tuple[Any, ...]:
    shape, M = (draw.size(), *draw.rows()), draw.size()
    return draw.array(*shape), draw.array(shape[-1], M), draw.array(M)


@arguments("affine_relu_backward")
def affine_relu_backward(draw: Draw) -> tuple[Any, ...]:
    N, D, M = draw.one_of(0, 1, 6, 300), draw.size(), draw.one_of(1, 8, 19)
    return draw.array(N, M), draw.array(N, D), draw.array(D, M), draw.array(N, M), draw.one_of(False, True)


@arguments("affine_gelu")
def affine_gelu(draw: Draw) -> tuple[Any, ...]:
    N, D, M = draw.one_of(0, 1, 6), draw.size(), draw.one_of(1, 8, 19)
    return draw.array(N, D), draw.array(D, M), draw.array(M), draw.one_of(False, True)


@arguments("affine_gelu_backward")
def affine_gelu_backward(draw: Draw) -> tuple[Any, ...]:
    x, W, b, by_tanh = affine_gelu(draw)
    _, z, s = kernels.affine_gelu.reference(x, W, b, by_tanh)
    z, s = draw.one_of((z, s), ((x @ W).astype(x.dtype), None))
    return draw.array(*z.shape), x, W, b, z, s, by_tanh, draw.one_of(False, True)


@arguments("sum_rows")
def sum_rows(draw: Draw) -> tuple[Any, ...]:
    return (draw.array(draw.one_of(0, 1, 6, 300), draw.one_of(1, 8, 19)),)


@arguments("scatter_add")
def scatter_add(draw: Draw) -> tuple[Any, ...]:
    n, V = draw.one_of(0, 1, 7, 300), draw.size()
    return draw.array(n, draw.one_of(1, 3, 260)), draw.integers(-1, V + 1, n), V


@arguments("dropout_mask")
def dropout_mask(draw: Draw) -> tuple[Any, ...]:
    seed = draw.one_of(3, 2**63 + 1)
    return draw.array(*draw.shape()), Generator(seed), "Dropout1", draw.size(), draw.share()
