"""CUDA bodies of attention: the products are cuBLAS's, on heads laid out so that it copies none of the shares."""

from __future__ import annotations

from math import sqrt
from typing import Any

import cupy

from xpnet import kernels
from xpnet.kernels.cupy.launch import body, launch_each, launch_rows
from xpnet.kernels.standard.halves import in_float32


def _split(x: Any, heads: int, turned: bool = False, scale: float = 1.0) -> Any:
    """``(N, heads, L, E)`` from ``(N, L, D)``, or ``(N, heads, E, L)`` where turned."""
    N, L, D = x.shape
    E = D // heads
    y = cupy.empty((N, heads, E, L) if turned else (N, heads, L, E), x.dtype)
    launch_each("attention", "split_heads", x.dtype, x.size, x, y, x.size, L, heads, E, int(turned), scale)
    return y


def _join(x: Any, turned: bool = False) -> Any:
    """The transpose of ``_split``."""
    N, heads, L, E = x.shape
    if turned:
        L, E = E, L
    x = cupy.ascontiguousarray(x)
    y = cupy.empty((N, L, heads * E), x.dtype)
    launch_each("attention", "join_heads", x.dtype, x.size, x, y, x.size, L, heads, E, int(turned))
    return y


@body(kernels.attention)
@in_float32  # scores of float16 may be beyond its range, where their softmax is not
def attention(q: Any, k: Any, v: Any, mask: Any, heads: int, causal: bool) -> Any:
    scale = 1.0 / sqrt(q.shape[-1] // heads)
    p = cupy.ascontiguousarray(_split(q, heads, scale=scale) @ _split(k, heads, turned=True))
    queries, keys = p.shape[2:]
    sizes = (p.size // keys if keys else 0, keys, heads, queries, int(causal))
    launch_rows("attention", "attention_shares", p.dtype, sizes[0], keys, p, 0 if mask is None else mask, *sizes)
    return _join(p @ _split(v, heads)), p


@body(kernels.attention_backward)
@in_float32
def attention_backward(dout: Any, q: Any, k: Any, v: Any, p: Any, y: Any, heads: int) -> Any:  # noqa: ARG001
    scale = 1.0 / sqrt(q.shape[-1] // heads)
    dv = _split(dout, heads, turned=True) @ p
    ds = cupy.ascontiguousarray(_split(dout, heads) @ _split(v, heads, turned=True))
    keys = p.shape[3]
    rows = p.size // keys if keys else 0
    launch_rows("attention", "attention_shares_backward", p.dtype, rows, keys, ds, p, rows, keys, scale)
    dk = _split(q, heads, turned=True) @ ds
    return _join(ds @ _split(k, heads)), _join(dk, turned=True), _join(dv, turned=True)
