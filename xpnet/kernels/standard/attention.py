"""Reference kernels of attention."""

from __future__ import annotations

from math import prod, sqrt

from xpnet.backend import array_namespace, device_of
from xpnet.backend.halves import in_float32
from xpnet.kernels.dispatch import kernel
from xpnet.kernels.standard.affine import affine, sum_rows
from xpnet.typing import Array


@kernel
@in_float32
def attention(q: Array, k: Array, v: Array, mask: Array | None, heads: int, causal: bool) -> tuple[Array, Array]:
    """Scaled dot-product attention of each head, ``y = p v`` with ``p = softmax(q kᵀ / √E)``.

    Where nothing may be attended, ``p`` and ``y`` are 0.

    Shapes: ``q, k, v, y (N, L, D)`` with D = heads · E; ``mask (N, L)`` bool, True at keys that may be attended;
    ``p (N, heads, L, L)``.
    Source: Vaswani et al., 2017, section 3.2.
    """
    xp = array_namespace(q, k, v, mask)
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    scores = (q * (1.0 / sqrt(q.shape[-1]))) @ xp.matrix_transpose(k)
    allowed = None if mask is None else mask[:, None, None, :]
    if causal:
        steps = xp.arange(q.shape[2], device=device_of(q))
        past = steps[None, :] <= steps[:, None]
        allowed = past if allowed is None else allowed & past
    if allowed is not None:
        never = xp.full((), -float("inf"), dtype=scores.dtype, device=device_of(q))
        scores = xp.where(allowed, scores, never)
    top = xp.max(scores, axis=-1, keepdims=True)
    if mask is not None:  # a row of -inf alone
        top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    e = xp.exp(scores - top)
    total = xp.sum(e, axis=-1, keepdims=True)
    if mask is not None:
        total = xp.where(total > 0, total, xp.ones_like(total))
    p = e / total
    return join_heads(p @ v), p


@kernel
@in_float32
def attention_backward(
    dout: Array, q: Array, k: Array, v: Array, p: Array, y: Array, heads: int
) -> tuple[Array, Array, Array]:
    """Derivatives of ``attention``, ``dv = pᵀ dout``, ``dq = ds k``, ``dk = dsᵀ q``.

    The scores have ``ds = p (dout vᵀ - Σ dout y) / √E``.

    Shapes: as in ``attention``; ``dq, dk, dv (N, L, D)``.
    """
    xp = array_namespace(dout, q, k, v, p)
    dout, q, k, v, y = (split_heads(x, heads) for x in (dout, q, k, v, y))
    dv = xp.matrix_transpose(p) @ dout
    ds = p * (dout @ xp.matrix_transpose(v) - xp.sum(dout * y, axis=-1, keepdims=True))
    ds = ds * (1.0 / sqrt(q.shape[-1]))
    return join_heads(ds @ k), join_heads(xp.matrix_transpose(ds) @ q), join_heads(dv)


@kernel
def self_attention(
    x: Array,
    Wq: Array,
    Wk: Array,
    Wv: Array,
    bq: Array,
    bk: Array,
    bv: Array,
    mask: Array | None,
    heads: int,
    causal: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """``attention`` of ``q = x Wq + bq``, k and v likewise: y, p, and q, k, v.

    The last three are for the backward alone, in any shape.

    Shapes: ``x (N, L, D)``, ``Wq, Wk, Wv (D, A)``, ``bq, bk, bv (A,)``, ``y (N, L, A)``, ``p (N, heads, L, L)``.
    """
    rows = as_rows(x)
    q, k, v = (in_shape_of(x, affine(rows, W, b)) for W, b in ((Wq, bq), (Wk, bk), (Wv, bv)))
    return *attention(q, k, v, mask, heads, causal), q, k, v


@kernel
def self_attention_backward(
    dout: Array,
    x: Array,
    Wq: Array,
    Wk: Array,
    Wv: Array,
    q: Array,
    k: Array,
    v: Array,
    p: Array,
    y: Array,
    heads: int,
    needs_dx: bool,
) -> tuple[Array | None, Array, Array, Array, Array, Array, Array]:
    """Derivatives of ``self_attention``: dx (None where it is not needed), dWq, dWk, dWv, dbq, dbk, dbv.

    q, k and v may lie as heads side by side, ``(N, heads, L, E)``.
    """
    q, k, v = (join_heads(a) if a.ndim == 4 else a for a in (q, k, v))
    dq, dk, dv = map(as_rows, attention_backward(dout, q, k, v, p, y, heads))
    turned = as_rows(x).T
    dx = in_shape_of(x, dq @ Wq.T + dk @ Wk.T + dv @ Wv.T) if needs_dx else None
    return dx, turned @ dq, turned @ dk, turned @ dv, sum_rows(dq), sum_rows(dk), sum_rows(dv)


def as_rows(x: Array) -> Array:
    """All but the last axis laid out in one."""
    return array_namespace(x).reshape(x, (prod(x.shape[:-1]), x.shape[-1]))  # type: ignore[no-any-return]


def in_shape_of(x: Array, rows: Array) -> Array:
    """Rows laid out as those of x."""
    return array_namespace(rows).reshape(rows, (*x.shape[:-1], rows.shape[-1]))  # type: ignore[no-any-return]


def split_heads(x: Array, heads: int) -> Array:
    """Heads side by side, ``(N, L, D) -> (N, heads, L, E)``."""
    xp = array_namespace(x)
    N, L, D = x.shape
    return xp.permute_dims(xp.reshape(x, (N, L, heads, D // heads)), (0, 2, 1, 3))  # type: ignore[no-any-return]


def join_heads(x: Array) -> Array:
    """Heads one after another, ``(N, heads, L, E) -> (N, L, D)``."""
    xp = array_namespace(x)
    N, heads, L, E = x.shape
    return xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (N, L, heads * E))  # type: ignore[no-any-return]
