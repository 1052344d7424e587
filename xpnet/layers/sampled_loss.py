"""Losses over a large vocabulary that score the true word and a few drawn ones, with a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import Any, Self

import numpy as np

from xpnet import kernels
from xpnet.arguments import check_size
from xpnet.backend import array_namespace, backend_of, device_of, get_backend, is_array, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import Init, normal_weights
from xpnet.kernels.scatter import wide
from xpnet.layers.activation import sigmoid, softplus
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags, is_number
from xpnet.layers.drawn import Drawn
from xpnet.layers.loss import (
    Loss,
    check_class_indices,
    check_not_empty,
    checked_ignore_index,
    checked_reduction,
    counted,
    kept_labels,
)
from xpnet.layers.row_gradient import RowGradient
from xpnet.random import Generator, drawn_before, generator_of
from xpnet.typing import Array


class Words:
    """The words of a vocabulary, to be drawn with probabilities ``p = fᵃ / Σ fᵃ`` by their frequencies f."""

    def __init__(self, who: str, frequencies: Any, power: float, V: int) -> None:
        f = np.ones(V) if frequencies is None else np.asarray(to_numpy(frequencies), dtype=np.float64)
        if f.shape != (V,):
            raise ShapeError(who, f"frequencies must be ({V},)", f.shape, "give one for each word")
        if not (np.all((f >= 0.0) & (f < inf)) and f.any()):
            must = "frequencies must be finite, not negative and not all 0"
            raise ArgumentError(who, must, repr(frequencies), "leave them out to draw all words alike")
        shares = np.where(f > 0.0, f, 1.0) ** power * (f > 0.0)
        self.p = shares / shares.sum()
        self.ends = np.cumsum(self.p)
        self.ends[np.flatnonzero(self.p)[-1] :] = 1.0  # rounding must not reach words that never occur

    def drawn(self, shape: tuple[int, int], rng: Generator, stream: str, step: int, start: int) -> Any:
        """Return words with repetition; the same for the same stream and step."""
        return np.searchsorted(self.ends, rng.uniform(shape, stream, step, start=start), side="right")


class SampledLoss(Drawn, Loss):
    """The base of losses that compare the score of the true word with those of K drawn ones, ``xₙ · W[v]``.

    A row of W belongs to a word. ``frequencies``, one for each word, with the exponent ``power``, are the odds by which
    words are drawn; without them, all are as likely. Words are drawn on the host, equal on every backend for the seed
    of ``rng``, the name of the stream and ``step``, which counts the calls in training and is saved as state. A network
    names the table ``loss.W``. ``by_rows`` is that of ``Embedding``.
    """

    parameters = ("W",)
    shapes = {"x": "... D", "W": "V D"}
    takes_classes = True
    of_scores = False

    W: Array

    def __init__(
        self,
        W: Array,
        frequencies: Array | Sequence[float] | None = None,
        negatives: int = 5,
        power: float = 0.75,
        ignore_index: int | None = None,
        reduction: str = "mean",
        rng: Generator | None = None,
        *,
        by_rows: bool = False,
    ) -> None:
        Layer.__init__(self, W)
        who = type(self).__name__
        check_size(who, "negatives", negatives)
        check_flags(who, by_rows=by_rows)
        if not is_number(power) or not 0.0 <= power < inf:
            raise ArgumentError(who, "power must be at least 0 and finite", repr(power), "try 0.75")
        listed = frequencies is not None and not is_array(frequencies)
        self.frequencies = get_backend().asarray(np.asarray(frequencies, dtype=np.float64)) if listed else frequencies
        self.negatives, self.power, self.by_rows = int(negatives), float(power), bool(by_rows)
        self.ignore_index = checked_ignore_index(who, ignore_index)
        self.reduction = checked_reduction(who, reduction)
        self.words = Words(who, frequencies, self.power, W.shape[0])
        self.draw_by(rng)

    def per_sample(self, x: Array, t: Array) -> Array:
        who, (V, D) = type(self).__name__, self.W.shape
        check_class_indices(who, x.shape[:-1], t, V, self.ignore_index)
        check_not_empty(who, x)
        labels, kept = kept_labels(t, x, V, self.ignore_index)
        if self.ignore_index is not None:
            (x,) = counted(kept, x)
        self.kept, self.counts = kept, None if self.ignore_index is None else kept
        xp, n = array_namespace(self.W, x, labels), prod(t.shape)
        self.x = xp.reshape(x, (n, D))
        losses: Array = xp.reshape(self.of_words(xp.reshape(labels, (n,))), t.shape) * kept
        return losses

    def classes_of(self, scores: Array) -> int:  # noqa: ARG002 (a row of scores is a vector)
        return self.W.shape[0]

    def of_words(self, t: Array) -> Array:
        """Return the loss of each row of ``self.x``, given the number of its true word."""
        raise NotImplementedError

    def draws(self, rows: int) -> Array:
        """Return drawn words ``(rows, K)`` on the device of W, and count the step.

        Raises: ``StateError`` in a capture, whose replays would draw the same words.
        """
        shape = rows, self.negatives
        start = drawn_before(prod(shape)) if rows > 1 else 0
        host = self.words.drawn(shape, self.rng, self.stream, self.step_on_host(), start)
        if self.training:
            self.step += 1
        return wide(backend_of(self.W).asarray(host, "int64"))

    def each(self, dout: Any) -> Any:
        """Return the derivative with respect to each row's loss, ``(N, 1)`` or a number."""
        each = self.dlosses(dout) * self.kept[..., None]
        return array_namespace(each).reshape(each, (self.x.shape[0], 1))

    def summed(self, d: Array, words: Array) -> Any:
        """Return dW, ``Σ d[n]`` over n with that word; with ``by_rows``, only the rows that have one."""
        if self.by_rows and not hasattr(type(d), "differentiates"):
            return RowGradient.of(d, words, self.W.shape)
        return kernels.scatter_add(d, words, self.W.shape[0])

    @classmethod
    def create(
        cls,
        vocabulary: int,
        width: int,
        frequencies: Array | Sequence[float] | None = None,
        negatives: int = 5,
        init: Init = 0.02,
        rng: Generator | None = None,
        **options: Any,
    ) -> Self:
        """Return a loss with a table on the current backend, ``W = σ z``; ``init`` is σ, 0 as in the original word2vec.

        Raises: ``ArgumentError`` for sizes below 1 and options out of range.
        """
        rng = generator_of(cls.__name__, rng)
        W = normal_weights((vocabulary, width), init, rng, rng.next_name(cls.__name__) + ".W")
        return cls(W, frequencies, negatives, rng=rng, **options)


