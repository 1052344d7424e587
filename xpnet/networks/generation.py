"""Symbols that follow others, from the scores of a network that keeps what it has computed for earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from xpnet.backend import backend_of, is_array, to_numpy
from xpnet.errors import ArgumentError, DivergenceError, DtypeError, ShapeError
from xpnet.initializers import check_size
from xpnet.layers import Layer
from xpnet.layers.bodies import is_plain, libraries_for
from xpnet.layers.checks import check_one_place
from xpnet.layers.container import within
from xpnet.layers.past import Past
from xpnet.networks.choice import Choice, Host, log_softmax
from xpnet.networks.plan import Plan
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator
from xpnet.typing import Array


class Scoring(Protocol):
    """A network that gives scores of the next symbol, and keeps what it needs of those it has seen."""

    def scores(self, symbols: Host) -> Host:
        """Return the scores ``(N, V)`` of what follows the symbols ``(N, L)``, which go on from those of before."""

    def choose(self, rows: Host) -> None:
        """Go on with other samples, those at ``rows`` of the samples of before; one may occur several times."""


def with_pasts(layer: Layer) -> tuple[Layer, list[Past]]:
    """Return a copy of a layer for inference that goes on from where it ended, and the pasts of all inside it.

    Raises: ``ArgumentError`` for attention that sees what follows.
    """
    copy, pasts = layer.inferring(), []
    for inner in within(copy):
        if hasattr(type(inner), "past"):
            if not getattr(inner, "causal", True) and "memory" not in inner.inputs:
                must = "attention must be causal where a sequence goes on"
                raise ArgumentError(
                    type(inner).__name__, must, "causal=False", "let each position see only those before it"
                )
            inner.past = Past()  # type: ignore[attr-defined]
            pasts.append(inner.past)  # type: ignore[attr-defined]
    return copy, pasts


def inferred_by_bodies(layer: Layer) -> Any:
    """Return a layer as a plan runs it in inference, or itself where it runs by its equations.

    What enters it is not checked.
    """
    arrays = list(layer.params.values())
    libraries = libraries_for(type(arrays[0])) if arrays else ()
    if not libraries or is_plain():
        return layer
    plan = Plan(Sequential({"layer": layer}), libraries)
    return plan.inference.layers["layer"] if plan.runs and plan.at_home() else layer


class Continued:
    """A network of layers in a row that goes on from the symbols it has seen: each position is computed once.

    Of the last ``context`` symbols the network sees no more, and beyond them their positions move: then all of them are
    computed again. Layers from the one named ``last`` on see the last position alone, and ``finish`` makes scores of
    what they give.
    """

    def __init__(self, network: Any, last: str, finish: Callable[[Array], Array], context: int) -> None:
        made = {name: with_pasts(layer) for name, layer in network.layers.items()}
        self.pasts = [past for _, pasts in made.values() for past in pasts]
        layers = {name: layer for name, (layer, _) in made.items()}
        at = list(layers).index(last)
        self.parts = [Sequential(dict(list(layers.items())[part])) for part in (slice(0, at), slice(at, None))]
        for part in self.parts:
            part.precision = network.precision
        self.backend = backend_of(next(iter(network.params.values())))
        self.finish, self.context = finish, context
        self.length = 0
        self.runs: list[Callable[[Array], Array]] = []

    def scores(self, symbols: Host) -> Host:
        """Return the scores of what follows the symbols, of which only the new ones are computed."""
        L = symbols.shape[1]
        if self.context < L:
            self.length, symbols = 0, symbols[:, -self.context :]
            for past in self.pasts:
                past.begin()
        x = self.backend.asarray(np.ascontiguousarray(symbols[:, self.length :]))
        self.length = L
        if not self.runs:
            self.runs = [part.inference_of(x) for part in self.parts]
        body, head = self.runs
        h = body(x)
        y = self.finish(head(h if h.shape[1] == 1 else h[:, -1:, :]))
        return np.asarray(to_numpy(y)[:, -1, :], np.float64)

    def choose(self, rows: Host) -> None:
        """Go on with other samples."""
        chosen = self.backend.asarray(rows)
        for past in self.pasts:
            past.choose(chosen)


def written(who: str, model: Scoring, prompts: list[Host], count: int, choice: Choice, rng: Generator) -> list[Host]:
    """Return each prompt and what follows it, ``count`` symbols or those up to ``choice.stop``.

    Where a prompt is longer than another, it has the word as long as it lasts, while the other one is continued.
    """
    stream = rng.next_name("generate")
    lengths = [len(prompt) for prompt in prompts]
    ends = [length + count for length in lengths]
    first = min(lengths)
    symbols = np.stack([prompt[:first] for prompt in prompts])
    for at in range(first, max(ends)):
        if all(at >= end for end in ends):
            break
        scores = choice.penalized(finite(who, model.scores(symbols)), symbols)
        u = None if choice.temperature == 0.0 else rng.uniform((len(prompts), 1), stream, at - first)
        following = choice.drawn(scores, u)
        for n, (prompt, length, end) in enumerate(zip(prompts, lengths, ends, strict=True)):
            if at < length:
                following[n] = prompt[at]
            elif at < end and following[n, 0] == choice.stop:
                ends[n] = at + 1
        symbols = np.concatenate([symbols, following], axis=1)
    return [row[:end] for row, end in zip(symbols, ends, strict=True)]


def searched(who: str, model: Scoring, prompt: Host, count: int, choice: Choice) -> list[Host]:
    """Return each prompt ``(N, L)`` with the best that a beam search finds, ``argmax Σ log p / n^length_penalty``.

    ``choice.beams`` continuations of each prompt are kept from step to step, those with the largest sums; one that has
    ended stays as it is. n is the number of symbols that follow.
    """
    N, L = prompt.shape
    beams = choice.beams or 1
    symbols, sums, ended = prompt, np.zeros((N, 1)), np.zeros((N, 1), dtype=bool)
    lengths = np.zeros((N, 1), dtype=np.int64)
    for _ in range(count):
        width = sums.shape[1]
        scores = log_softmax(choice.penalized(finite(who, model.scores(symbols)), symbols))
        V = scores.shape[1]
        gains = scores.reshape(N, width, V)
        if choice.stop is not None:  # what has ended goes on with the stop, which costs nothing
            gains[ended] = -np.inf
            gains[ended, choice.stop] = 0.0
        total = (sums[:, :, None] + gains).reshape(N, width * V)
        best = np.argsort(-total, axis=1, kind="stable")[:, :beams]
        sums = np.take_along_axis(total, best, axis=1)
        origin, following = best // V, best % V
        lengths, ended = (np.take_along_axis(kept, origin, axis=1) for kept in (lengths, ended))
        lengths = lengths + ~ended
        ended = ended | (following == choice.stop)
        rows = (origin + width * np.arange(N)[:, None]).reshape(-1)
        symbols = np.concatenate([symbols[rows], following.reshape(-1, 1)], axis=1)
        if ended.all():
            break
        model.choose(rows)
    best = np.argmax(sums / lengths**choice.length_penalty, axis=1)
    rows = best + sums.shape[1] * np.arange(N)
    return [symbols[row, : L + lengths.reshape(-1)[row]] for row in rows]


def generated(
    who: str,
    model: Callable[[], Scoring],
    prompts: list[Host],
    count: int,
    choice: Choice,
    rng: Generator,
) -> list[Host]:
    """Return each prompt and what follows it, drawn or searched for, by a new model each time it is needed."""
    check_size(who, "count", count)
    if choice.beams is None:
        return written(who, model(), prompts, count, choice, rng)
    if len({len(prompt) for prompt in prompts}) == 1:
        return searched(who, model(), np.stack(prompts), count, choice)
    return [searched(who, model(), prompt[None], count, choice)[0] for prompt in prompts]


def finite(who: str, scores: Host) -> Host:
    """Return the scores, of which each row must have a finite maximum.

    Raises: ``DivergenceError``.
    """
    top = np.maximum.reduce(scores, axis=1)
    if not np.logical_and.reduce(np.isfinite(top)):
        raise DivergenceError(
            who, "scores must be finite", np.max(top), "look for values in params that are not finite"
        )
    return scores


def given_back(like: Any, prompt: Array | Sequence[Array], found: list[Host], fill: int | None) -> Any:
    """Return symbols in the form in which prompts came: an array of one or two axes, or a list of arrays.

    ``like`` is an array of the backend. Rows of one array that end early are filled.
    """
    backend = backend_of(like)
    if not is_array(prompt):
        return [backend.asarray(row) for row in found]
    if prompt.ndim == 1:  # type: ignore[union-attr]
        return backend.asarray(found[0])
    longest = max(map(len, found))
    rows = [np.concatenate([row, np.full(longest - len(row), fill or 0, dtype=row.dtype)]) for row in found]
    return backend.asarray(np.stack(rows))


def checked_prompts(who: str, name: str, prompt: Array | Sequence[Array], vocabulary: int) -> list[Host]:
    """Return the prompts on the host: an array of one, or of one in each row, or a list of several of any lengths.

    Raises: ``DtypeError``, ``ShapeError``, ``ArgumentError``.
    """
    if isinstance(prompt, list | tuple) and prompt and all(map(is_array, prompt)):
        return [row for one in prompt for row in checked_prompts(who, name, of_one_axis(who, name, one), vocabulary)]
    check_one_place(who, {name: prompt}, (name,))
    symbols = to_numpy(prompt)
    if symbols.dtype.kind not in "iu":
        remedy = f'cast it with xn.asarray({name}, dtype="int64")'
        raise DtypeError(who, f"{name} must be integer indices", symbols.dtype, remedy)
    if symbols.ndim not in (1, 2) or not symbols.size:
        must = f"{name} must be (L,) or (N, L) with at least one index"
        raise ShapeError(who, must, tuple(symbols.shape), "start it with a symbol")
    wrong = (symbols < 0) | (symbols >= vocabulary)
    if wrong.any():
        must = f"{name} must hold indices from 0 to {vocabulary - 1}"
        raise ArgumentError(who, must, symbols[wrong].flat[0], "encode it with the vocabulary of the training")
    return list(np.atleast_2d(symbols.astype(np.int64)))


def of_one_axis(who: str, name: str, prompt: Array) -> Array:
    """Return a prompt of a list.

    Raises: ``ShapeError`` unless it has one axis.
    """
    if prompt.ndim != 1:
        must = f"each {name} of a list must be (L,)"
        raise ShapeError(who, must, tuple(prompt.shape), "give an array (N, L) instead of the list")
    return prompt
