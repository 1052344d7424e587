"""The Transformer's blocks: of an encoder or a language model, and of a decoder."""

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
from xpnet.layers.cross_attention import CrossAttention
from xpnet.layers.dropout import Dropout
from xpnet.layers.linear import Linear
from xpnet.layers.normalization import LayerNormalization
from xpnet.random import Generator, generator_of


class Branches(Container):
    """Branches one after another, each with a way around it, ``x ← x + branchᵢ(x)``.

    A branch is a list of layers. They are named after their class, attention without what kind it is.
    """

    def __init__(self, **branches: Sequence[Layer]) -> None:
        who = type(self).__name__
        given: dict[str, Any] = branches
        for name, branch in given.items():
            if not isinstance(branch, Sequence):
                got = type(branch).__name__
                raise DtypeError(who, f"{name} must be a list of layers", got, f"put it into a list, [{got}(…)]")
            if not branch:
                raise ArgumentError(who, f"{name} must have at least one layer", "none", "give it layers")
        named = named_after_class([layer for branch in branches.values() for layer in branch])
        renamed = {name.replace("MultiHeadAttention", "Attention"): layer for name, layer in named.items()}
        self.layers = checked_layers(who, renamed)
        starts = [sum(map(len, list(branches.values())[:i])) for i in range(len(branches))]
        self.firsts = [list(self.layers)[start] for start in starts]  # the names of the layers that begin a branch

    def rows_of_names(self) -> list[list[str]]:
        rows: list[list[str]] = []
        for name in self.layers:
            if name.partition("+")[0] in self.firsts:
                rows.append([])
            rows[-1].append(name)
        return rows

    def branches(self) -> list[list[Any]]:
        """Return the layers of each branch."""
        noted: tuple[Any, list[list[Any]]] | None = getattr(self, "_rows", None)
        if noted is None or noted[0] is not self.layers:
            noted = self._rows = (self.layers, [[self.layers[name] for name in row] for row in self.rows_of_names()])
        return noted[1]

    def through(self, x: Any, **others: Any) -> Any:
        """Return the output of all branches; a layer gets those of the other inputs that it takes."""
        for branch in self.branches():
            y = x
            for layer in branch:
                y = layer(y, *[others.get(name) for name in layer.inputs[1:]])
            x = x + y
        return x

    def back(self, dout: Any) -> tuple[Any, Any]:
        """Return the gradient of x, and the sum of those of a memory, or None if no layer has one."""
        dout, dmemory = plain(dout), None
        for branch in reversed(self.branches()):
            dy = dout
            for layer in reversed(branch):
                dy = layer.backward(dy)
                if isinstance(dy, tuple):
                    dy, part = dy
                    dmemory = part if dmemory is None else dmemory + part
            dout = dout + dy
        return dout, dmemory


