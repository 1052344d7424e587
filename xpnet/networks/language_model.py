"""A language model."""

from __future__ import annotations

from math import inf
from numbers import Real
from typing import Any

import numpy as np

from xpnet.backend import backend_of, to_numpy
from xpnet.errors import ArgumentError, DivergenceError, DtypeError, ShapeError
from xpnet.initializers import Init, check_size
from xpnet.layers import (
    Embedding,
    Layer,
    LayerNormalization,
    MatMul,
    PositionalEmbedding,
    SoftmaxWithLoss,
    TransformerBlock,
)
from xpnet.layers.checks import check_one_place
from xpnet.layers.linear import in_rows_of, rows
from xpnet.layers.recorded import pull_back, recorded
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

Host = np.ndarray[Any, Any]


class TransformerLM(Network):
    """Decoder-only Transformer, ``y[n, t]`` the scores of the symbol that follows ``x[n, 0 … t]``.

    It consists of an embedding of symbols and one of positions, causal blocks, a normalization, and a matrix to the
    scores; its loss is the mean cross-entropy over all positions. ``tied`` uses the embedding of symbols for the scores
    too, ``y = h Wᵀ``: one array, whose gradient is the sum of both uses.

    ``params`` has ``Embedding1.W``, ``PositionalEmbedding1.W``, ``Block1.Attention1.Wq`` …, and ``MatMul1.W`` unless
    tied.

    Shapes: ``x (N, L)`` integer with L ≤ ``context``, ``y (N, L, V)``, ``t (N, L)``.
    Raises: ``ArgumentError`` for sizes below 1 and for heads that do not divide the width.
    Source: Radford et al., 2019, section 2; Press and Wolf, 2017 (tied weights).
    """

    differentiable = ()

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        hidden: int | None = None,
        dropout_ratio: float = 0.0,
        tied: bool = False,
        init: Init = 0.02,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        sizes = {"vocabulary": vocabulary, "context": context, "width": width, "layers": layers}
        for name, size in sizes.items():
            check_size(who, name, size)
        rng = generator_of(who, rng)
        self.vocabulary, self.context, self.tied = int(vocabulary), int(context), tied
        named: dict[str, Layer] = {
            "Embedding1": Embedding.create(vocabulary, width, init, rng),
            "PositionalEmbedding1": PositionalEmbedding.create(context, width, init, rng),
        }
        for number in range(1, layers + 1):
            named[f"Block{number}"] = TransformerBlock.create(
                width, heads, hidden, causal=True, dropout_ratio=dropout_ratio, init=init, rng=rng
            )
        named["LayerNormalization1"] = LayerNormalization.create(width)
        if not tied:
            named["MatMul1"] = MatMul.create(width, vocabulary, init, rng)
        super().__init__(named, loss=SoftmaxWithLoss())
        self.runs_by_plan = not tied

    def forward(self, x: Any, mask: Any = None) -> Any:
        return self._tied_forward(x, mask) if self.tied else super().forward(x, mask)

    def backward(self, dout: Any = 1.0) -> Any:
        return pull_back(self, dout) if self.tied else super().backward(dout)

    @recorded
    def _tied_forward(self, x: Any, mask: Any = None) -> Any:
        h = super().forward(x, mask)
        return in_rows_of(h, rows(h) @ self.layers["Embedding1"].W.T)  # type: ignore[attr-defined]

    def generate(
        self,
        prompt: Array,
        count: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        rng: Generator | None = None,
    ) -> Array:
        """Return the prompt and ``count`` more symbols, each drawn from ``softmax(y / temperature)`` of those before.

        A ``temperature`` of 0 chooses the highest score; ``top_k`` draws only from the k highest. The network sees the
        last ``context`` symbols. Scores are read on the host, where the draws are made: each call has its own stream,
        the same for a seed on every backend.

        Shapes: ``prompt (L,)`` or ``(N, L)`` integer, result ``(L + count,)`` or ``(N, L + count)``.
        Raises: ``DtypeError``, ``ShapeError``, ``ArgumentError`` for a prompt that is empty or holds other symbols, and
        for a count, temperature or k that is not allowed; ``DivergenceError`` where scores are not finite.
        """
        who = f"{type(self).__name__}.generate"
        check_size(who, "count", count)
        check_temperature(who, temperature)
        if top_k is not None:
            check_size(who, "top_k", top_k)
        symbols = check_prompt(who, prompt, self.vocabulary)
        rng = generator_of(who, rng)
        stream, backend = rng.next_name("generate"), backend_of(self.params["Embedding1.W"])
        for step in range(count):
            seen = backend.asarray(np.ascontiguousarray(symbols[:, -self.context :]))
            scores = to_numpy(self.predict(seen)[:, -1, :]).astype(np.float64)
            if not np.isfinite(np.max(scores, axis=1)).all():
                remedy = "look for values in params that are not finite"
                raise DivergenceError(who, "scores must be finite", np.max(scores), remedy)
            u = rng.uniform((len(symbols), 1), stream, step)
            symbols = np.concatenate([symbols, chosen(scores, temperature, top_k, u)], axis=1)
        return backend.asarray(symbols if prompt.ndim == 2 else symbols[0])


def check_temperature(who: str, temperature: Any) -> None:
    """Raise ArgumentError unless the temperature is a finite number from 0."""
    if not isinstance(temperature, Real) or not 0.0 <= float(temperature) < inf:
        must = "temperature must be finite and not negative"
        raise ArgumentError(who, must, repr(temperature), "0 takes the highest score")


def check_prompt(who: str, prompt: Array, vocabulary: int) -> Host:
    """Return the prompts on the host, one in each row.

    Raises: ``DtypeError``, ``ShapeError``, ``ArgumentError``.
    """
    check_one_place(who, {"prompt": prompt}, ("prompt",))
    symbols = to_numpy(prompt)
    if symbols.dtype.kind not in "iu":
        remedy = 'cast it with xn.asarray(prompt, dtype="int64")'
        raise DtypeError(who, "prompt must be integer indices", symbols.dtype, remedy)
    if symbols.ndim not in (1, 2) or not symbols.size:
        must = "prompt must be (L,) or (N, L) with at least one index"
        raise ShapeError(who, must, tuple(symbols.shape), "start it with a symbol")
    wrong = (symbols < 0) | (symbols >= vocabulary)
    if wrong.any():
        must = f"prompt must hold indices from 0 to {vocabulary - 1}"
        raise ArgumentError(who, must, symbols[wrong].flat[0], "encode it with the vocabulary of the training")
    return np.atleast_2d(symbols.astype(np.int64))


def chosen(scores: Host, temperature: float, top_k: int | None, u: Host) -> Host:
    """Return a symbol for each row, ``k`` with ``Σᵢ₍ₖ pᵢ ≤ u < Σᵢ≤ₖ pᵢ`` and ``p = softmax(scores / temperature)``.

    Shapes: ``scores (N, V)``, ``u (N, 1)`` uniform in [0, 1), result ``(N, 1)``.
    """
    if temperature == 0.0:
        return np.asarray(np.argmax(scores, axis=1, keepdims=True))
    if top_k is not None and top_k < scores.shape[1]:
        rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
        scores = np.where(rank < top_k, scores, -np.inf)
    with np.errstate(over="ignore"):  # it overflows at a tiny temperature, where the share is 0
        shares = np.exp((scores - np.max(scores, axis=1, keepdims=True)) / temperature)
    upto = np.cumsum(shares, axis=1)
    whole = upto[:, -1:]
    symbols: Host = np.sum((upto <= u * whole) & (upto < whole), axis=1, keepdims=True)
    return symbols
