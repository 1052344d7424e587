"""Losses of the distances between vectors."""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar

from xpnet.arguments import is_number
from xpnet.backend import array_namespace, device_of, dtype_kind
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers.loss import Loss, check_not_empty
from xpnet.layers.margin_loss import beyond, checked_margin
from xpnet.typing import Array

EPS = 1e-6


class CosineEmbeddingLoss(Loss):
    """The cosine of pairs that belong together or not, ``L = Σₙ (1 - c if t = 1 else max(0, c - m)) / N``.

    Here ``c = x·z / (‖x‖ ‖z‖)``, t is 1 for pairs that belong together and -1 for others, and m is ``margin``. The
    length is ``‖x‖ = √(Σ x² + 1e-12)``, which is not 0.

    Shapes: ``x, z (N, ..., D)``, ``t (N, ...)``; ``weights`` over leading axes of t.
    Backward: ``dx = g (z / (‖x‖ ‖z‖) - c x / ‖x‖²)`` with ``g = dout ∂L/∂c``, and likewise dz.
    Raises: ``ShapeError`` for arrays that do not fit or an empty batch; ``ArgumentError`` for a margin outside -1 … 1.
    Source: Hadsell, Chopra and LeCun, 2006, section 2, with the cosine in place of the distance.

    >>> x, z = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 2.0]])
    >>> loss = CosineEmbeddingLoss()
    >>> loss.forward(x, z, np.array([1.0, -1.0])).round(4), loss.forward(x, z, np.array([-1.0, 1.0])).round(4)
    (np.float64(0.0), np.float64(1.0))
    """

    differentiable: ClassVar[tuple[str, ...]] = ("x", "z")
    shapes = {"x": "... D", "z": "... D"}

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(margin) or not -1.0 <= margin <= 1.0:
            raise ArgumentError(type(self).__name__, "margin must be from -1 to 1", repr(margin), "try 0.5")
        self.margin = float(margin)

    def forward(  # type: ignore[override]
        self, x: Array, z: Array, t: Array, weights: Array | None = None
    ) -> Array:
        check_pairs(self, x, z)
        if t.shape != x.shape[:-1]:
            must = f"t must be {tuple(x.shape[:-1])}"
            raise ShapeError(type(self).__name__, must, tuple(t.shape), "give 1 or -1 for each pair")
        if dtype_kind(t) not in ("real", "integer"):
            raise DtypeError(type(self).__name__, "t must be 1 or -1", t.dtype, "cast it with xn.asarray(t)")
        xp = array_namespace(x, z, t)
        self.u, self.nx = unit(x)
        self.v, self.nz = unit(z)
        self.c = xp.sum(self.u * self.v, axis=-1)
        over, active = beyond(self.c - self.margin)
        one, zero = xp.ones_like(over), xp.zeros_like(over)
        self.slope = xp.where(t > 0, -one, xp.where(active, one, zero))
        return self.together(xp.where(t > 0, 1.0 - self.c, over), weights, x.ndim)

    def backward(self, dout: Array) -> tuple[Array, Array]:
        g = self.slope[..., None] * self.dlosses(dout)
        return through_length(g * self.v, self.u, self.nx), through_length(g * self.u, self.v, self.nz)


class TripletLoss(Loss):
    """A row nearer to one of its kind than to another, by a margin, ``L = Σₙ max(0, ‖x - p‖ - ‖x - q‖ + m) / N``.

    p is of the kind of x, q is not, and m is ``margin``. The distance is ``‖d‖ = √(Σ d² + 1e-12)``, whose slope is
    finite at 0; torch adds 1e-6 to each d instead.

    Shapes: ``x, p, q (N, ..., D)``; ``weights`` over leading axes of x without the last.
    Backward: ``dx = g ((x - p) / ‖x - p‖ - (x - q) / ‖x - q‖)``, ``dp = -g (x - p) / ‖x - p‖``,
    ``dq = g (x - q) / ‖x - q‖`` with ``g = dout / N`` where the loss is above 0, else 0.
    Raises: ``ShapeError`` for arrays that do not fit or an empty batch; ``ArgumentError`` for a margin of 0 or
    less.
    Source: Schroff, Kalenichenko and Philbin, 2015, section 3.1, with distances in place of their squares.

    >>> x, near, far = np.array([[0.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([[3.0, 4.0]])
    >>> loss = TripletLoss(margin=1.0)
    >>> loss.forward(x, near, far)  # max(0, 1 - 5 + 1)
    np.float64(0.0)
    >>> loss.forward(x, far, near).round(4)  # 5 - 1 + 1
    np.float64(5.0)
    """

    differentiable: ClassVar[tuple[str, ...]] = ("x", "p", "q")
    shapes = {"x": "... D", "p": "... D", "q": "... D"}

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = checked_margin(type(self).__name__, margin)

    def forward(  # type: ignore[override]
        self, x: Array, p: Array, q: Array, weights: Array | None = None
    ) -> Array:
        check_pairs(self, x, p)
        check_pairs(self, x, q)
        xp = array_namespace(x, p, q)
        (self.to_p, near), (self.to_q, far) = unit(x - p), unit(x - q)
        losses, active = beyond((near - far + self.margin)[..., 0])
        self.active = xp.astype(active, losses.dtype)
        return self.together(losses, weights, x.ndim)

    def backward(self, dout: Array) -> tuple[Array, Array, Array]:
        g = self.active[..., None] * self.dlosses(dout)
        return g * (self.to_p - self.to_q), -g * self.to_p, g * self.to_q


