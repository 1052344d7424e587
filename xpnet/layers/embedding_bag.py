"""Sums and means of the vectors of a table, bag by bag."""

from __future__ import annotations

from math import prod
from typing import Any

from xpnet import kernels
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name, library_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.kernels.scatter import wide
from xpnet.layers.embedding import Embedding
from xpnet.layers.loss import checked_reduction
from xpnet.typing import Array


class EmbeddingBag(Embedding):
    """The sum or mean of the vectors of a bag of numbers, ``y[n] = Σᵢ wᵢ W[xᵢ]`` over i in bag n.

    A row of ``x (N, L)`` is a bag, of which the first ``bags[n]`` numbers count, or all. ``x (T,)`` holds the bags one
    after another, and bag n begins at ``bags[n]``. The weights w are 1 unless they are given; with
    ``reduction="mean"``, which takes none, they are 1 / the number of i in the bag. Padding does not count. An empty
    bag gives 0. The other options are those of ``Embedding``.

    Shapes: ``x (N, L)`` or ``(T,)`` integer, from 0 to V - 1; ``bags (N,)`` integer, lengths or offsets; ``weights`` as
    ``x``; ``W (V, D)``, ``y (N, D)``.
    Backward: ``dW[v] = Σ wᵢ dout[n]`` over n and i in bag n with ``xᵢ = v``; integers have no dx.
    Raises: as ``Embedding``; ``ShapeError`` for bags or weights that do not fit x; ``ArgumentError`` for offsets that
    do not begin with 0 or fall, where they can be read without stalling a device.
    Source: Joulin et al., 2017, "Bag of tricks for efficient text classification", section 2.

    >>> bag = EmbeddingBag(np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 6.0]]))
    >>> bag.forward(np.array([1, 2, 2]), np.array([0, 2]))  # the bags [1, 2] and [2]
    array([[2., 4.],
           [3., 6.]])
    """

    differentiable = ()

    W: Array

    def __init__(
        self,
        W: Array,
        reduction: str = "mean",
        *,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        by_rows: bool = False,
    ) -> None:
        super().__init__(W, padding_idx=padding_idx, max_norm=max_norm, by_rows=by_rows)
        self.reduction = checked_reduction(type(self).__name__, reduction)

    def forward(self, x: Array, bags: Any = None, weights: Array | None = None) -> Array:
        self.check_bags(x, bags, weights)
        xp = array_namespace(self.W, x)
        size = prod(x.shape)
        numbers, counts = xp.arange(size, device=device_of(x)), xp.ones_like(x, dtype=xp.bool)
        if x.ndim == 2:
            N, L = x.shape
            self.bag = numbers // max(L, 1)
            if bags is not None:
                counts = xp.arange(L, device=device_of(x))[None, :] < wide(bags)[:, None]
                x = xp.where(counts, x, xp.zeros_like(x))
        else:
            N = bags.shape[0]
            starts = xp.ones((N, 1), dtype=self.W.dtype, device=device_of(x))
            begun = kernels.scatter_add(starts, bags, size)[:, 0]  # the bags that begin at each number
            self.bag = xp.cumulative_sum(xp.astype(begun, numbers.dtype)) - 1
        if self.padding_idx is not None:
            counts = counts & (x != self.padding_idx)
        rows = self.rows_at(x)
        self.w = xp.astype(xp.reshape(counts, (size,)), rows.dtype)
        if weights is not None:
            self.w = self.w * xp.reshape(weights, (size,))
        if self.reduction == "mean":
            count = kernels.scatter_add(self.w[:, None], self.bag, N)[:, 0]
            share = 1.0 / xp.maximum(count, xp.ones_like(count))
            self.w = self.w * xp.take(share, self.bag, axis=0)
        return kernels.scatter_add(self.w[:, None] * rows, self.bag, N)

    def backward(self, dout: Array) -> None:
        xp = array_namespace(dout, self.w)
        self.take_gradient(self.w[:, None] * xp.take(dout, self.bag, axis=0))

    def check_bags(self, x: Array, bags: Array | None, weights: Array | None) -> None:
        """Raise unless bags and weights fit x.

        Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
        """
        who = type(self).__name__
        if x.ndim != 2 and (x.ndim != 1 or bags is None):
            must = "x must be (N, L), or (T,) with bags"
            raise ShapeError(who, must, tuple(x.shape), "give rows, or the offsets at which bags begin")
        if bags is not None:
            if dtype_kind(bags) != "integer":
                remedy = 'cast them with xn.asarray(bags, dtype="int64")'
                raise DtypeError(who, "bags must be integers", dtype_name(bags.dtype), remedy)
            if bags.ndim != 1 or (x.ndim == 2 and bags.shape != x.shape[:1]):
                must = f"bags must be ({x.shape[0] if x.ndim == 2 else 'N'},)"
                raise ShapeError(who, must, tuple(bags.shape), "give a length for each row of x, or offsets into x")
            if x.ndim == 1 and library_of(array_namespace(bags)).readable(bags):
                starts = to_numpy(bottom(bags))
                if not starts.size or starts[0] != 0 or (starts[1:] < starts[:-1]).any():
                    must, advice = "offsets must begin with 0 and not fall", "give the number of x before each bag"
                    raise ArgumentError(who, must, starts.tolist()[:8], advice)
        if weights is not None:
            if weights.shape != x.shape:
                must = f"weights must be {tuple(x.shape)}, as x"
                raise ShapeError(who, must, tuple(weights.shape), "give one for each number")
            if dtype_kind(weights) not in ("real", "complex"):
                remedy = "cast them with xn.asarray(weights)"
                raise DtypeError(who, "weights must be floating", dtype_name(weights.dtype), remedy)
            if self.reduction == "mean":
                raise ArgumentError(who, "weights must belong to a sum", "a mean", 'write reduction="sum"')
