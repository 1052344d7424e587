"""The fewest bytes that a training step can move outside of its matrix products: each input once, each output once.

Between two products everything might be one launch, which reads what comes from before it once and writes what is used
after it once; whatever it needs in between stays in registers. What the backward needs of the forward is there already,
or is computed again from what is. A product may read images as they lie, and write where the next one looks. Of causal
attention the half of the scores that counts is read. Parameters of an optimizer and what it keeps are read and written.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod

from benchmarks.race.weights import shapes
from benchmarks.race.workloads import CONVNET, FILTERS, HIDDEN, KERNEL, SIDE, TRANSFORMER, Workload

FLOAT, LABEL, BYTE = 4, 8, 1
SLOTS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
CLASSES = 10


def fewest(workload: Workload) -> int:
    """Return the bytes of a step."""
    return sum(size for _, size in parts(workload))


def parts(workload: Workload) -> Iterator[tuple[str, int]]:
    """Yield the parts of the step, and the bytes that each moves."""
    if workload.kind == TRANSFORMER:
        yield from transformer(workload)
    elif workload.kind == CONVNET:
        yield from convolution(workload.batch)
        pools = FILTERS * ((SIDE - KERNEL + 1) // 2) ** 2
        yield from perceptron(workload.batch, (pools, HIDDEN, CLASSES))
    else:
        yield from perceptron(workload.batch, workload.sizes)
    slots = SLOTS[workload.optimizer]
    parameters = sum(prod(shape) for _, shape in shapes(workload))
    yield "optimizer: W, dW and slots in, W and slots out", FLOAT * parameters * (2 + slots + 1 + slots)


def perceptron(N: int, widths: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    for _, M in list(pairwise(widths))[:-1]:
        yield f"bias and ReLU of {M}: product and b in, y out", FLOAT * (2 * N * M + M)
        yield f"derivative of ReLU of {M}: dy and y in, dz and db out", FLOAT * (3 * N * M + M)
    yield from loss(N, widths[-1], bias=True)


def loss(N: int, K: int, bias: bool) -> Iterator[tuple[str, int]]:
    both = 2 * K if bias else 0
    yield "loss: scores, b and labels in, dscores, db and L out", FLOAT * (2 * N * K + both + 1) + LABEL * N


def convolution(N: int) -> Iterator[tuple[str, int]]:
    places = N * FILTERS * (SIDE - KERNEL + 1) ** 2
    pools = places // 4
    forward, backward = places + pools + FILTERS, 2 * pools + places + FILTERS
    yield "bias, ReLU and pooling: product and b in, y and who won out", FLOAT * forward + BYTE * pools
    yield "their derivative: dy, y and who won in, dproduct and db out", FLOAT * backward + BYTE * pools


def transformer(workload: Workload) -> Iterator[tuple[str, int]]:
    V, L, D = workload.sizes
    N, heads, layers = workload.batch, workload.heads, workload.layers
    x, p, hidden = N * L * D, N * heads * L * L, 4 * N * L * D
    seen = N * heads * L * (L + 1) // 2  # scores that count
    yield "embedding and its norm: tables and indices in, x and h out", FLOAT * (V * D + L * D + 2 * x) + LABEL * N * L
    for _ in range(layers):
        yield "bias of q, k, v: products in, q, k, v out", FLOAT * (6 * x + 3 * D)
        yield "softmax: scores in, shares out", FLOAT * (seen + p)
        yield "bias, sum and norm: product and x in, x and h out", FLOAT * (4 * x + 3 * D)
        yield "bias and GELU: product in, y out", FLOAT * (2 * hidden + 4 * D)
        yield "bias, sum and next norm: product and x in, x and h out", FLOAT * (4 * x + 3 * D)
        yield "derivative of GELU: dy and product in, dz and db out", FLOAT * (3 * hidden + 8 * D)
        yield "derivative of norm: dh, x and dx in, dx out", FLOAT * (4 * x + 5 * D)
        yield "derivative of softmax: dshares and shares in, dscores out", FLOAT * (2 * seen + p)
        yield "sums of dq, dk, dv", FLOAT * (3 * x + 3 * D)
        yield "derivative of norm: dh, x and dx in, dx out", FLOAT * (4 * x + 5 * D)
    yield "derivative of the last norm: dh and x in, dx out", FLOAT * (3 * x + 4 * D)
    yield from loss(N * L, V, bias=False)
    yield "derivative of the tables: dx and indices in, tables out", FLOAT * (x + V * D + L * D) + LABEL * N * L
