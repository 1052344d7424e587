"""The Transformer's block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from xpnet.errors import ArgumentError, DtypeError
from xpnet.initializers import Init, check_size
from xpnet.layers.activation import Gelu
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.checks import plain
from xpnet.layers.container import Container
from xpnet.layers.containers import checked_layers, named_after_class
from xpnet.layers.dropout import Dropout
from xpnet.layers.linear import Linear
from xpnet.layers.normalization import LayerNormalization
from xpnet.random import Generator, generator_of


class TransformerBlock(Container):
    """Attention between positions, then a network at each, ``h = x + attention(norm(x))``, ``y = h + mlp(norm(h))``.

    Each branch is a list of layers one after another: normalization first (pre-LN), so that x itself passes through.
    Layers are named after their class, ``LayerNormalization1``, ``Attention1``, ``LayerNormalization2``, ``Linear1`` …

    Shapes: ``x, y (N, L, D)``; ``mask (N, L)`` bool for the attention, may be left out.
    Backward: ``dh = dout + dout ∂branch₂``, ``dx = dh + dh ∂branch₁``.
    Raises: ``DtypeError`` for anything but layers or lists of them; ``ArgumentError`` for an empty branch, and for one
    layer in two places.
    Source: Vaswani et al., 2017, section 3.1; Xiong et al., 2020 (normalization first).
    """

    differentiable = ("x",)
    runs_by_plan = True

    def __init__(self, attention: Sequence[Layer], mlp: Sequence[Layer]) -> None:
        who = type(self).__name__
        branches: dict[str, Any] = {"attention": attention, "mlp": mlp}
        for name, branch in branches.items():
            if not isinstance(branch, Sequence):
                got = type(branch).__name__
                raise DtypeError(who, f"{name} must be a list of layers", got, f"put it into a list, [{got}(…)]")
            if not branch:
                raise ArgumentError(who, f"{name} must have at least one layer", "none", "give it layers")
        named = named_after_class((*attention, *mlp))
        renamed = {name.replace("MultiHeadAttention", "Attention"): layer for name, layer in named.items()}
        self.layers = checked_layers(who, renamed)
        self.second = list(self.layers)[len(attention)]  # the name of the layer that begins the second branch

    def rows_of_names(self) -> list[list[str]]:
        names = list(self.layers)
        at = [name.partition("+")[0] for name in names].index(self.second)
        return [names[:at], names[at:]]

    def forward(self, x: Any, mask: Any = None) -> Any:
        for branch in self.rows_of_names():
            y = x
            for layer in (self.layers[name] for name in branch):
                y = layer(y, mask) if "mask" in layer.inputs else layer(y)
            x = x + y
        return x

    def backward(self, dout: Any = 1.0) -> Any:
        dout = plain(dout)
        for branch in reversed(self.rows_of_names()):
            dy = dout
            for layer in (self.layers[name] for name in reversed(branch)):
                dy = layer.backward(dy)
            dout = dout + dy
        return dout

    @classmethod
    def create(
        cls,
        width: int,
        heads: int,
        hidden: int | None = None,
        *,
        causal: bool = False,
        dropout_ratio: float = 0.0,
        init: Init = 0.02,
        rng: Generator | None = None,
    ) -> Self:
        """Return a block with parameters on the current backend: two Linear around a Gelu (tanh) of ``hidden`` units.

        ``hidden`` is 4 D unless given, ``init`` as in ``Affine.create``. A ``dropout_ratio`` above 0 ends each branch
        in Dropout. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1, heads that do not divide the width, or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_size(cls.__name__, "width", width)
        hidden = 4 * width if hidden is None else hidden

        def noise() -> list[Layer]:
            return [Dropout(dropout_ratio, rng)] if dropout_ratio else []

        attention = MultiHeadAttention.create(width, heads, causal=causal, init=init, rng=rng)
        mlp = (Linear.create(width, hidden, init, rng), Gelu("tanh"), Linear.create(hidden, width, init, rng))
        return cls(
            [LayerNormalization.create(width), attention, *noise()],
            [LayerNormalization.create(width), *mlp, *noise()],
        )
