"""Affine maps, alone and with what follows them, and blocks of a Transformer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row


def affine(rows: int, inputs: int, outputs: int) -> Row:
    def ours(layers: Any) -> Any:
        return layers.Affine.create(inputs, outputs)

    return row(f"affine → {outputs}", (rows, inputs), ours, lambda nn: nn.Linear(inputs, outputs))


def affine_relu(rows: int, inputs: int, outputs: int) -> Row:
    def ours(layers: Any) -> Any:
        return [layers.Affine.create(inputs, outputs), layers.Relu()]

    def theirs(nn: Any) -> Any:
        return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())

    return row(f"affine → {outputs}, ReLU", (rows, inputs), ours, theirs)


def affine_normalized(rows: int, inputs: int, outputs: int) -> Row:
    def ours(layers: Any) -> Any:
        norm = layers.BatchNormalization.create(outputs)
        return [layers.Affine.create(inputs, outputs), norm, layers.Relu(), layers.Dropout(0.5)]

    def theirs(nn: Any) -> Any:
        return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.5))

    return row(f"affine → {outputs}, batch normalization, ReLU, dropout", (rows, inputs), ours, theirs)


def linear(shape: tuple[int, ...], outputs: int, kind: str = "Linear") -> Row:
    def ours(layers: Any) -> Any:
        return getattr(layers, kind).create(shape[-1], outputs)

    def theirs(nn: Any) -> Any:
        return nn.Linear(shape[-1], outputs, bias=kind == "Linear")

    return row(f"{'linear' if kind == 'Linear' else 'product'} → {outputs}", shape, ours, theirs)


def block(shape: tuple[int, int, int], heads: int) -> Row:
    D = shape[2]

    def ours(layers: Any) -> Any:
        return layers.TransformerBlock.create(D, heads)

    def theirs(nn: Any) -> Any:
        how = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        return nn.TransformerEncoderLayer(D, heads, 4 * D, **how)

    return row(f"Transformer block, {heads} heads", shape, ours, theirs)


def rows() -> Iterator[Row]:
    """Yield the maps of MLPs and of Transformers."""
    yield affine(100, 784, 50)
    yield affine(128, 784, 512)
    yield affine(512, 2048, 2048)
    yield affine_relu(128, 784, 512)
    yield affine_normalized(128, 784, 512)
    yield linear((16, 64, 128), 512)
    yield linear((16, 64, 512), 128)
    yield linear((16, 64, 128), 96, "MatMul")
    yield block((16, 64, 128), 4)
