"""The floor: the matrix products that a step cannot do without, and nothing else, in NumPy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

Product: TypeAlias = "tuple[Any, Any, Any]"


class Products:
    def __init__(self, job: Any) -> None:
        shapes = {name: value.shape for name, value in job.weights().items()}
        self.products = list(KINDS[job.workload["kind"]](shapes, job))
        self.batches = [(None, None)]

    def step(self, *_: None) -> None:
        for a, b, y in self.products:
            np.matmul(a, b, out=y)

    def drop(self, ratio: float) -> None:
        """Do nothing: a dropout changes no product."""

    def wait(self) -> None:
        pass


def product(
    rows: int, inner: int, columns: int, left: str = "", right: str = "", batch: tuple[int, ...] = ()
) -> Product:
    """Return operands and room for ``(rows, inner) @ (inner, columns)``; an operand may be a transposed view."""
    rng = np.random.default_rng(0)

    def operand(height: int, width: int, transposed: str) -> Any:
        shape = (*batch, width, height) if transposed else (*batch, height, width)
        values = rng.random(shape, np.float32)
        return values.swapaxes(-1, -2) if transposed else values

    return operand(rows, inner, left), operand(inner, columns, right), np.empty((*batch, rows, columns), np.float32)


def affine(N: int, inputs: int, outputs: int, needs_dx: bool = True) -> Iterator[Product]:
    """Yield ``x W``, ``xᵀ dout`` and, but for the first layer, ``dout Wᵀ``."""
    yield product(N, inputs, outputs)
    yield product(inputs, N, outputs, left="T")
    if needs_dx:
        yield product(N, outputs, inputs, right="T")


def mlp(shapes: dict[str, tuple[int, ...]], job: Any) -> Iterator[Product]:
    matrices = [shape for shape in shapes.values() if len(shape) == 2]
    for index, (inputs, outputs) in enumerate(matrices):
        yield from affine(job.workload["batch"], inputs, outputs, needs_dx=index > 0)


def convnet(shapes: dict[str, tuple[int, ...]], job: Any) -> Iterator[Product]:
    N = job.workload["batch"]
    (filters, _, height, width), *others = (shape for shape in shapes.values() if len(shape) > 1)
    side = job.x.shape[-1] - height + 1
    patch, outputs = height * width, N * side * side
    # The four outputs of a pooling window come from one larger patch: more products, but of a better shape.
    larger, windows = (height + 1) * (width + 1), outputs // 4
    yield fastest(
        product(outputs, patch, filters), product(filters, patch, outputs), product(4 * filters, larger, windows)
    )
    yield fastest(
        product(patch, outputs, filters, left="T"),
        product(filters, outputs, patch, right="T"),
        product(4 * filters, windows, larger, right="T"),
    )
    for inputs, units in others:
        yield from affine(N, inputs, units)


def fastest(*candidates: Product) -> Product:
    """Return the layout that takes least here."""
    return min(candidates, key=seconds)


def seconds(candidate: Product) -> float:
    a, b, y = candidate
    times = []
    for _ in range(5):
        start = time.perf_counter()
        np.matmul(a, b, out=y)
        times.append(time.perf_counter() - start)
    return min(times)


def transformer(_: object, job: Any) -> Iterator[Product]:
    vocabulary, context, width = job.workload["sizes"]
    N, heads = job.workload["batch"], job.workload["heads"]
    for _layer in range(job.workload["layers"]):
        yield from mixed(N, context, width, heads)
        yield from affine(N * context, width, 4 * width)
        yield from affine(N * context, 4 * width, width)
    yield from affine(N * context, width, vocabulary)


def mixed(N: int, context: int, width: int, heads: int, needs_dx: bool = True) -> Iterator[Product]:
    depth = width // heads
    yield from affine(N * context, width, 3 * width, needs_dx)
    for _product in range(3):  # scores, and the derivatives of attention and of values
        yield product(context, depth, context, batch=(N, heads))
    for _product in range(3):  # mixed values, and the derivatives of queries and keys
        yield product(context, context, depth, batch=(N, heads))
    yield from affine(N * context, width, width)


def attention(_: object, job: Any) -> Iterator[Product]:
    context, width = job.workload["sizes"]
    yield from mixed(job.workload["batch"], context, width, job.workload["heads"], needs_dx=False)


def lstm(_: object, job: Any) -> Iterator[Product]:
    vocabulary, steps, width, units = job.workload["sizes"]
    N = job.workload["batch"]
    yield from affine(N * steps, width, 4 * units)
    step = product(N, units, 4 * units), product(N, 4 * units, units, right="T")
    yield from step * steps
    yield product(units, N * steps, 4 * units, left="T")
    yield from affine(N * steps, units, vocabulary)


KINDS = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "lstm": lstm,
    "attention": attention,
    "normalized": mlp,
}
