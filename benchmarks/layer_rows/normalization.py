"""Normalizations of rows, of images, and of weights; dropout and its relatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row

HIDDEN, WIDE, TOKENS, IMAGES = (128, 512), (512, 2048), (16, 64, 128), (16, 64, 32, 32)


def batch(shape: tuple[int, int]) -> Row:
    return row(
        "batch normalization of rows",
        shape,
        lambda layers: layers.BatchNormalization.create(shape[1]),
        lambda nn: nn.BatchNorm1d(shape[1]),
    )


def batch_relu_dropout(shape: tuple[int, int]) -> Row:
    def ours(layers: Any) -> Any:
        return [layers.BatchNormalization.create(shape[1]), layers.Relu(), layers.Dropout(0.5)]

    def theirs(nn: Any) -> Any:
        return nn.Sequential(nn.BatchNorm1d(shape[1]), nn.ReLU(), nn.Dropout(0.5))

    return row("batch normalization, ReLU, dropout", shape, ours, theirs)


def layer(shape: tuple[int, ...]) -> Row:
    def ours(layers: Any) -> Any:
        return layers.LayerNormalization.create(shape[-1])

    return row("layer normalization", shape, ours, lambda nn: nn.LayerNorm(shape[-1]))


def root_mean_square(shape: tuple[int, ...]) -> Row:
    def ours(layers: Any) -> Any:
        return layers.RMSNormalization.create(shape[-1])

    return row("RMS normalization", shape, ours, lambda nn: nn.RMSNorm(shape[-1], eps=1e-5))


def instance(shape: tuple[int, ...]) -> Row:
    def ours(layers: Any) -> Any:
        return layers.InstanceNormalization.create(shape[1])

    return row("instance normalization", shape, ours, lambda nn: nn.InstanceNorm2d(shape[1], affine=True))


def of_weights(name: str, kind: str, of_torch: str) -> Row:
    def ours(layers: Any) -> Any:
        return getattr(layers, kind)(layers.Affine.create(512, 512))

    def theirs(nn: Any) -> Any:
        return getattr(nn.utils.parametrizations, of_torch)(nn.Linear(512, 512))

    return row(f"{name} of 512 → 512", HIDDEN, ours, theirs)


def rows() -> Iterator[Row]:
    """Yield what stands between the layers of a network."""
    yield batch(HIDDEN)
    yield batch(WIDE)
    yield batch_relu_dropout(HIDDEN)
    yield batch_relu_dropout(WIDE)
    yield layer(HIDDEN)
    yield layer(TOKENS)
    yield layer((16, 512, 256))
    yield root_mean_square(TOKENS)
    yield root_mean_square((16, 512, 256))
    yield instance(IMAGES)
    yield of_weights("weight normalization", "WeightNormalization", "weight_norm")
    yield of_weights("spectral normalization", "SpectralNormalization", "spectral_norm")
    yield row("dropout", HIDDEN, lambda layers: layers.Dropout(0.5), lambda nn: nn.Dropout(0.5))
    yield row("dropout", WIDE, lambda layers: layers.Dropout(0.1), lambda nn: nn.Dropout(0.1))
    yield row(
        "dropout of channels", IMAGES, lambda layers: layers.Dropout(0.2, axes=(0, 1)), lambda nn: nn.Dropout2d(0.2)
    )
