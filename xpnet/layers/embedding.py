"""Tables of vectors for numbers and positions."""

from __future__ import annotations

from math import inf, log, nan, prod
from typing import Any, Self

from xpnet import kernels
from xpnet.arguments import is_whole
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name, library_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.initializers import Init, normal_weights
from xpnet.kernels.scatter import wide
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags, is_number
from xpnet.layers.past import Past
from xpnet.layers.row_gradient import RowGradient
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Embedding(Layer):
    """A vector for each number of a vocabulary, ``y[...] = W[x[...]]``.

    With a ``padding_idx``, y is 0 where x is that number, and so is the gradient of its row, which ``create`` sets to
    0. With a ``max_norm`` c, a longer row is looked up as ``W[x] c / ‖W[x]‖``; W stays as it is (torch overwrites its
    rows, and its gradient leaves the norm out). With ``by_rows=True``, dW is a ``RowGradient``, so that a step costs as
    much as the rows of a batch and not as the table: an optimizer then updates these rows and their slots by its
    formula, and leaves all others as they are, without momentum or weight decay.

    Shapes: ``x (N, ...)`` integer, from 0 to V - 1, ``W (V, D)``, ``y (N, ..., D)``.
    Backward: ``dW[v] = Σ dout[n]`` over n with ``x[n] = v``; integers have no dx.
    Raises: ``DtypeError`` for floating x; ``ArgumentError`` for options out of range, and for an index outside the
    vocabulary where it can be read without stalling a device (elsewhere its vector is NaN).
    Source: Bengio et al., 2003, section 2.

    >>> embedding = Embedding(np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
    >>> embedding.forward(np.array([[2, 1, 2]]))
    array([[[3., 4.],
            [1., 2.],
            [3., 4.]]])
    >>> embedding.backward(np.ones((1, 3, 2)))
    >>> embedding.dW  # 2 was there twice, 0 not at all
    array([[0., 0.],
           [1., 1.],
           [2., 2.]])
    """

    parameters = ("W",)
    differentiable = ()
    shapes = {"W": "V D"}

    W: Array

    def __init__(
        self, W: Array, *, padding_idx: int | None = None, max_norm: float | None = None, by_rows: bool = False
    ) -> None:
        super().__init__(W)
        who = type(self).__name__
        if padding_idx is not None and not (is_whole(padding_idx, 0) and padding_idx < W.shape[0]):
            must = f"padding_idx must be from 0 to {W.shape[0] - 1}"
            raise ArgumentError(who, must, repr(padding_idx), "choose a number of the vocabulary")
        if max_norm is not None and not (is_number(max_norm) and 0.0 < max_norm < inf):
            raise ArgumentError(who, "max_norm must be above 0 and finite", repr(max_norm), "leave it out for no limit")
        check_flags(who, by_rows=by_rows)
        self.padding_idx = None if padding_idx is None else int(padding_idx)
        self.max_norm = None if max_norm is None else float(max_norm)
        self.by_rows = bool(by_rows)

    def forward(self, x: Array) -> Array:
        rows = self.rows_at(x)
        return array_namespace(rows).reshape(rows, (*x.shape, rows.shape[1]))  # type: ignore[no-any-return]

    def backward(self, dout: Array) -> None:
        self.take_gradient(array_namespace(dout).reshape(dout, (self.x.shape[0], self.W.shape[1])))

    def rows_at(self, x: Array) -> Array:
        """Return the row of each number, ``(n, D)``: 0 for padding, and NaN for a number outside the vocabulary."""
        self.check_indices(x)
        xp = array_namespace(self.W, x)
        V = self.W.shape[0]
        self.x = xp.reshape(x, (prod(x.shape),))
        indices = wide(self.x)
        known = (indices >= 0) & (indices < V)
        self.rows = y = xp.take(self.W, xp.where(known, indices, xp.zeros_like(indices)), axis=0)
        zero, one, none = (xp.full((), number, dtype=y.dtype, device=device_of(y)) for number in (0.0, 1.0, nan))
        if self.max_norm is not None:
            square = xp.sum(y * y, axis=1, keepdims=True)
            self.long = square > self.max_norm**2
            self.scale = xp.where(self.long, self.max_norm / xp.sqrt(xp.where(self.long, square, one)), one)
            y = y * self.scale
        y = xp.where(known[:, None], y, none)  # a GPU would read outside of W
        return y if self.padding_idx is None else xp.where((indices == self.padding_idx)[:, None], zero, y)  # type: ignore[no-any-return]

    def take_gradient(self, d: Array) -> None:
        """Assign dW, given the gradient of each row that was looked up."""
        xp = array_namespace(d, self.rows)
        if self.padding_idx is not None:
            d = xp.where((wide(self.x) == self.padding_idx)[:, None], xp.zeros_like(d), d)
        if self.max_norm is not None:
            along = self.rows * xp.sum(self.rows * d, axis=1, keepdims=True) * (self.scale / self.max_norm) ** 2
            d = self.scale * xp.where(self.long, d - along, d)
        self.dW = self.summed(d, self.x)

    def summed(self, d: Array, x: Array) -> Any:
        """Return dW, ``Σ d[n]`` over n with ``x[n] = v``; with ``by_rows``, only the rows that have one."""
        if self.by_rows and not hasattr(type(d), "differentiates"):
            return RowGradient.of(d, x, self.W.shape)
        return kernels.scatter_add(d, x, self.W.shape[0])

    def check_indices(self, x: Array) -> None:
        """Raise DtypeError or ArgumentError for anything that is not an index into the table."""
        check_words(type(self).__name__, "x", x, self.W.shape[0])

    @classmethod
    def create(
        cls,
        vocabulary: int,
        width: int,
        init: Init = 0.02,
        rng: Generator | None = None,
        padding_idx: int | None = None,
        **options: Any,
    ) -> Self:
        """Return a layer with a table on the current backend, ``W = σ z``, and 0 in the row of ``padding_idx``.

        ``init`` is σ. ``rng`` gives each layer numbers of its own. ``options`` are those of the constructor.

        Raises: ``ArgumentError`` for sizes below 1 and options out of range.
        """
        rng = generator_of(cls.__name__, rng)
        W = normal_weights((vocabulary, width), init, rng, rng.next_name(cls.__name__) + ".W")
        layer = cls(W, padding_idx=padding_idx, **options)
        if padding_idx is not None:
            xp = array_namespace(W)
            padding = xp.arange(vocabulary, device=device_of(W)) == padding_idx
            layer.W = xp.where(padding[:, None], xp.zeros_like(W), W)
        return layer


