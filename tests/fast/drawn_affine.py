"""Random affine maps."""

from __future__ import annotations

from draw import Draw
from row_table import Drawn, row

from xpnet.layers import Affine, Gelu, Linear, MatMul, Relu


@row(Affine)
def affine(draw: Draw) -> Drawn:
    rows, M = (draw.one_of(0, 1, 6, 300), *draw.one_of((4,), (3, 2), (1,))), draw.one_of(1, 8, 19)
    D = 6 if len(rows) == 3 else rows[1]
    return [Affine(draw.array(D, M), draw.array(M))], (draw.array(*rows),)


@row(Affine, Relu)
def affine_then_relu(draw: Draw) -> Drawn:
    layers, inputs = affine(draw)
    return [*layers, Relu()], inputs


@row(Linear)
def linear(draw: Draw) -> Drawn:
    *leading, D = draw.one_of((0, 4), (1, 4), (6, 4), (300, 4), (2, 3, 4), (2, 0, 3, 4), (4,), (0, 5, 1))
    M = draw.one_of(1, 8, 19)
    return [Linear(draw.array(D, M), draw.array(M))], (draw.array(*leading, D),)


@row(Linear, Gelu)
def linear_then_gelu(draw: Draw) -> Drawn:
    layers, inputs = linear(draw)
    return [*layers, Gelu(draw.one_of("none", "tanh"))], inputs


@row(MatMul)
def matmul(draw: Draw) -> Drawn:
    (layer,), inputs = linear(draw)
    return [MatMul(layer.W)], inputs
