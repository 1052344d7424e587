"""CUDA bodies of self-attention: the products are cuBLAS's, on heads laid out so that it copies nothing.

q, k and v are kept as ``(N, heads, L, E)``, where the references have ``(N, L, D)``.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import cupy

from xpnet import kernels
from xpnet.backend.halves import in_float32
from xpnet.fast.cupy.launch import TILE, body, launch_each, launch_rows, launch_tiles
from xpnet.kernels.cupy.products import add_product, batched


def _rows(x: Any) -> Any:
    return x.reshape(prod(x.shape[:-1]), x.shape[-1])


def _split(heads: int, shape: tuple[int, ...], *rows: Any, biases: tuple[Any, ...] = (0, 0, 0)) -> Any:
    """``(N, heads, L, E)`` from one to three arrays of rows ``(N L, D)``, each plus its bias, in one launch."""
    N, L, D = shape
    made = [cupy.empty((N, heads, L, D // heads), rows[0].dtype) for _ in rows]
    absent = (0,) * (3 - len(rows))
    arrays = (*rows, *absent, *biases, *made, *absent)
    sizes = (made[0].size, L, heads, D // heads)
    launch_each("attention", "split_heads", rows[0].dtype, len(rows) * made[0].size, *arrays, len(rows), *sizes)
    return made if len(made) > 1 else made[0]


def _join(x: Any) -> Any:
    """``(N, L, D)`` from ``(N, heads, L, E)``."""
    N, heads, L, E = x.shape
    y = cupy.empty((N, L, heads * E), x.dtype)
    launch_each("attention", "join_heads", x.dtype, x.size, x, y, x.size, L, heads, E)
    return y


def _join_with_sums(*heads: Any) -> tuple[list[Any], list[Any]]:
    """The rows ``(N L, D)`` of three arrays ``(N, heads, L, E)``, and the sums over each."""
    N, count, L, E = heads[0].shape
    D, dtype = count * E, heads[0].dtype
    rows, sums = [cupy.empty((N * L, D), dtype) for _ in heads], [cupy.empty(D, dtype) for _ in heads]
    sizes = (N * L, 3 * D, L, count, E, TILE)
    launch_tiles("attention", "join_with_sums", dtype, 3 * D, max(N * L, 1), TILE, *heads, *rows, *sums, *sizes)
    return rows, sums


@body(kernels.self_attention)
@in_float32  # scores of float16 may be beyond its range, where their softmax is not
def self_attention(
    x: Any, Wq: Any, Wk: Any, Wv: Any, bq: Any, bk: Any, bv: Any, mask: Any, heads: int, causal: bool
) -> Any:
    rows, shape = _rows(x), (*x.shape[:-1], Wq.shape[1])
    q, k, v = _split(heads, shape, rows @ Wq, rows @ Wk, rows @ Wv, biases=(bq, bk, bv))
    p = batched(q, k, turn_b=True, scale=1.0 / sqrt(q.shape[-1]))
    queries, keys = p.shape[2:]
    sizes = (p.size // keys if keys else 0, keys, heads, queries, int(causal))
    launch_rows("attention", "attention_shares", p.dtype, sizes[0], keys, p, 0 if mask is None else mask, *sizes)
    return _join(batched(p, v)), p, q, k, v


@body(kernels.self_attention_backward)
@in_float32
def self_attention_backward(
    dout: Any,
    x: Any,
    Wq: Any,
    Wk: Any,
    Wv: Any,
    q: Any,
    k: Any,
    v: Any,
    p: Any,
    y: Any,  # noqa: ARG001
    heads: int,
    needs_dx: bool,
) -> Any:
    q, k, v, d = (a if a.ndim == 4 else _split(heads, a.shape, _rows(a)) for a in (q, k, v, dout))
    dv, ds = batched(p, d, turn_a=True), batched(d, v, turn_b=True)
    keys = p.shape[3]
    rows = p.size // keys if keys else 0
    launch_rows("attention", "attention_shares_backward", p.dtype, rows, keys, ds, p, rows, keys)
    scale = 1.0 / sqrt(q.shape[-1])
    dq, dk = batched(ds, k, scale=scale), batched(ds, q, turn_a=True, scale=scale)
    (dq, dk, dv), sums = _join_with_sums(dq, dk, dv)
    dx = None
    if needs_dx:
        dx = dq @ Wq.T
        add_product(dk, Wk, dx)
        add_product(dv, Wv, dx)
        dx = dx.reshape(x.shape)
    return dx, *(_rows(x).T @ dz for dz in (dq, dk, dv)), *sums
