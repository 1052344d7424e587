"""A language model of LSTMs."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, device_of, to_numpy
from xpnet.errors import ShapeError
from xpnet.initializers import Init, check_size
from xpnet.layers import LSTM, Bias, Dropout, Embedding, Layer, Linear, SoftmaxWithLoss
from xpnet.layers.checks import check_flags
from xpnet.layers.linear import in_rows_of, rows
from xpnet.networks.choice import Choice, Host
from xpnet.networks.generation import checked_prompts, generated, given_back
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

States = list[tuple[Any, Any]]

LARGEST = 700.0  # a mean loss whose exponential is finite


class RecurrentLM(Network):
    """Stacked LSTMs, ``y[n, t]`` the scores of the symbol that follows ``x[n, 0 … t]`` and all that came before.

    It consists of an embedding, LSTMs with dropout before, between and after them, and the scores. ``tied`` uses the
    embedding for the scores too, ``y = h Wᵀ + b``: its width and that of the LSTMs are one.

    The LSTMs are stateful: each step of training goes on where the one before ended, so that rows of a batch are rows
    of text that go on from batch to batch. ``reset_state`` starts anew, for example before a validation.

    ``params`` has ``Embedding1.W``, ``LSTM1.Wx, LSTM1.Wh, LSTM1.b`` …, and ``Bias1.b``, or ``Linear1.W, Linear1.b``
    unless tied.

    Shapes: ``x (N, L)`` integer, ``y (N, L, V)``, ``t (N, L)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: Zaremba et al., 2014; Press and Wolf, 2017 (tied weights); Deep Learning from Scratch 2, section 6.5.

    >>> text = np.array([[0, 1, 2, 3, 0, 1, 2, 3, 0]])
    >>> net, optimizer = RecurrentLM(vocabulary=4, width=8, layers=1, init=0.5), Adam(0.05)
    >>> for _ in range(30):
    ...     optimizer.update(net.params, net.gradient(text[:, :-1], text[:, 1:]))
    >>> net.generate(np.array([0, 1]), 5, temperature=0.0)
    array([0, 1, 2, 3, 0, 1, 2])
    """

    differentiable = ()

    def __init__(
        self,
        vocabulary: int,
        width: int,
        layers: int = 2,
        dropout_ratio: float = 0.0,
        tied: bool = True,
        init: Init = 0.01,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        for name, size in {"vocabulary": vocabulary, "width": width, "layers": layers}.items():
            check_size(who, name, size)
        check_flags(who, tied=tied)
        rng = generator_of(who, rng)
        self.vocabulary, self.tied = int(vocabulary), tied
        named: dict[str, Layer] = {"Embedding1": Embedding.create(vocabulary, width, init, rng)}
        for number in range(1, layers + 1):
            if dropout_ratio:
                named[f"Dropout{number}"] = Dropout(dropout_ratio, rng)
            named[f"LSTM{number}"] = LSTM.create(width, width, stateful=True, return_state=True, rng=rng)
        if dropout_ratio:
            named[f"Dropout{layers + 1}"] = Dropout(dropout_ratio, rng)
        if tied:
            named["Bias1"] = Bias.create(vocabulary)
        else:
            named["Linear1"] = Linear.create(width, vocabulary, "lecun", rng)
        super().__init__(named, loss=SoftmaxWithLoss())

    def forward(self, x: Array) -> Array:  # type: ignore[override]
        return self.read(x, [(None, None)] * len(self.layers))[0]

    def read(self, x: Any, states: States) -> tuple[Array, States]:
        """Return the scores of symbols and the states of the LSTMs after them, given those before them."""
        after: States = []
        for layer in self.layers.values():
            if isinstance(layer, LSTM):
                x, h, c = layer(x, None, *states[len(after)])
                after.append((h, c))
            elif isinstance(layer, Bias):
                W = self.layers["Embedding1"].W  # type: ignore[attr-defined]
                x = layer(in_rows_of(x, rows(x) @ W.T))
            else:
                x = layer(x)
        return x, after

    def reset_state(self) -> None:
        """Start the next sequences from zeros."""
        for layer in self.layers.values():
            if isinstance(layer, LSTM):
                layer.reset_state()

    def perplexity(self, x: Array, t: Array, length: int = 32) -> float:
        """Return how many symbols seem to come next, ``exp(mean loss)``, for texts that are read from their beginning.

        They are read ``length`` steps at a time, and the states of training are left as they are.

        Shapes: ``x (N, L)``, ``t (N, L)`` integer.
        Raises: ``ArgumentError`` for a length below 1; ``ShapeError`` for other targets, and for texts without steps.
        """
        who = f"{type(self).__name__}.perplexity"
        check_size(who, "length", length)
        if x.ndim != 2 or x.shape[1] == 0:
            raise ShapeError(who, "x must be (N, L) with at least one step", tuple(x.shape), "give rows of text")
        inside, total, steps = self.inferring(), 0.0, x.shape[1]
        states = self.zeros(x.shape[0])
        for start in range(0, steps, length):
            part = slice(start, min(start + length, steps))
            scores, states = inside.read(x[:, part], states)
            total += float(to_numpy(self._loss_layer().predict(scores, t[:, part]))) * (part.stop - start)
        return exp(min(total / steps, LARGEST))

    def zeros(self, rows: int) -> States:
        """Return the states before some texts, for each LSTM, or more of them."""
        Wh = self.params["LSTM1.Wh"]
        zero = array_namespace(Wh).zeros((rows, Wh.shape[0]), dtype=Wh.dtype, device=device_of(Wh))
        return [(zero, zero)] * len(self.layers)

    def generate(
        self,
        prompt: Array | Sequence[Array],
        count: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        rng: Generator | None = None,
        **options: Any,
    ) -> Any:
        """Return the prompt and ``count`` more symbols, each drawn from ``softmax(y / temperature)`` of those before.

        It begins from zeros, and leaves the states of training as they are. The other ``options``, such as ``top_p``,
        ``stop`` and ``beams``, and all else are as in ``TransformerLM.generate``.

        Shapes: ``prompt (L,)`` or ``(N, L)`` integer, result ``(L + count,)`` or ``(N, L + count)``.
        Raises: as ``TransformerLM.generate``.
        """
        who = f"{type(self).__name__}.generate"
        choice = Choice(temperature, top_k, **options).checked(who, self.vocabulary)
        prompts = checked_prompts(who, "prompt", prompt, self.vocabulary)
        found = generated(who, lambda: Reader(self), prompts, count, choice, generator_of(who, rng))
        return given_back(self.params["Embedding1.W"], prompt, found, choice.stop)


class Reader:
    """A ``RecurrentLM`` that goes on from the symbols it has seen; see ``Scoring``."""

    def __init__(self, network: RecurrentLM) -> None:
        self.network = network.inferring()
        self.backend = backend_of(network.params["Embedding1.W"])
        self.states: States = []
        self.length = 0

    def scores(self, symbols: Host) -> Host:
        """Return the scores of what follows the symbols, of which only the new ones are read."""
        new = self.backend.asarray(np.ascontiguousarray(symbols[:, self.length :]))
        states = self.states or self.network.zeros(len(symbols))
        y, self.states = self.network.read(new, states)
        self.length = symbols.shape[1]
        return np.asarray(to_numpy(y[:, -1, :]), np.float64)

    def choose(self, rows: Host) -> None:
        """Go on with other samples."""
        chosen = self.backend.asarray(rows)
        self.states = [(some(h, chosen), some(c, chosen)) for h, c in self.states]


def some(state: Array, rows: Array) -> Array:
    """Return the states of some rows."""
    return array_namespace(state).take(state, rows, axis=0)  # type: ignore[no-any-return]
