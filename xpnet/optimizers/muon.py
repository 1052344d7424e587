"""Muon: momentum whose singular values are made equal."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, size_of
from xpnet.optimizers.adam import Adam, scales
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.groups import Groups
from xpnet.optimizers.layerwise import at_least, norm
from xpnet.typing import Array

FACTORS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5
TINY = 1e-7


class Muon(Optimizer):
    """Momentum made orthogonal, ``m ← μ m + (1 - μ) dW``, ``W ← (1 - η λ) W - η √max(1, M/D) O(m)`` for ``W (D, M)``.

    ``O(m)`` is near ``U Vᵀ`` for ``m = U S Vᵀ``: five rounds of ``X ← a X + (b A + c A²) X`` with ``A = X Xᵀ``. With
    ``nesterov`` it is that of ``μ m + (1 - μ) dW``. Filters ``(F, C, …)`` are taken as matrices ``(F, C …)``, for which
    the factor is ``√max(1, F / (C …))``. Arrays of at most one axis move by ``AdamW`` at ``adam_share`` η, and so
    do those without ``orthogonal``, which embeddings and the last layer usually are:
    ``groups={"Embedding* MatMul1.W": {"orthogonal": False}}``.

    Raises: ``ArgumentError`` for options out of range.
    Source: Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks".

    >>> params, grads = {"W": np.zeros((2, 2))}, {"W": np.array([[-100.0, 0.0], [0.0, -1.0]])}
    >>> Muon(lr=1.0).update(params, grads)
    >>> params["W"].round(1)  # both directions count, not the steep one alone
    array([[0.7, 0. ],
           [0. , 0.7]])
    """

    slots = ("m", "v")
    live = 5

    def __init__(
        self,
        lr: Rate = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        nesterov: bool = True,
        orthogonal: bool = True,
        adam_share: float = 0.015,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        groups: Groups | None = None,
    ) -> None:
        of_matrices = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        of_others = {"adam_share": adam_share, "beta1": beta1, "beta2": beta2, "eps": eps}
        super().__init__(groups, lr=lr, **of_matrices, orthogonal=orthogonal, **of_others)

    def slot_shapes(self, W: Array, **options: Any) -> list[tuple[int, ...]]:
        return [W.shape, () if is_matrix(W, options["orthogonal"]) else W.shape]

    def numbers(  # type: ignore[override]
        self,
        count: Any,
        lr: float,
        momentum: float,
        weight_decay: float,
        nesterov: bool,
        orthogonal: bool,
        adam_share: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Any, ...]:
        rate = adam_share * lr
        of_matrices = lr, 1.0 - lr * weight_decay
        of_others = *scales(count, rate, beta1, beta2, eps), 1.0 - rate * weight_decay
        return (*of_matrices, *of_others, momentum, beta1, beta2, nesterov, orthogonal)

    def step(
        self,
        W: Array,
        dW: Array,
        m: Array,
        v: Array,
        rate: float,
        kept: float,
        scale: float,
        shift: float,
        kept_by_adam: float,
        momentum: float,
        beta1: float,
        beta2: float,
        nesterov: bool,
        orthogonal: bool,
    ) -> tuple[Array, Array, Array]:
        if not is_matrix(W, orthogonal):
            return Adam.step(self, kept_by_adam * W, dW, m, v, scale, shift, beta1, beta2, 0.0)  # type: ignore[arg-type]
        xp = array_namespace(W, dW, m)
        m = momentum * m + (1.0 - momentum) * dW
        ahead = momentum * m + (1.0 - momentum) * dW if nesterov else m
        rows = W.shape[0]
        move = xp.reshape(orthogonalized(xp.reshape(ahead, (rows, -1))), W.shape)
        columns = size_of(W) // rows
        inputs, outputs = (rows, columns) if W.ndim == 2 else (columns, rows)
        return kept * W - rate * max(1.0, outputs / inputs) ** 0.5 * move, m, v


def is_matrix(W: Array, orthogonal: bool) -> bool:
    """Return whether a parameter moves by an orthogonal matrix."""
    return orthogonal and W.ndim > 1 and size_of(W) > 0


def orthogonalized(X: Array) -> Array:
    """Return a matrix with nearly the singular vectors of X, and singular values between 0.7 and 1.2."""
    a, b, c = FACTORS
    wide = X.shape[0] <= X.shape[1]
    X = X if wide else X.T
    X = X / at_least(norm(X), TINY)
    for _ in range(ROUNDS):
        A = X @ X.T
        X = a * X + (b * A + c * (A @ A)) @ X
    return X if wide else X.T
