"""Connectionist temporal classification: the loss of a sequence of labels without their places."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import Any

from xpnet.arguments import check_flags, is_whole
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, library_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.kernels.scatter import wide
from xpnet.layers.loss import Loss, check_not_empty
from xpnet.typing import Array

NEVER = -1e30
"""The logarithm that stands for a probability of 0: sums of it stay finite in float32."""


class CTCLoss(Loss):
    """The negative log-likelihood of labels at any steps, ``L = -Σₙ log Σ_π Πₜ y[t, π[t]] / N``, ``y = softmax(x)``.

    π runs over all sequences of classes that give the labels once repetitions are joined and then each ``blank`` is
    left out. A row of t ends at its first label below 0, or after ``label_lengths[n]`` labels; a row of x, after
    ``lengths[n]`` steps. The loss of labels that do not fit into the steps is infinite, or 0 with ``zero_infinity``,
    and its dx is 0. Losses are not divided by the number of labels, as torch's mean divides them.

    Shapes: ``x (N, L, K)``; ``t (N, S)`` integer; ``weights``, ``lengths`` and ``label_lengths (N,)``.
    Backward: ``dx[t, k] = dout (y[t, k] - Σₛ [lₛ = k] αₜ(s) βₜ(s) / p) / N`` with α and β the likelihoods of the first
    and the last part of π, l the labels with blanks around them, and p the sum over all π.
    Raises: ``ShapeError`` for arrays that do not fit or an empty batch; ``ArgumentError`` for a blank or a label that
    is no class, or lengths beyond the arrays, where they can be read without stalling a device (elsewhere the loss is
    NaN).
    Source: Graves et al., 2006, section 4.

    >>> y = np.log([[[0.5, 0.5], [0.5, 0.5]]])  # two steps; class 0 is the blank
    >>> loss = CTCLoss()
    >>> np.exp(-loss.forward(y, np.array([[1]]))).round(4)  # 11, 01 and 10 all say 1
    np.float64(0.75)
    >>> loss.forward(y, np.array([[1, 1]]))  # which needs a blank between, and so three steps
    np.float64(inf)
    """

    differentiable = ("x",)
    shapes = {"x": "N L K"}

    def __init__(self, blank: int = 0, zero_infinity: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        who = type(self).__name__
        if not is_whole(blank, 0):
            raise ArgumentError(who, "blank must be the number of a class", repr(blank), "try 0")
        check_flags(who, zero_infinity=zero_infinity)
        self.blank, self.zero_infinity = int(blank), bool(zero_infinity)

    def forward(
        self,
        x: Array,
        t: Array,
        weights: Array | None = None,
        lengths: Array | None = None,
        label_lengths: Array | None = None,
    ) -> Array:
        check_sequences(type(self).__name__, self.blank, x, t, lengths, label_lengths)
        xp, (N, L, K), S = array_namespace(x, t), x.shape, t.shape[1]
        t = wide(t)
        like: Any = {"dtype": t.dtype, "device": device_of(t)}
        steps = xp.full((N,), L, **like) if lengths is None else wide(lengths)
        if label_lengths is None:
            going = xp.cumulative_sum(xp.astype(t < 0, t.dtype), axis=1) == 0
            sizes = xp.sum(xp.astype(going, t.dtype), axis=1)
        else:
            sizes = wide(label_lengths)
            going = xp.arange(S, **like)[None, :] < sizes[:, None]
        known = (t >= 0) & (t < K) & (t != self.blank)
        self.wrong = xp.any(going & xp.logical_not(known), axis=1) | (steps > L) | (sizes > S)
        blanks = xp.full((N, S), self.blank, **like)
        t = xp.where(going & known, t, blanks)
        pairs = xp.reshape(xp.stack([blanks, t], axis=2), (N, 2 * S))
        self.l = xp.concat([pairs, xp.full((N, 1), self.blank, **like)], axis=1)
        self.inside = xp.arange(L, **like)[None, :] < steps[:, None]
        self.logy = log_softmax(x)
        jumps = (self.l[:, 2:] != self.l[:, :-2]) & (self.l[:, 2:] != self.blank)  # from a label over the blank
        jumps = xp.concat([xp.zeros((N, 2), dtype=xp.bool, device=device_of(t)), jumps], axis=1)[:, : 2 * S + 1]
        places = xp.arange(2 * S + 1, **like)[None, :]
        last = (places == 2 * sizes[:, None]) | (places == 2 * sizes[:, None] - 1)
        self.alpha, self.beta = self.parts(jumps, last)
        self.logp = log_sum(xp.where(last, self.alpha[-1], xp.full_like(self.alpha[-1], NEVER)), axis=1)
        self.possible = self.logp > 0.1 * NEVER
        endless = xp.full_like(self.logp, 0.0 if self.zero_infinity else inf)
        losses = xp.where(self.possible, -self.logp, endless)
        losses = xp.where(self.wrong, xp.full_like(losses, nan), losses)
        if weights is not None and weights.shape == losses.shape:
            losses = xp.where(weights == 0, xp.zeros_like(losses), losses)
        return self.together(losses, weights, x.ndim)

    def backward(self, dout: Array) -> Array:
        xp, K = array_namespace(self.logy), self.logy.shape[2]
        joint = xp.stack(self.alpha, axis=1) + xp.stack(self.beta, axis=1) - self.logp[:, None, None]
        fits = (self.possible[:, None] & self.inside)[:, :, None]
        zero = xp.zeros_like(joint)
        share = xp.where(fits, xp.exp(xp.where(fits, joint, zero)), zero)
        classes = xp.arange(K, dtype=self.l.dtype, device=device_of(self.l))
        of_class = xp.astype(self.l[:, :, None] == classes, share.dtype)
        dx = xp.where(fits, xp.exp(self.logy) - share @ of_class, xp.zeros_like(self.logy))
        dx = xp.where(self.wrong[:, None, None], xp.full_like(dx, nan), dx)
        return dx * self.dlosses(dout)  # type: ignore[no-any-return]

    def parts(self, jumps: Array, last: Array) -> tuple[Sequence[Array], Sequence[Array]]:
        """Return log α and log β of each step."""
        logs = self.at_labels()
        return self.first_parts(logs, jumps), self.last_parts(logs, jumps, last)

    def at_labels(self) -> list[Array]:
        """Return log y of each step at the labels with blanks, ``(N, 2S + 1)``."""
        xp, (N, L, K) = array_namespace(self.logy, self.l), self.logy.shape
        rows = xp.arange(N, dtype=self.l.dtype, device=device_of(self.l))[:, None]
        at = xp.reshape(rows * K + self.l, (-1,))
        flat = [xp.reshape(self.logy[:, step, :], (N * K,)) for step in range(L)]
        return [xp.reshape(xp.take(step, at, axis=0), self.l.shape) for step in flat]

    def first_parts(self, logs: list[Array], jumps: Array) -> list[Array]:
        """Return log α of each step, which includes the step itself; beyond the end it stays as it is."""
        xp = array_namespace(logs[0])
        never = xp.full_like(logs[0], NEVER)
        places = xp.arange(never.shape[1], device=device_of(never))[None, :]
        nothing = xp.where(places == 0, xp.zeros_like(never), never)  # what a row without steps gives: no label
        alpha = [xp.where(self.inside[:, :1], xp.where(places < 2, logs[0], never), nothing)]
        for step in range(1, len(logs)):
            before = alpha[-1]
            moves = [before, shifted(before, 1), xp.where(jumps, shifted(before, 2), never)]
            new = floored(log_sum(xp.stack(moves, axis=0), axis=0) + logs[step])
            alpha.append(xp.where(self.inside[:, step : step + 1], new, before))
        return alpha

    def last_parts(self, logs: list[Array], jumps: Array, last: Array) -> list[Array]:
        """Return log β of each step, which does not include the step itself."""
        xp = array_namespace(logs[0])
        never = xp.full_like(logs[0], NEVER)
        beta = [xp.where(last, xp.zeros_like(never), never)]
        for step in range(len(logs) - 1, 0, -1):
            after = floored(beta[-1] + logs[step])
            moves = [after, shifted(after, -1), shifted(xp.where(jumps, after, never), -2)]
            new = log_sum(xp.stack(moves, axis=0), axis=0)
            beta.append(xp.where(self.inside[:, step : step + 1], new, beta[-1]))
        return beta[::-1]


def log_softmax(x: Array) -> Array:
    """Return log y, at least ``NEVER``."""
    xp = array_namespace(x)
    z = x - xp.max(x, axis=-1, keepdims=True)
    return floored(z - xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True)))


def floored(x: Array) -> Array:
    """Return ``max(x, NEVER)``."""
    xp = array_namespace(x)
    return xp.maximum(x, xp.full((), NEVER, dtype=x.dtype, device=device_of(x)))  # type: ignore[no-any-return]


def log_sum(x: Array, axis: int) -> Array:
    """Return ``log Σ eˣ`` along an axis."""
    xp = array_namespace(x)
    most = xp.max(x, axis=axis, keepdims=True)
    y = xp.log(xp.sum(xp.exp(x - most), axis=axis, keepdims=True)) + most
    return xp.squeeze(y, axis=axis)  # type: ignore[no-any-return]


def shifted(x: Array, by: int) -> Array:
    """Return rows moved to the right, or to the left for a negative number, with ``NEVER`` at the free places."""
    xp, places = array_namespace(x), x.shape[1]
    count = min(abs(by), places)
    free = xp.full((x.shape[0], count), NEVER, dtype=x.dtype, device=device_of(x))
    moved = [free, x[:, : places - count]] if by > 0 else [x[:, count:], free]
    return xp.concat(moved, axis=1)  # type: ignore[no-any-return]


def check_sequences(who: str, blank: int, x: Array, t: Array, lengths: Any, label_lengths: Any) -> None:
    """Raise unless labels and lengths fit the scores.

    Raises: ``ShapeError``, ``DtypeError``, ``ArgumentError``.
    """
    check_not_empty(who, x)
    N, L, K = x.shape
    if blank >= K:
        raise ArgumentError(who, f"blank must be below {K}", blank, "give x a score for it")
    for name, array in (("t", t), ("lengths", lengths), ("label_lengths", label_lengths)):
        if array is None:
            continue
        if dtype_kind(array) != "integer":
            remedy = f'cast it with xn.asarray({name}, dtype="int64")'
            raise DtypeError(who, f"{name} must be integers", array.dtype, remedy)
        if array.shape[:1] != (N,) or array.ndim != (2 if name == "t" else 1):
            must = f"{name} must be ({N}, S)" if name == "t" else f"{name} must be ({N},)"
            raise ShapeError(who, must, tuple(array.shape), "give one for each row of x")
    if not library_of(array_namespace(t)).readable(t):
        return
    labels, S = to_numpy(bottom(t)), t.shape[1]
    for name, ends, most in (("lengths", lengths, L), ("label_lengths", label_lengths, S)):
        host = None if ends is None else to_numpy(bottom(ends))
        if host is not None and ((host < 0) | (host > most)).any():
            raise ArgumentError(who, f"{name} must be from 0 to {most}", host.tolist()[:8], "count within each row")
    going = (labels < 0).cumsum(axis=1) == 0
    if label_lengths is not None:
        going = (labels * 0 + range(S)) < to_numpy(bottom(label_lengths))[:, None]
    wrong = labels[going & ((labels < 0) | (labels >= K) | (labels == blank))]
    if wrong.size:
        must = f"labels must be from 0 to {K - 1}, and not the blank {blank}"
        raise ArgumentError(who, must, wrong[0], "give x a score for each label, and one for the blank")