class NegativeSamplingLoss(SampledLoss):
    """Yes for the true word and no for K drawn ones, ``L = -Σₙ (log σ(xₙ·W[tₙ]) + Σₖ log σ(-xₙ·W[sₙₖ])) / N``.

    Here ``σ(z) = 1 / (1 + e⁻ᶻ)``. Each row has K words s of its own, ``negatives``; one that is the true word counts 0.

    Shapes: ``x (..., D)``, ``t (...)`` integer, ``weights`` over leading axes of t, ``W (V, D)``.
    Backward: ``dx = dout Σⱼ (σ(zⱼ) - yⱼ) W[vⱼ] / N``, ``dW[v] = dout Σ (σ(zⱼ) - yⱼ) x / N`` over all j with ``vⱼ = v``,
    where y is 1 for the true word, else 0.
    Raises: ``ShapeError`` for words that do not fit or an empty batch; ``ArgumentError`` for options out of range, and
    for a word outside 0 … V - 1 where it can be read without stalling a device (elsewhere the loss is NaN).
    Source: Mikolov et al., 2013, "Distributed representations of words and phrases", section 2.2.

    >>> loss = NegativeSamplingLoss.create(vocabulary=100, width=2, negatives=5)
    >>> x, t = np.ones((1, 2), dtype="float32"), np.array([7])
    >>> L = loss.forward(x, t)
    >>> dx = loss.backward()
    >>> np.count_nonzero(loss.dW[:, 0])  # the true word and five drawn ones, not all 100
    np.int64(6)
    """

    def of_words(self, t: Array) -> Array:
        xp = array_namespace(self.W, self.x)
        n, D = self.x.shape
        drawn = self.draws(n)
        t = wide(t)[:, None]
        other = xp.astype(t != drawn, self.x.dtype)
        self.v = xp.reshape(xp.concat([t, drawn], axis=1), (-1,))
        self.rows = xp.reshape(xp.take(self.W, self.v, axis=0), (n, 1 + self.negatives, D))
        z = xp.sum(self.rows * self.x[:, None, :], axis=2)
        s = sigmoid(z)
        self.d = xp.concat([s[:, :1] - 1.0, other * s[:, 1:]], axis=1)
        return softplus(-z[:, 0]) + xp.sum(other * softplus(z[:, 1:]), axis=1)  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(self.d)
        d = (self.d * self.each(dout))[:, :, None]
        self.dW = self.summed(xp.reshape(d * self.x[:, None, :], (self.v.shape[0], self.x.shape[1])), self.v)
        return xp.reshape(xp.sum(d * self.rows, axis=1), (*self.kept.shape, self.x.shape[1]))  # type: ignore[no-any-return]