class TransformerBlock(Branches):
    """Attention between positions, then a network at each, ``h = x + attention(norm(x))``, ``y = h + mlp(norm(h))``.

    Each branch is a list of layers one after another: normalization first (pre-LN), so that x itself passes through.
    Layers are named after their class, ``LayerNormalization1``, ``Attention1``, ``LayerNormalization2``, ``Linear1`` …

    Shapes: ``x, y (N, L, D)``; ``mask`` bool for the attention, may be left out.
    Backward: ``dh = dout + dout ∂branch₂``, ``dx = dh + dh ∂branch₁``.
    Raises: ``DtypeError`` for anything but layers or lists of them; ``ArgumentError`` for an empty branch, and for one
    layer in two places.
    Source: Vaswani et al., 2017, section 3.1; Xiong et al., 2020 (normalization first).

    >>> block = TransformerBlock.create(4, heads=2, causal=True)
    >>> x = np.eye(3, 4, dtype="float32")[None]
    >>> y = block(x)
    >>> x[0, 2, 0] = 5.0  # the last position changes, and what comes before it does not see that
    >>> (block(x) != y).any(axis=2)
    array([[False, False,  True]])
    """

    differentiable = ("x",)
    runs_by_plan = True

    def __init__(self, attention: Sequence[Layer], mlp: Sequence[Layer]) -> None:
        super().__init__(attention=attention, mlp=mlp)

    def forward(self, x: Any, mask: Any = None) -> Any:
        return self.through(x, mask=mask)

    def backward(self, dout: Any = 1.0) -> Any:
        dx, _ = self.back(dout)
        return dx

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
        **attention: Any,
    ) -> Self:
        """Return a block with parameters on the current backend: two Linear around a Gelu (tanh) of ``hidden`` units.

        ``hidden`` is 4 D unless given, ``init`` as in ``Affine.create``. A ``dropout_ratio`` above 0 ends each branch
        in Dropout. ``rng`` gives each layer numbers of its own. Other options are those of the attention, such as
        ``kv_heads=2``, ``window=64``, ``positions="rotary"`` and ``bias=False``.

        Raises: ``ArgumentError`` for sizes below 1, heads that do not divide the width, or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_size(cls.__name__, "width", width)
        own = MultiHeadAttention.create(width, heads, causal=causal, init=init, rng=rng, **attention)
        branches = around([own], width, hidden, dropout_ratio, init, rng)
        return cls(*branches)


class DecoderBlock(Branches):
    """Causal attention, attention to a memory m, a network, ``y = h + mlp(norm(h))``, ``h = g + cross(norm(g), m)``.

    m is such as the output of an encoder, and ``g = x + attention(norm(x))``. Each branch is a list of layers, named as
    in ``TransformerBlock``.

    Shapes: ``x, y (N, L, D)``, ``memory (N, S, C)``; ``mask (N, L)`` and ``memory_mask (N, S)`` bool, True at positions
    that count, may be left out. Other masks are those of ``CrossAttention``.
    Backward: ``dh = dout + dout ∂branch₃``, ``dg = dh + dh ∂branch₂``, ``dx = dg + dg ∂branch₁``; ``dm`` comes from
    branch 2.
    Raises: as ``TransformerBlock``.
    Source: Vaswani et al., 2017, section 3.1.

    >>> block = DecoderBlock.create(4, heads=2)
    >>> x, memory = np.eye(2, 4, dtype="float32")[None], np.eye(3, 4, dtype="float32")[None]
    >>> counts = np.array([[True, True, False]])  # the last position of the memory is padding
    >>> y = block(x, memory, memory_mask=counts)
    >>> memory[0, 2] = 100.0
    >>> (block(x, memory, memory_mask=counts) == y).all()
    np.True_
    """

    differentiable = ("x", "memory")
    runs_by_plan = True

    def __init__(self, attention: Sequence[Layer], cross: Sequence[Layer], mlp: Sequence[Layer]) -> None:
        super().__init__(attention=attention, cross=cross, mlp=mlp)
        if not any("memory" in layer.inputs for layer in cross):
            must = "cross must have a CrossAttention"
            raise ArgumentError(type(self).__name__, must, "none", "use TransformerBlock where there is no memory")

    def forward(self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None) -> Any:
        return self.through(x, memory=memory, mask=mask, memory_mask=memory_mask)

    def backward(self, dout: Any = 1.0) -> Any:
        return self.back(dout)

    @classmethod
    def create(
        cls,
        width: int,
        heads: int,
        hidden: int | None = None,
        *,
        memory_width: int | None = None,
        dropout_ratio: float = 0.0,
        init: Init = 0.02,
        rng: Generator | None = None,
        kv_heads: int | None = None,
        bias: bool = True,
        **attention: Any,
    ) -> Self:
        """Return a block with causal attention, attention to a memory of ``memory_width`` (D unless given), and an MLP.

        The other arguments, and the errors, are those of ``TransformerBlock.create``.
        """
        rng = generator_of(cls.__name__, rng)
        check_size(cls.__name__, "width", width)
        shared: dict[str, Any] = {"kv_heads": kv_heads, "bias": bias, "init": init, "rng": rng}
        own = MultiHeadAttention.create(width, heads, causal=True, **shared, **attention)
        cross = CrossAttention.create(width, heads, memory_width=memory_width, **shared)
        return cls(*around([own, cross], width, hidden, dropout_ratio, init, rng))


def around(
    attentions: Sequence[Layer], width: int, hidden: int | None, dropout_ratio: float, init: Init, rng: Generator
) -> list[list[Layer]]:
    """Return a branch for each attention and one with an MLP; each begins with a normalization."""
    hidden = 4 * width if hidden is None else hidden
    mlp = [Linear.create(width, hidden, init, rng), Gelu("tanh"), Linear.create(hidden, width, init, rng)]

    def noise() -> list[Layer]:
        return [Dropout(dropout_ratio, rng)] if dropout_ratio else []

    return [[LayerNormalization.create(width), *branch, *noise()] for branch in ([a] for a in attentions)] + [
        [LayerNormalization.create(width), *mlp, *noise()]
    ]
