"""A language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet.errors import ArgumentError
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
from xpnet.layers.linear import in_rows_of, rows
from xpnet.layers.recorded import pull_back, recorded
from xpnet.networks.choice import Choice
from xpnet.networks.generation import Continued, checked_prompts, generated, given_back
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class TransformerLM(Network):
    """Decoder-only Transformer, ``y[n, t]`` the scores of the symbol that follows ``x[n, 0 … t]``.

    It consists of an embedding of symbols and one of positions, causal blocks, a normalization, and a matrix to the
    scores; its loss is the mean cross-entropy over all positions. ``tied`` uses the embedding of symbols for the scores
    too, ``y = h Wᵀ``: one array, whose gradient is the sum of both uses.

    ``positions`` other than ``"learned"`` are those of the attention, ``"rotary"`` or ``"alibi"``: there is no
    embedding of positions then. ``attention`` are its other options, such as ``kv_heads=2``, ``window=64`` and
    ``bias=False``.

    ``params`` has ``Embedding1.W``, ``PositionalEmbedding1.W``, ``Block1.Attention1.Wq`` …, and ``MatMul1.W`` unless
    tied.

    Shapes: ``x (N, L)`` integer with L ≤ ``context``, ``y (N, L, V)``, ``t (N, L)``.
    Raises: ``ArgumentError`` for sizes below 1 and for heads that do not divide the width.
    Source: Radford et al., 2019, section 2; Press and Wolf, 2017 (tied weights).

    >>> text = np.array([[0, 1, 2, 3, 0, 1, 2, 3, 0]])
    >>> net, optimizer = TransformerLM(vocabulary=4, context=8, width=8, heads=2, layers=1), Adam(0.02)
    >>> for _ in range(30):
    ...     optimizer.update(net.params, net.gradient(text[:, :-1], text[:, 1:]))
    >>> net.generate(np.array([0, 1]), 5, temperature=0.0)
    array([0, 1, 2, 3, 0, 1, 2])
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
        *,
        positions: str = "learned",
        **attention: Any,
    ) -> None:
        who = type(self).__name__
        if positions not in ("learned", "rotary", "alibi"):
            must = "positions must be 'learned', 'rotary' or 'alibi'"
            raise ArgumentError(who, must, repr(positions), "choose one")
        sizes = {"vocabulary": vocabulary, "context": context, "width": width, "layers": layers}
        for name, size in sizes.items():
            check_size(who, name, size)
        rng = generator_of(who, rng)
        self.vocabulary, self.context, self.tied = int(vocabulary), int(context), tied
        named: dict[str, Layer] = {"Embedding1": Embedding.create(vocabulary, width, init, rng)}
        if positions == "learned":
            named["PositionalEmbedding1"] = PositionalEmbedding.create(context, width, init, rng)
        else:
            attention["positions"] = positions
        for number in range(1, layers + 1):
            named[f"Block{number}"] = TransformerBlock.create(
                width, heads, hidden, causal=True, dropout_ratio=dropout_ratio, init=init, rng=rng, **attention
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
        return self._scores_of(super().forward(x, mask))

    def generate(
        self,
        prompt: Array | Sequence[Array],
        count: int,
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
        """Return the prompt and ``count`` more symbols, each drawn from ``softmax(y / temperature)`` of those before.

        A ``temperature`` of 0 chooses the highest score; ``top_k`` draws only from the k highest, ``top_p`` from the
        highest whose shares just sum to p. ``repetition_penalty`` θ makes ``s / θ`` of a score s > 0 of a symbol that
        occurs already, and ``s θ`` of others. With ``beams`` nothing is drawn: the search keeps that many continuations
        and returns the one with the largest ``Σ log p / n^length_penalty`` of its n symbols. After the symbol ``stop``
        a text ends; in an array of several, ``stop`` fills up the row.

        The network sees the last ``context`` symbols; up to there keys and values of earlier positions are kept, and
        only the last position is computed. Scores are read on the host, where the draws are made: each call has its own
        stream, the same for a seed on every backend.

        Shapes: ``prompt (L,)`` or ``(N, L)`` integer, result ``(L + count,)`` or ``(N, L + count)``, or less where all
        texts have stopped; a list of prompts of any lengths gives a list.
        Raises: ``DtypeError``, ``ShapeError``, ``ArgumentError`` for a prompt that is empty or holds other symbols, and
        for a count or an option that is not allowed; ``DivergenceError`` where scores are not finite.
        Source: Holtzman et al., 2020 (top p); Keskar et al., 2019 (penalty).
        """
        who = f"{type(self).__name__}.generate"
        options = (temperature, top_k, top_p, repetition_penalty, stop, beams, length_penalty)
        choice = Choice(*options).checked(who, self.vocabulary)
        prompts = checked_prompts(who, "prompt", prompt, self.vocabulary)
        found = generated(who, self._continued, prompts, count, choice, generator_of(who, rng))
        return given_back(self.params["Embedding1.W"], prompt, found, stop)

    def _continued(self) -> Continued:
        finish = self._scores_of if self.tied else (lambda y: y)
        return Continued(self, "LayerNormalization1", finish, self.context)

    def _scores_of(self, h: Any) -> Any:
        return in_rows_of(h, rows(h) @ self.layers["Embedding1"].W.T)  # type: ignore[attr-defined]