class SampledSoftmaxLoss(SampledLoss):
    """Cross-entropy over the true word and K drawn ones, ``L = -Σₙ log(eᶻ[tₙ] / (eᶻ[tₙ] + Σₖ eᶻ[sₖ])) / N``.

    Here ``z[t] = xₙ·W[t]``, and ``z[s] = xₙ·W[s] - log(K p[s])`` with p the probability that s is drawn: the sum is in
    the mean that over all words, and for a large K the gradient nears that of the softmax. All rows share the K words;
    one that is the true word of a row counts 0 there. ``predict`` computes the loss of the softmax over all V words.

    Shapes: ``x (..., D)``, ``t (...)`` integer, ``weights`` over leading axes of t, ``W (V, D)``.
    Backward: ``dx = dout Σᵥ (y[v] - 1[v = t]) W[v] / N``, ``dW[v] = dout Σₙ (y[v] - 1[v = t]) xₙ / N`` with y the
    shares of eᶻ.
    Raises: as ``NegativeSamplingLoss``.
    Source: Bengio and Senécal, 2008, section 3; Jean et al., 2015, section 3.

    >>> loss = SampledSoftmaxLoss.create(vocabulary=1000, width=2, negatives=20)
    >>> x, t = np.ones((1, 2), dtype="float32"), np.array([7])
    >>> print(f"{loss.forward(x, t):.2f} {loss.predict(x, t):.2f} {np.log(1000):.2f}")  # the sample tells of all words
    6.96 6.94 6.91
    """

    def of_words(self, t: Array) -> Array:
        xp = array_namespace(self.W, self.x)
        t = wide(t)
        one = xp.take(self.W, t, axis=0)
        z = xp.sum(one * self.x, axis=1, keepdims=True)
        if self.training:
            self.v = self.draws(1)[0, :]
            likely = xp.take(backend_of(self.W).asarray(self.words.p, self.W.dtype), self.v, axis=0)
            others = self.x @ xp.take(self.W, self.v, axis=0).T - xp.log(self.negatives * likely)
        else:
            self.v = xp.arange(self.W.shape[0], dtype=t.dtype, device=device_of(t))
            others = self.x @ self.W.T
        self.t = t
        hit = t[:, None] == self.v[None, :]
        lowest = xp.full((), -inf, dtype=z.dtype, device=device_of(z))
        z = xp.concat([z, xp.where(hit, lowest, others)], axis=1)
        z = z - xp.max(z, axis=1, keepdims=True)
        e = xp.exp(z)
        total = xp.sum(e, axis=1, keepdims=True)
        self.y = e / total
        return (xp.log(total) - z[:, :1])[:, 0]  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(self.y)
        each = self.each(dout)
        d, others = (self.y[:, :1] - 1.0) * each, self.y[:, 1:] * each
        rows = xp.concat([d * self.x, others.T @ self.x], axis=0)
        self.dW = self.summed(rows, xp.concat([self.t, self.v]))
        dx = d * xp.take(self.W, self.t, axis=0) + others @ xp.take(self.W, self.v, axis=0)
        return xp.reshape(dx, (*self.kept.shape, self.x.shape[1]))  # type: ignore[no-any-return]
