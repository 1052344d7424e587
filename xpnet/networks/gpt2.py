"""GPT-2, whose published weights can be loaded."""

from __future__ import annotations

from collections.abc import Collection

from xpnet.errors import ArgumentError
from xpnet.networks.language_model import TransformerLM
from xpnet.random import Generator

SIZES = {"124M": (12, 12, 768), "355M": (24, 16, 1024), "774M": (36, 20, 1280), "1558M": (48, 25, 1600)}
"""Layers, heads and width of the published networks."""

PUBLISHED = {"gpt2": "124M", "gpt2-medium": "355M", "gpt2-large": "774M", "gpt2-xl": "1558M"}
"""The names under which their weights are published."""

TABLES = {"wte": "Embedding1", "wpe": "PositionalEmbedding1", "ln_f": "LayerNormalization1"}
PARTS = {
    "ln_1": "LayerNormalization1",
    "attn": "Attention1",
    "ln_2": "LayerNormalization2",
    "mlp.c_fc": "Linear1",
    "mlp.c_proj": "Linear2",
}


class GPT2(TransformerLM):
    """The language model GPT-2, a tied ``TransformerLM`` of published shape, ``y[n, t]`` the scores of ``x[n, t + 1]``.

    ``size`` is ``"124M"``, ``"355M"``, ``"774M"`` or ``"1558M"``, or the published name, ``"gpt2"``, ``"gpt2-medium"``,
    ``"gpt2-large"`` or ``"gpt2-xl"``. ``layers``, ``heads``, ``width``, ``vocabulary`` and ``context`` change a shape.
    ``load_torch("model.safetensors", net)`` reads the published file, with ``wte.weight``, ``h.0.attn.c_attn.weight`` …

    Shapes: ``x (N, L)`` integer with L ≤ ``context``, ``y (N, L, V)``, ``t (N, L)``.
    Raises: ``ArgumentError`` for another size, and as ``TransformerLM``.
    Source: Radford et al., 2019, "Language models are unsupervised multitask learners", table 2.

    >>> net = GPT2(layers=1, heads=2, width=4, vocabulary=5, context=8)
    >>> net.generate(np.array([1, 2]), 3, temperature=0.0, stop=4)
    array([1, 2, 2, 2, 2])
    """

    def __init__(
        self,
        size: str = "124M",
        *,
        layers: int | None = None,
        heads: int | None = None,
        width: int | None = None,
        vocabulary: int = 50257,
        context: int = 1024,
        dropout_ratio: float = 0.0,
        rng: Generator | None = None,
    ) -> None:
        known = SIZES.get(PUBLISHED.get(size, size))
        if known is None:
            must, remedy = f"size must be one of {', '.join(SIZES)}", f"choose one, or {', '.join(PUBLISHED)}"
            raise ArgumentError(type(self).__name__, must, repr(size), remedy)
        layers, heads, width = (a if b is None else b for a, b in zip(known, (layers, heads, width), strict=True))
        super().__init__(vocabulary, context, width, heads, layers, dropout_ratio=dropout_ratio, tied=True, rng=rng)

    def names_in_torch(self, names: Collection[str]) -> dict[str, str]:
        """Return the layers for the paths in the published file, which may begin with ``transformer``."""
        prefix = "transformer." if any(name.startswith("transformer.") for name in names) else ""
        found = {prefix + old: new for old, new in TABLES.items()}
        blocks = [name for name in self.layers if name.startswith("Block")]
        for at, block in enumerate(blocks):
            found |= {f"{prefix}h.{at}.{old}": f"{block}.{new}" for old, new in PARTS.items()}
        return {old: new for old, new in found.items() if any(name.startswith(f"{old}.") for name in names)}
