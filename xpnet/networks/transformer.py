"""The Transformer of an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import Init, check_size
from xpnet.layers import (
    DecoderBlock,
    Embedding,
    Layer,
    LayerNormalization,
    MatMul,
    PositionalEmbedding,
    SoftmaxWithLoss,
    TransformerBlock,
)
from xpnet.layers.linear import in_rows_of, rows
from xpnet.networks.choice import Choice, Host, is_whole
from xpnet.networks.generation import checked_prompts, generated, given_back, inferred_by_bodies, with_pasts
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Transformer(Network):
    """Encoder and decoder, ``y[n, t]`` the scores of the symbol that follows ``target[n, 0 … t]``, given the source.

    x is a pair, ``net.gradient((source, target), t)``: the target so far, from a symbol that begins it; t is the target
    without that symbol. The source passes an embedding and blocks of attention in both directions, the target an
    embedding and blocks of causal attention and of attention to the encoder's output; the loss is the mean
    cross-entropy. ``pad`` is a symbol that fills up sequences: nothing attends to it in a source, and as a label it
    does not count.

    One table has the vectors of the symbols of both, unless ``target_vocabulary`` gives the target symbols of its own.
    ``tied`` uses the target's table for the scores too, ``y = h Wᵀ``.

    Shapes: ``source (N, S)`` integer with S ≤ ``source_length``, ``target (N, L)`` integer with L ≤ ``context``,
    ``y (N, L, V)``, ``t (N, L)``.
    Raises: ``ArgumentError`` for sizes below 1 and for heads that do not divide the width.
    Source: Vaswani et al., 2017, section 3; Xiong et al., 2020 (normalization first).

    >>> x = np.array([[1, 2, 3], [3, 1, 1]])
    >>> answers = np.array([[0, 3, 2, 1], [0, 1, 1, 3]])  # x backwards; 0 begins an answer
    >>> net, optimizer = Transformer(vocabulary=4, source_length=3, context=4, width=8, heads=2, layers=1), Adam(0.02)
    >>> for _ in range(40):
    ...     optimizer.update(net.params, net.gradient((x, answers[:, :-1]), answers[:, 1:]))
    >>> net.generate(x, 3, start=0, temperature=0.0)
    array([[3, 2, 1],
           [1, 1, 3]])
    """

    differentiable = ()

    def __init__(
        self,
        vocabulary: int,
        source_length: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        hidden: int | None = None,
        dropout_ratio: float = 0.0,
        tied: bool = False,
        init: Init = 0.02,
        rng: Generator | None = None,
        *,
        target_vocabulary: int | None = None,
        pad: int | None = None,
        **attention: Any,
    ) -> None:
        who = type(self).__name__
        targets = vocabulary if target_vocabulary is None else target_vocabulary
        sizes = {"vocabulary": vocabulary, "source_length": source_length, "context": context, "layers": layers}
        for name, size in (sizes | {"target_vocabulary": targets}).items():
            check_size(who, name, size)
        if pad is not None and not (is_whole(pad) and 0 <= pad < min(vocabulary, targets)):
            must = f"pad must be a symbol from 0 to {min(vocabulary, targets) - 1}"
            raise ArgumentError(who, must, repr(pad), "keep a number of the vocabulary for it")
        rng = generator_of(who, rng)
        self.vocabulary, self.target_vocabulary = int(vocabulary), int(targets)
        self.source_length, self.context, self.tied, self.pad = int(source_length), int(context), tied, pad
        options: dict[str, Any] = {"hidden": hidden, "dropout_ratio": dropout_ratio, "init": init, "rng": rng}
        named: dict[str, Layer] = {"Embedding1": Embedding.create(vocabulary, width, init, rng)}
        if target_vocabulary is not None:
            named["Embedding2"] = Embedding.create(targets, width, init, rng)
        for number, length in enumerate((source_length, context), 1):
            named[f"PositionalEmbedding{number}"] = PositionalEmbedding.create(length, width, init, rng)
        for number in range(1, layers + 1):
            named[f"EncoderBlock{number}"] = TransformerBlock.create(width, heads, **options, **attention)
        named["LayerNormalization1"] = LayerNormalization.create(width)
        for number in range(1, layers + 1):
            named[f"DecoderBlock{number}"] = DecoderBlock.create(width, heads, **options, **attention)
        named["LayerNormalization2"] = LayerNormalization.create(width)
        if not tied:
            named["MatMul1"] = MatMul.create(width, targets, init, rng)
        super().__init__(named, loss=SoftmaxWithLoss(ignore_index=pad))

    def forward(self, source: Any, target: Any) -> Any:  # type: ignore[override]
        memory, known = self.encoded(source)
        return self.scores(self.decoded(target, memory, known))

    def encoded(self, source: Any) -> tuple[Any, Any]:
        """Return the output of the encoder, ``(N, S, D)``, and True at the symbols that are not padding, or None."""
        layers: Any = self.layers
        known = None if self.pad is None else source != self.pad
        h = layers["PositionalEmbedding1"](layers["Embedding1"](source))
        for name in self.layers:
            if name.startswith("EncoderBlock"):
                h = layers[name](h, known)
        return layers["LayerNormalization1"](h), known

    def decoded(self, target: Any, memory: Any, known: Any) -> Any:
        """Return the output of the decoder, ``(N, L, D)``."""
        layers: Any = self.layers
        h = layers["PositionalEmbedding2"](self.target_embedding(target))
        for name in self.layers:
            if name.startswith("DecoderBlock"):
                h = layers[name](h, memory, None, known)
        return layers["LayerNormalization2"](h)

    @property
    def target_embedding(self) -> Any:
        """The embedding of the target, that of the source unless the vocabularies differ."""
        return self.layers.get("Embedding2", self.layers["Embedding1"])

    def scores(self, h: Any) -> Any:
        """Return the scores of each symbol, ``(N, L, V)``."""
        if self.tied:
            return in_rows_of(h, rows(h) @ self.target_embedding.W.T)
        return self.layers["MatMul1"](h)

    def generate(
        self,
        source: Array | Sequence[Array],
        count: int,
        start: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        rng: Generator | None = None,
        *,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        stop: int | None = None,
        beams: int | None = None,
        length_penalty: float = 0.0,
    ) -> Any:
        """Return up to ``count`` symbols of the target that follow ``start``, drawn or searched for with ``beams``.

        The options are those of ``TransformerLM.generate``. The encoder runs once; keys and values of earlier positions
        and of the encoder's output are kept. ``start`` is not part of the result, ``stop`` is.

        Shapes: ``source (S,)`` or ``(N, S)`` integer, result ``(count,)`` or ``(N, count)``, or less where all targets
        have stopped; shorter rows are filled with ``stop``. A list of sources gives a list; with a ``pad`` they may be
        of different lengths.
        Raises: as ``TransformerLM.generate``; ``ShapeError`` for a source that is too long; ``ArgumentError`` for a
        count beyond the context.
        """
        who = f"{type(self).__name__}.generate"
        options = (temperature, top_k, top_p, repetition_penalty, stop, beams, length_penalty)
        choice = Choice(*options).checked(who, self.target_vocabulary)
        sources = checked_prompts(who, "source", source, self.vocabulary)
        longest = max(map(len, sources))
        if longest > self.source_length:
            must = f"source must have at most {self.source_length} symbols"
            raise ShapeError(who, must, longest, "cut it, or make the network with a larger source_length")
        if self.pad is not None:
            sources = [np.pad(one, (0, longest - len(one)), constant_values=self.pad) for one in sources]
        elif min(map(len, sources)) < longest:
            must = "sources of one list must have one length where there is no pad"
            raise ShapeError(
                who, must, [len(one) for one in sources], "make the network with a pad, or give them one by one"
            )
        if not (is_whole(start) and 0 <= start < self.target_vocabulary):
            must = f"start must be a symbol from 0 to {self.target_vocabulary - 1}"
            raise ArgumentError(who, must, repr(start), "give the one that began each target in training")
        check_size(who, "count", count)
        if count > self.context:
            must = f"count must be at most {self.context}, the context of the decoder"
            raise ArgumentError(who, must, count, "make it with a larger context, or ask for less")
        prompts = [np.asarray([start], dtype=np.int64)] * len(sources)
        found = generated(
            who, lambda: ContinuedTarget(self, np.stack(sources)), prompts, count, choice, generator_of(who, rng)
        )
        return given_back(self.params["Embedding1.W"], source, [row[1:] for row in found], stop)


class ContinuedTarget:
    """The decoder of a Transformer that goes on from the symbols it has seen, with the encoder's output."""

    def __init__(self, network: Transformer, source: Host) -> None:
        made = {name: with_pasts(layer) for name, layer in network.layers.items() if not name.startswith("Encoder")}
        self.pasts = [past for _, pasts in made.values() for past in pasts]
        self.backend = backend_of(network.params["Embedding1.W"])
        inferring: Any = network.inferring()
        self.memory, self.known = inferring.encoded(self.backend.asarray(source))
        layers = {name: layer for name, (layer, _) in made.items()}
        self.scoring: Any = inferring.with_layers(layers, needs_dx=False)
        planned = {name: inferred_by_bodies(layer) for name, layer in layers.items()}
        self.decoder: Any = inferring.with_layers(planned, needs_dx=False)
        self.length = 0

    def scores(self, symbols: Host) -> Host:
        """Return the scores of what follows the symbols, of which only the new ones are computed."""
        new = self.backend.asarray(np.ascontiguousarray(symbols[:, self.length :]))
        self.length = symbols.shape[1]
        h = self.decoder.decoded(new, self.memory, self.known)
        return np.asarray(to_numpy(self.scoring.scores(h[:, -1:, :]))[:, -1, :], np.float64)

    def choose(self, rows: Host) -> None:
        """Go on with other samples."""
        chosen = self.backend.asarray(rows)
        xp = array_namespace(self.memory)
        self.memory = xp.take(self.memory, chosen, axis=0)
        self.known = None if self.known is None else xp.take(self.known, chosen, axis=0)
        for past in self.pasts:
            past.choose(chosen)
