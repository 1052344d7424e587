"""Tables of vectors for numbers and positions."""

from __future__ import annotations

from math import log, prod
from typing import Self

from xpnet import kernels
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name, library_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.initializers import Init, normal_weights
from xpnet.kernels.scatter import wide
from xpnet.layers.base import Layer
from xpnet.layers.past import Past
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Embedding(Layer):
    """A vector for each number of a vocabulary, ``y[...] = W[x[...]]``.

    Shapes: ``x (N, ...)`` integer, from 0 to V - 1, ``W (V, D)``, ``y (N, ..., D)``.
    Backward: ``dW[v] = Σ dout[n]`` over n with ``x[n] = v``; integers have no dx.
    Raises: ``DtypeError`` for floating x; ``ArgumentError`` for an index outside the vocabulary where it can be read
    without stalling a device (elsewhere its vector is NaN).
    Source: Bengio et al., 2003, section 2.
    """

    parameters = ("W",)
    differentiable = ()
    shapes = {"W": "V D"}

    W: Array

    def forward(self, x: Array) -> Array:
        self.check_indices(x)
        xp = array_namespace(self.W, x)
        V, D = self.W.shape
        self.x = xp.reshape(x, (prod(x.shape),))
        indices = wide(self.x)
        known = (indices >= 0) & (indices < V)
        y = xp.take(self.W, xp.where(known, indices, xp.zeros_like(indices)), axis=0)
        nan = xp.full((), float("nan"), dtype=y.dtype, device=device_of(y))  # a GPU would read outside of W
        return xp.reshape(xp.where(known[:, None], y, nan), (*x.shape, D))  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> None:
        V, D = self.W.shape
        rows = array_namespace(dout).reshape(dout, (self.x.shape[0], D))
        self.dW = kernels.scatter_add(rows, self.x, V)

    def check_indices(self, x: Array) -> None:
        """Raise DtypeError or ArgumentError for anything that is not an index into the table."""
        who, V = type(self).__name__, self.W.shape[0]
        if dtype_kind(x) != "integer":
            remedy = 'cast it with xn.asarray(x, dtype="int64")'
            raise DtypeError(who, "x must be integer indices", dtype_name(x.dtype), remedy)
        if library_of(array_namespace(x)).readable(x):
            indices = to_numpy(bottom(x))
            if indices.size and (indices.min() < 0 or indices.max() >= V):
                wrong = indices[(indices < 0) | (indices >= V)].flat[0]
                raise ArgumentError(who, f"indices must be from 0 to {V - 1}", wrong, "give W a row for each index")

    @classmethod
    def create(cls, vocabulary: int, width: int, init: Init = 0.02, rng: Generator | None = None) -> Self:
        """Return an Embedding with a table on the current backend, ``W = σ z``.

        ``init`` is σ. ``rng`` gives each layer numbers of its own.

        Raises: ``ArgumentError`` for sizes below 1.
        """
        rng = generator_of(cls.__name__, rng)
        return cls(normal_weights((vocabulary, width), init, rng, rng.next_name(cls.__name__) + ".W"))


class PositionalEmbedding(Layer):
    """A learned vector for each position, ``y[n, t] = x[n, t] + W[t]``.

    Shapes: ``x, y (N, L, D)``, ``W (T, D)`` with L ≤ T.
    Backward: ``dx = dout``, ``dW[t] = Σₙ dout[n, t]``, 0 where t ≥ L.
    Raises: ``ShapeError`` for a longer sequence.
    Source: Gehring et al., 2017, section 3.1.
    """

    parameters = ("W",)
    shapes = {"x": "N L D", "W": "T D"}
    holomorphic = True

    W: Array
    past: Past | None = None

    def forward(self, x: Array) -> Array:
        L, T = x.shape[1], self.W.shape[0]
        start = 0 if self.past is None else self.past.advanced(L)
        if start + L > T:
            raise ShapeError(
                type(self).__name__,
                f"x must have at most {T} positions",
                start + L,
                "cut it, or give W a row for each position",
            )
        y: Array = x + (self.W[:L, :] if start == 0 else rows_from(self.W, start, L))
        return y

    def backward(self, dout: Array) -> Array:
        xp = array_namespace(dout)
        L, (T, D) = dout.shape[1], self.W.shape
        self.dW = xp.sum(dout, axis=0)
        if L < T:
            rest = xp.zeros((T - L, D), dtype=dout.dtype, device=device_of(dout))
            self.dW = xp.concat([self.dW, rest], axis=0)
        return dout

    @classmethod
    def create(cls, length: int, width: int, init: Init = 0.02, rng: Generator | None = None) -> Self:
        """Return a PositionalEmbedding of up to ``length`` positions, with the arguments of ``Embedding.create``."""
        rng = generator_of(cls.__name__, rng)
        return cls(normal_weights((length, width), init, rng, rng.next_name(cls.__name__) + ".W"))


class PositionalEncoding(Layer):
    """Waves of the position, ``y[t, 2i] = x + sin(t / 10000^(2i/D))``, ``y[t, 2i+1] = x + cos(t / 10000^(2i/D))``.

    Shapes: ``x, y (N, L, D)``.
    Backward: ``dx = dout``.
    Source: Vaswani et al., 2017, section 3.5.
    """

    shapes = {"x": "N L D"}
    past: Past | None = None

    def forward(self, x: Array) -> Array:
        y: Array = x + waves(x, 0 if self.past is None else self.past.advanced(x.shape[1]))
        return y

    def backward(self, dout: Array) -> Array:
        return dout


def rows_from(W: Array, start: int, count: int) -> Array:
    """Return some rows in a row; a slice would be compiled anew for each start where a library compiles."""
    xp = array_namespace(W)
    return xp.take(W, xp.arange(count, device=device_of(W)) + start, axis=0)  # type: ignore[no-any-return]


def waves(x: Array, start: int = 0) -> Array:
    """Return the encoding of the positions of x from ``start`` on, ``(L, D)``: sines in even columns, then cosines."""
    xp = array_namespace(x)
    _, L, D = x.shape
    like = {"dtype": xp.result_type(x.dtype, xp.float32), "device": device_of(x)}  # float16 can hold few positions
    t, i = xp.arange(L, **like) + start, xp.arange((D + 1) // 2, **like)
    angles = t[:, None] * xp.exp(i * (-2.0 * log(10000.0) / D))[None, :]
    pairs = xp.stack([xp.sin(angles), xp.cos(angles)], axis=-1)
    return xp.astype(xp.reshape(pairs, (L, 2 * i.shape[0]))[:, :D], x.dtype)  # type: ignore[no-any-return]
