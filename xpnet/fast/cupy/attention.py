"""CUDA body of attention: the products are cuBLAS's, on heads laid out so that nothing has to be copied."""

from __future__ import annotations

from math import sqrt
from typing import Any

import cupy

from xpnet.backend.halves import widened
from xpnet.fast.cupy.affine import add_bias, sum_rows
from xpnet.fast.cupy.launch import TILE, CudaBody, launch_each, launch_rows, launch_tiles, of_one, ordered, upstream
from xpnet.fast.cupy.products import add_product, batched
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.bodies import body


@body("cupy", MultiHeadAttention)
class HeadsSideBySide(CudaBody):
    """Attention that lays out q, k and v of all heads, with their biases, in one launch, and the shares in another.

    Arrays of float16 are computed in float32: scores may exceed their range where the softmax does not.
    """

    @classmethod
    def made_for(cls, layer: Any) -> bool:
        return len(layer.parameters) == 8 and layer.kv_heads is None and layer.window is None and layer.positions is None and layer.past is None

    def forward(self, x: Any, mask: Any = None) -> Any:
        layer = self.layer
        parameters = layer.parameter_arrays().values()
        fits = mask is None or mask.shape == x.shape[:-1]
        if x.ndim != 3 or not fits or not of_one(x, *parameters):
            return NotImplemented
        layer.check_sequence(x, mask)
        Wq, Wk, Wv, Wo, bq, bk, bv, bo = weights = in_float32(*parameters)
        (N, L, D), A, heads = x.shape, Wq.shape[1], layer.heads
        rows = in_float32(x)[0].reshape(N * L, D)
        q, k, v = split((N, L, A), heads, [rows @ W for W in (Wq, Wk, Wv)], [bq, bk, bv])
        p = batched(q, k, turn_b=True, scale=1.0 / sqrt(A // heads))
        known = 0 if mask is None else ordered(mask)[0]
        sizes = (p.size // L, L, heads, L, int(layer.causal))
        launch_rows("attention", "attention_shares", p.dtype, sizes[0], L, p, known, *sizes)
        a = join(batched(p, v))
        y = a @ Wo
        add_bias(y, bo, self.taken_around((N, L, bo.size), y.dtype))
        self.cache = x.dtype, rows, weights, q, k, v, p, a
        return y.astype(x.dtype, copy=False).reshape(x.shape)

    def backward(self, dout: Any) -> Any:
        dtype, rows, (Wq, Wk, Wv, Wo, *_), q, k, v, p, a = self.cache
        N, heads, L, E = q.shape
        d = upstream(dout, p).reshape(N * L, dout.shape[2])
        gradients = {"Wo": a.T @ d, "bo": sum_rows(d)} if self.trains else {}
        (d,) = split((N, L, heads * E), heads, [d @ Wo.T], [0])
        dv, ds = batched(p, d, turn_a=True), batched(d, v, turn_b=True)
        shares = p.size // L
        launch_rows("attention", "attention_shares_backward", p.dtype, shares, L, ds, p, shares, L)
        scale = 1.0 / sqrt(E)
        dq, dk = batched(ds, k, scale=scale), batched(ds, q, turn_a=True, scale=scale)
        del d, ds  # the largest arrays, whose memory the next ones may reuse
        (dq, dk, dv), sums = join_with_sums(dq, dk, dv)
        for letter, dz, db in zip("qkv", (dq, dk, dv), sums, strict=True) if self.trains else ():
            gradients |= {f"W{letter}": rows.T @ dz, f"b{letter}": db}
        for name, gradient in gradients.items():
            setattr(self.layer, f"d{name}", gradient.astype(dtype, copy=False))
        if not self.needs_dx:
            return None
        dx = dq @ Wq.T
        add_product(dk, Wk, dx)
        add_product(dv, Wv, dx)
        return dx.astype(dtype, copy=False).reshape(dout.shape)


def in_float32(*arrays: Any) -> list[Any]:
    """Return the arrays in C order, with float16 converted to float32."""
    return [widened(x) for x in ordered(*arrays)]


def split(shape: tuple[int, ...], heads: int, rows: list[Any], biases: list[Any]) -> list[Any]:
    """Return ``(N, heads, L, E)`` for one to three arrays of rows ``(N L, D)``, each plus its bias, in one launch."""
    N, L, D = shape
    made = [cupy.empty((N, heads, L, D // heads), rows[0].dtype) for _ in rows]
    absent = [0] * (3 - len(rows))
    arrays = (*rows, *absent, *biases, *absent, *made, *absent)
    sizes = (made[0].size, L, heads, D // heads)
    launch_each("attention", "split_heads", rows[0].dtype, len(rows) * made[0].size, *arrays, len(rows), *sizes)
    return made


def join(x: Any) -> Any:
    """Return rows ``(N L, D)`` from ``(N, heads, L, E)``."""
    N, heads, L, E = x.shape
    y = cupy.empty((N * L, heads * E), x.dtype)
    launch_each("attention", "join_heads", x.dtype, x.size, x, y, x.size, L, heads, E)
    return y


def join_with_sums(*heads: Any) -> tuple[list[Any], list[Any]]:
    """Return the rows ``(N L, D)`` of three arrays ``(N, heads, L, E)``, and the sum over the rows of each."""
    N, count, L, E = heads[0].shape
    D, dtype = count * E, heads[0].dtype
    rows, sums = [cupy.empty((N * L, D), dtype) for _ in heads], [cupy.empty(D, dtype) for _ in heads]
    sizes = (N * L, 3 * D, L, count, E, TILE)
    launch_tiles("attention", "join_with_sums", dtype, 3 * D, max(N * L, 1), TILE, *heads, *rows, *sums, *sizes)
    return rows, sums