class ContrastiveLoss(Loss):
    """InfoNCE, by which each row finds its partner, ``L = -Σₙ log(exp(c[n, n] / τ) / Σₖ exp(c[n, k] / τ)) / N``.

    Here ``c[n, k] = xₙ·zₖ / (‖xₙ‖ ‖zₖ‖)`` and τ is ``temperature``. It is not symmetric: where both sides are learned
    alike, add the loss of (z, x).

    Shapes: ``x (N, D)``, ``z (M, D)`` with M ≥ N, of which ``z[n]`` is the partner of ``x[n]``; ``weights (N,)``.
    Backward: ``dx = (G v - (G v·u) u) / ‖x‖``, ``dz = (Gᵀ u - (Gᵀ u·v) v) / ‖z‖`` with u and v the rows of x and z of
    length 1, and ``G = dout (y - 1[k = n]) / (τ N)`` with y the softmax of c / τ.
    Raises: ``ShapeError`` for arrays that do not fit or an empty batch; ``ArgumentError`` for a temperature that is not
    above 0.
    Source: van den Oord, Li and Vinyals, 2018, section 2.3; Chen et al., 2020, section 2.1.

    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> loss = ContrastiveLoss()
    >>> loss.forward(x, 5 * x).round(4), loss.forward(x, x[::-1]).round(4)  # partners in place, and swapped
    (np.float64(0.0), np.float64(10.0))
    """

    differentiable: ClassVar[tuple[str, ...]] = ("x", "z")
    shapes = {"x": "N D", "z": "M D"}

    def __init__(self, temperature: float = 0.1, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if not is_number(temperature) or not 0.0 < temperature < inf:
            must = "temperature must be above 0 and finite"
            raise ArgumentError(type(self).__name__, must, repr(temperature), "try 0.1")
        self.temperature = float(temperature)

    def forward(self, x: Array, z: Array, weights: Array | None = None) -> Array:
        check_not_empty(type(self).__name__, x)
        if z.shape[0] < x.shape[0]:
            must = f"z must have at least {x.shape[0]} rows, as x"
            raise ShapeError(type(self).__name__, must, tuple(z.shape), "give each row of x its partner")
        xp = array_namespace(x, z)
        (self.u, self.nx), (self.v, self.nz) = unit(x), unit(z)
        s = (self.u @ self.v.T) / self.temperature
        s = s - xp.max(s, axis=1, keepdims=True)
        e = xp.exp(s)
        total = xp.sum(e, axis=1, keepdims=True)
        rows, columns = (xp.arange(size, device=device_of(x)) for size in s.shape)
        self.own = xp.astype(rows[:, None] == columns[None, :], s.dtype)
        self.y = e / total
        return self.together(xp.log(total)[:, 0] - xp.sum(s * self.own, axis=1), weights, x.ndim)

    def backward(self, dout: Array) -> tuple[Array, Array]:
        G = (self.y - self.own) * (self.dlosses(dout) / self.temperature)
        return through_length(G @ self.v, self.u, self.nx), through_length(G.T @ self.u, self.v, self.nz)


def check_pairs(layer: Loss, x: Array, other: Array) -> None:
    """Raise ShapeError unless the vectors of two arrays belong together one by one."""
    who = type(layer).__name__
    check_not_empty(who, x)
    if other.shape != x.shape:
        raise ShapeError(
            who, f"all vectors must be {tuple(x.shape)}, as x", tuple(other.shape), "give one for each row"
        )


def unit(x: Array) -> tuple[Array, Array]:
    """Return rows of length 1 and the lengths; the root holds ε², so that a row of zeros stays one."""
    xp = array_namespace(x)
    norm: Any = xp.sqrt(xp.sum(x * x, axis=-1, keepdims=True) + EPS * EPS)
    return x / norm, norm


def through_length(du: Array, u: Array, norm: Array) -> Array:
    """Return the gradient at x of ``u = x / ‖x‖``, given that at u."""
    dx: Array = (du - u * array_namespace(du, u).sum(du * u, axis=-1, keepdims=True)) / norm
    return dx