def check_words(who: str, name: str, x: Array, V: int) -> None:
    """Raise unless x holds integers from 0 to V - 1, where they can be read without stalling a device.

    Raises: ``DtypeError``, ``ArgumentError``.
    """
    if dtype_kind(x) != "integer":
        remedy = f'cast it with xn.asarray({name}, dtype="int64")'
        raise DtypeError(who, f"{name} must be integer indices", dtype_name(x.dtype), remedy)
    if library_of(array_namespace(x)).readable(x):
        indices = to_numpy(bottom(x))
        if indices.size and (indices.min() < 0 or indices.max() >= V):
            wrong = indices[(indices < 0) | (indices >= V)].flat[0]
            raise ArgumentError(who, f"indices must be from 0 to {V - 1}", wrong, "give W a row for each index")


class PositionalEmbedding(Layer):
    """A learned vector for each position, ``y[n, t] = x[n, t] + W[t]``.

    Shapes: ``x, y (N, L, D)``, ``W (T, D)`` with L ≤ T.
    Backward: ``dx = dout``, ``dW[t] = Σₙ dout[n, t]``, 0 where t ≥ L.
    Raises: ``ShapeError`` for a longer sequence.
    Source: Gehring et al., 2017, section 3.1.

    >>> PositionalEmbedding(np.array([[1.0], [2.0], [3.0]])).forward(np.array([[[10.0], [10.0]]]))
    array([[[11.],
            [12.]]])
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

    >>> PositionalEncoding().forward(np.zeros((1, 3, 4)))
    array([[[ 0.    ,  1.    ,  0.    ,  1.    ],
            [ 0.8415,  0.5403,  0.01  ,  1.    ],
            [ 0.9093, -0.4161,  0.02  ,  0.9998]]])
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
