"""Vectors of words, learnt from the words around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import check_size
from xpnet.layers import Embedding, SigmoidWithLoss
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

Host = np.ndarray[Any, Any]


class CBOW(Network):
    """Continuous bag of words, ``y[n, k]`` how well the candidate k fits between the words around a place.

    ``y[n, k] = h · U[candidate k]`` with ``h = Σᵢ W[xᵢ] / C`` over the C words around. The first candidate is the word
    that stands there, the others are drawn (negative sampling): t is 1 for the first and 0 for them.

    ``params`` has ``Embedding1.W``, the vectors W of the words, and ``Embedding2.W``, the vectors U of the candidates.

    Shapes: ``x (N, C)`` and ``candidates (N, K)`` integer, ``y (N, K)``, ``t (N, K)`` floating.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: Mikolov et al., 2013a, section 3.1, and 2013b, section 2.2; Deep Learning from Scratch 2, section 4.2.

    >>> x = np.array([[0, 2], [0, 2], [3, 5], [3, 5]])  # 1 stands between 0 and 2, 4 between 3 and 5
    >>> candidates = np.array([[1, 4], [1, 3], [4, 1], [4, 2]])  # the word that is there, and another
    >>> t = np.array([[1.0, 0.0]] * 4, dtype="float32")
    >>> net, optimizer = CBOW(vocabulary=6, width=4), Adam(0.05)
    >>> for _ in range(40):
    ...     optimizer.update(net.params, net.gradient((x, candidates), t))
    >>> net.similar(0, count=2)[0]  # 0 and 2 stand near the same words
    array([0, 2])
    """

    differentiable = ()

    def __init__(self, vocabulary: int, width: int, rng: Generator | None = None) -> None:
        who = type(self).__name__
        for name, size in {"vocabulary": vocabulary, "width": width}.items():
            check_size(who, name, size)
        rng = generator_of(who, rng)
        tables = {name: Embedding.create(vocabulary, width, 0.01, rng) for name in ("Embedding1", "Embedding2")}
        super().__init__(tables, loss=SigmoidWithLoss())

    def forward(self, x: Array, candidates: Array) -> Array:  # type: ignore[override]
        words, outputs = self.layers.values()
        around, u = words(x), outputs(candidates)
        xp = array_namespace(around, u)
        h = xp.mean(around, axis=1)
        y: Array = xp.vecdot(u, h[:, None, :])
        return y

    def similar(self, vector: Any, count: int = 5) -> tuple[Host, Host]:
        """Return the words whose vectors are nearest to one, by the cosine, and their cosines, on the host.

        ``vector`` is a word, or an array of the width of the vectors, such as ``W[a] - W[b] + W[c]``. A word is near to
        itself, and comes first.

        Shapes: ``vector (D,)``, results ``(count,)``.
        Raises: ``ArgumentError`` for a word that is not from 0 to V - 1, or a count below 1; ``ShapeError`` for a
        vector of another width.
        """
        who, W = f"{type(self).__name__}.similar", to_numpy(self.params["Embedding1.W"]).astype(np.float64)
        check_size(who, "count", count)
        if isinstance(vector, int | np.integer):
            if not 0 <= vector < len(W):
                raise ArgumentError(who, f"a word must be from 0 to {len(W) - 1}", vector, "look it up")
            vector = W[vector]
        v = np.asarray(to_numpy(vector), dtype=np.float64)
        if v.shape != W.shape[1:]:
            raise ShapeError(who, f"a vector must be {W.shape[1:]}", v.shape, "give a word, or sums of the vectors")
        lengths = np.linalg.norm(W, axis=1) * np.linalg.norm(v)
        cosines = W @ v / np.where(lengths > 0.0, lengths, 1.0)
        nearest = np.argsort(-cosines, kind="stable")[:count]
        return nearest, cosines[nearest]


class SkipGram(CBOW):
    """Skip-gram, ``y[n, k] = W[xₙ] · U[candidate k]``: how well the candidate k fits near a word.

    Each row is a word and one of those near it, its first candidate; the rest is as in ``CBOW``.

    Shapes: ``x (N, 1)`` and ``candidates (N, K)`` integer, ``y (N, K)``, ``t (N, K)`` floating.
    Source: Mikolov et al., 2013a, section 3.2, and 2013b, section 2.2; Deep Learning from Scratch 2, section 3.5.

    >>> x = np.array([[0], [2], [3], [5]])  # 1 stands near 0 and 2, 4 near 3 and 5
    >>> candidates = np.array([[1, 4], [1, 4], [4, 1], [4, 1]])  # a word that is near, and another
    >>> t = np.array([[1.0, 0.0]] * 4, dtype="float32")
    >>> net, optimizer = SkipGram(vocabulary=6, width=4), Adam(0.05)
    >>> for _ in range(40):
    ...     optimizer.update(net.params, net.gradient((x, candidates), t))
    >>> net.similar(0, count=2)[0]
    array([0, 2])
    """
