"""Networks of patches of an image: the vision Transformer and the MLP-Mixer."""

from __future__ import annotations

from typing import Any

from xpnet.errors import ArgumentError
from xpnet.initializers import Init, check_size
from xpnet.layers import (
    Affine,
    Convolution,
    Gelu,
    GlobalAveragePooling,
    Layer,
    LayerNormalization,
    Linear,
    PositionalEmbedding,
    Reshape,
    Residual,
    SoftmaxWithLoss,
    TransformerBlock,
    Transpose,
)
from xpnet.networks.conv_nets import MEMORY_ROWS, check_image_shape
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of


class PatchNetwork(Sequential):
    """The base of networks that cut images into patches, and end in the mean over these and an affine layer."""

    def __init__(
        self,
        middle: Any,
        input_dim: tuple[int, int, int],
        patch: int,
        width: int,
        output_size: int,
        rng: Generator,
        init: Init,
    ) -> None:
        who = type(self).__name__
        for name, size in (("width", width), ("output_size", output_size)):
            check_size(who, name, size)
        count = patches_of(who, input_dim, patch)
        super().__init__(
            Convolution.create(input_dim[0], width, patch, stride=patch, init=init, rng=rng),
            Reshape(width, count),
            Transpose(0, 2, 1),
            *middle(count),
            LayerNormalization.create(width),
            Transpose(0, 2, 1),
            Reshape(width, count, 1),
            GlobalAveragePooling(),
            Affine.create(width, output_size, init=init, rng=rng),
            loss=SoftmaxWithLoss(),
        )

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


class ViT(PatchNetwork):
    """Vision Transformer, ``y = affine(mean(norm(blockₙ(… block₁(patches(x) + positions)))))``.

    Patches of ``patch`` by ``patch`` pixels become vectors of ``width`` by a matrix; ``layers`` blocks of attention
    with ``heads`` follow, without a mask. The mean over all patches stands for the paper's class token (see its
    appendix D.3).

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for wrong sizes, patches that do not fill the image, and heads that do not divide the
    width.
    Source: Dosovitskiy et al., 2021, "An image is worth 16x16 words".

    >>> net = ViT((1, 4, 4), patch=2, width=8, heads=2, layers=1, output_size=3)
    >>> net.params["PositionalEmbedding1.W"].shape  # four patches become vectors of 8 numbers
    (4, 8)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 224, 224),
        patch: int = 16,
        width: int = 768,
        heads: int = 12,
        layers: int = 12,
        output_size: int = 1000,
        hidden: int | None = None,
        dropout_ratio: float = 0.0,
        init: Init = 0.02,
        rng: Generator | None = None,
    ) -> None:
        check_size(type(self).__name__, "layers", layers)
        rng = generator_of(type(self).__name__, rng)

        def middle(count: int) -> list[Layer]:
            options: dict[str, Any] = {"dropout_ratio": dropout_ratio, "init": init, "rng": rng}
            blocks = [TransformerBlock.create(width, heads, hidden, **options) for _ in range(layers)]
            return [PositionalEmbedding.create(count, width, init, rng), *blocks]

        super().__init__(middle, input_dim, patch, width, output_size, rng, init)


class MLPMixer(PatchNetwork):
    """Mixing over patches and over channels in turns, ``h = x + mlp(norm(x)ᵀ)ᵀ``, ``y = h + mlp(norm(h))``.

    Patches of ``patch`` by ``patch`` pixels become vectors of ``width``. Of the two networks of each of ``layers``
    layers, that over the patches has ``tokens_hidden`` units, that over the channels ``hidden``.

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for wrong sizes, and for patches that do not fill the image.
    Source: Tolstikhin et al., 2021, "MLP-Mixer: an all-MLP architecture for vision".

    >>> net = MLPMixer((1, 4, 4), patch=2, width=8, layers=1, output_size=3, tokens_hidden=5, hidden=6)
    >>> weights = [W.shape for name, W in net.params.items() if "Linear" in name and W.ndim > 1]
    >>> weights  # the first two mix 4 patches, the others 8 channels
    [(4, 5), (5, 4), (8, 6), (6, 8)]
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 224, 224),
        patch: int = 16,
        width: int = 512,
        layers: int = 8,
        output_size: int = 1000,
        tokens_hidden: int = 256,
        hidden: int = 2048,
        init: Init = 0.02,
        rng: Generator | None = None,
    ) -> None:
        check_size(type(self).__name__, "layers", layers)
        rng = generator_of(type(self).__name__, rng)

        def mlp(inputs: int, units: int) -> list[Layer]:
            return [Linear.create(inputs, units, init, rng), Gelu(), Linear.create(units, inputs, init, rng)]

        def middle(count: int) -> list[Layer]:
            found: list[Layer] = []
            for _ in range(layers):
                turned = Transpose(0, 2, 1), *mlp(count, tokens_hidden), Transpose(0, 2, 1)
                found += [Residual(LayerNormalization.create(width), *turned)]
                found += [Residual(LayerNormalization.create(width), *mlp(width, hidden))]
            return found

        super().__init__(middle, input_dim, patch, width, output_size, rng, init)


def patches_of(who: str, input_dim: Any, patch: Any) -> int:
    """Return the number of patches that fill an image.

    Raises: ``ArgumentError`` unless they do.
    """
    check_image_shape(who, input_dim)
    check_size(who, "patch", patch)
    _, height, width = input_dim
    if height % patch or width % patch:
        must = f"patches of {patch} must fill the image"
        raise ArgumentError(who, must, f"{height} x {width}", "choose a patch that divides height and width")
    return int(height // patch * (width // patch))
