"""CUDA bodies of attention: the products are cuBLAS's, on heads laid out so that nothing has to be copied."""

from __future__ import annotations

from math import log2, sqrt
from typing import Any

import cupy

from xpnet.backend.halves import widened
from xpnet.fast.cupy import next_position
from xpnet.fast.cupy.affine import add_bias, sum_rows
from xpnet.fast.cupy.launch import TILE, CudaBody, launch_each, launch_rows, launch_tiles, of_one, ordered, upstream
from xpnet.fast.cupy.products import add_product, batched
from xpnet.layers.attention import MultiHeadAttention, with_heads
from xpnet.layers.bodies import body
from xpnet.layers.cross_attention import CrossAttention
from xpnet.layers.heads import check_mask

SHORT = 128
"""The keys up to which all shares are kept; beyond them, they are computed for some rows at a time, and again."""

SCORES = 1 << 22
"""The scores that are there at once, if that leaves a block at least 16 rows; no block has more than 256."""


class HeadsSideBySide(CudaBody):
    """Attention that lays out q, k and v of all heads, with their biases, in one launch, and the shares in another.

    Arrays of float16 are computed in float32: scores may exceed their range where the softmax does not.
    """

    def of(self, x: Any, memory: Any, mask: Any, query_mask: Any) -> Any:
        """Return y for queries from x and keys from ``memory``, or NotImplemented."""
        layer = self.layer
        parameters = layer.parameter_arrays()
        if x.ndim != 3 or memory.ndim != 3 or not of_one(x, memory, *parameters.values()):
            return NotImplemented
        known = self.known(x, memory, mask, query_mask)
        weights = dict(zip(parameters, in_float32(*parameters.values()), strict=True))
        N, L, D = x.shape
        rows = in_float32(x)[0].reshape(N * L, D)
        others = rows if memory is x else in_float32(memory)[0].reshape(-1, memory.shape[2])
        if layer.past is not None:
            a = next_position.heads_of(self, weights, rows, others, x, memory, known)
            if a is NotImplemented:
                return a
        else:
            q, k, v = self.split_all(weights, rows, others, x, memory)
            a, p = self.attend(q, k, v, known)
            self.cache = x, memory, rows, others, weights, q, k, v, known, p, a
        y = a @ weights["Wo"]
        if "bo" in weights:
            add_bias(y, weights["bo"], self.taken_around((N, L, y.shape[1]), y.dtype))
        return y.astype(x.dtype, copy=False).reshape(N, L, y.shape[1])

    def known(self, x: Any, memory: Any, mask: Any, query_mask: Any) -> Any:
        """Return the mask ``(N, heads, L, S)`` and the distances of elements along its axes; None for no mask."""
        own = memory is x
        self.layer.check_sequence(x, memory, mask, "mask" if own else "memory_mask")
        check_mask(type(self.layer).__name__, "mask", query_mask, [((x.shape[0],), (x.shape[1],))])
        if mask is None and query_mask is None:
            return None
        allowed = None if mask is None else with_heads(mask)
        if query_mask is not None:
            of_queries = query_mask[:, None, :, None]
            size = memory.shape[1]
            allowed = (
                cupy.broadcast_to(of_queries, (*of_queries.shape[:3], size)) if mask is None else allowed & of_queries
            )
        (allowed,) = ordered(allowed)
        return allowed, [0 if n == 1 else s for n, s in zip(allowed.shape[:3], allowed.strides[:3], strict=True)]

    def split_all(self, weights: Any, rows: Any, others: Any, x: Any, memory: Any, start: int = 0) -> list[Any]:
        """Return q, k and v, ``(N, heads, L, E)`` each, the last two once for each head of their group."""
        layer = self.layer
        heads, each = layer.heads, layer.heads // layer.groups
        turn = layer.positions == "rotary"
        parts = [(rows, "q"), (others, "k"), (others, "v")]
        products = [source @ weights[f"W{letter}"] for source, letter in parts]
        biases = [weights.get(f"b{letter}", 0) for letter in "qkv"]
        if memory is x and each == 1:
            return split(x.shape, heads, products, biases, 1, 3 * turn, start)
        (q,) = split(x.shape, heads, products[:1], biases[:1], 1, int(turn), start)
        return [q, *split(memory.shape, heads, products[1:], biases[1:], each, int(turn), start)]

    def attend(self, q: Any, k: Any, v: Any, known: Any) -> tuple[Any, Any]:
        """Return the heads' outputs as rows ``(N L, A)``, and the shares if they are few."""
        p = None
        made = []
        for rows, seen in self.blocks(q, k):
            p = self.shares(q, k, known, rows, seen)
            made.append(batched(p, v[:, :, seen]))
        a = made[0] if len(made) == 1 else cupy.concatenate(made, axis=2)
        return join(a), p if k.shape[2] <= SHORT else None

    def blocks(self, q: Any, k: Any) -> list[tuple[slice, slice]]:
        """Return the rows of each block, and the keys that any of them sees; one block where all shares are kept."""
        layer = self.layer
        (N, heads, L, _), S = q.shape, k.shape[2]
        count = L if S <= SHORT else min(256, max(16, SCORES // max(N * heads * S, 1)))
        if count >= L and S <= SHORT:
            return [(slice(0, L), slice(0, S))]
        found = []
        for first in range(0, L, count):
            last = min(first + count, L)
            low, high = 0, last if layer.causal else S
            if layer.window is not None:
                low, high = max(0, first - layer.window + 1), min(high, last + layer.window - 1)
            found.append((slice(first, last), slice(low, high)))
        return found

    def shares(self, q: Any, k: Any, known: Any, rows: slice, seen: slice) -> Any:
        """Return the shares of some rows and keys, ``(N, heads, rows, keys)``."""
        q, k = q[:, :, rows], k[:, :, seen]
        p = batched(q, k, turn_b=True, scale=1.0 / sqrt(q.shape[3]))
        self.soften(p, known, rows.start, seen.start)
        return p

    def soften(self, p: Any, known: Any, query: int, key: int) -> None:
        """Turn scores into shares, of queries and keys from these positions on."""
        layer = self.layer
        N, heads, L, S = p.shape
        mask, distances = (0, [0, 0, 0]) if known is None else known
        power = 1 << int(log2(heads)) if layer.positions == "alibi" else 0
        sizes = (N * heads * L, S, heads, L, query, key, int(layer.causal), layer.window or 0, power)
        launch_rows("attention", "attention_shares", p.dtype, sizes[0], S, p, mask, *distances, *sizes)

    def pull(self, dout: Any) -> tuple[Any, Any]:
        """Write the gradients of the parameters, and return dx from q alone, and dm."""
        x, memory, rows, others, weights, q, k, v, known, p, a = self.cache
        (N, heads, L, E), S, layer = q.shape, k.shape[2], self.layer
        d = upstream(dout, q).reshape(N * L, dout.shape[2])
        gradients = {"Wo": a.T @ d, "bo": sum_rows(d)} if self.trains else {}
        (d,) = split((N, L, heads * E), heads, [d @ weights["Wo"].T], [0])
        dq, dk, dv = (cupy.empty(z.shape, z.dtype) for z in (q, k, v))
        blocks, scale = self.blocks(q, k), 1.0 / sqrt(E)
        more = 0.0
        if len(blocks) > 1:
            dk.fill(0)
            dv.fill(0)
            more = 1.0
        for own, seen in blocks:
            share = self.shares(q, k, known, own, seen) if p is None else p
            of_d, of_q, of_k, of_v = d[:, :, own], q[:, :, own], k[:, :, seen], v[:, :, seen]
            batched(share, of_d, turn_a=True, onto=dv[:, :, seen], more=more)
            ds = batched(of_d, of_v, turn_b=True)
            count = share.size // share.shape[3]
            width = share.shape[3]
            launch_rows("attention", "attention_shares_backward", q.dtype, count, width, ds, share, count, width)
            batched(ds, of_k, scale=scale, onto=dq[:, :, own])
            batched(ds, of_q, turn_a=True, scale=scale, onto=dk[:, :, seen], more=more)
            del ds, share
        del d  # the largest arrays, whose memory the next ones may reuse
        each, turn = heads // layer.groups, layer.positions == "rotary"
        if S == L and each == 1:
            (dq, dk, dv), sums = join_with_sums([dq, dk, dv], 1, 3 * turn)
        else:
            (dq,), of_q = join_with_sums([dq], 1, int(turn))
            (dk, dv), of_kv = join_with_sums([dk, dv], each, int(turn))
            sums = [*of_q, *of_kv]
        for letter, source, dz, db in zip("qkv", (rows, others, others), (dq, dk, dv), sums, strict=True):
            if self.trains:
                gradients |= {f"W{letter}": source.T @ dz, f"b{letter}": db}
        for name in layer.parameters if self.trains else ():
            setattr(layer, f"d{name}", gradients[name].astype(x.dtype, copy=False))
        if not self.needs_dx:
            return None, None
        dx = dq @ weights["Wq"].T
        dm = dx if memory is x else None
        if dm is None:
            dm = dk @ weights["Wk"].T
        else:
            add_product(dk, weights["Wk"], dm)
        add_product(dv, weights["Wv"], dm)
        dx, dm = (z.astype(x.dtype, copy=False).reshape(like.shape) for z, like in ((dx, x), (dm, memory)))
        return dx, dm


@body("cupy", MultiHeadAttention)
class SelfAttention(HeadsSideBySide):
    """Self-attention, with q, k and v of all heads in one launch where each head has its own."""

    def forward(self, x: Any, mask: Any = None) -> Any:
        return self.of(x, x, mask, None)

    def backward(self, dout: Any) -> Any:
        dx, _ = self.pull(dout)
        return dx


@body("cupy", CrossAttention)
class AttentionToMemory(HeadsSideBySide):
    """Attention to another sequence, with k and v of all heads in one launch."""

    def forward(self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None) -> Any:
        return self.of(x, memory, memory_mask, mask)

    def backward(self, dout: Any) -> Any:
        dx, dm = self.pull(dout)
        return dx, dm


def in_float32(*arrays: Any) -> list[Any]:
    """Return the arrays in C order, with float16 converted to float32."""
    return [widened(x) for x in ordered(*arrays)]


def split(
    shape: tuple[int, ...],
    heads: int,
    rows: list[Any],
    biases: list[Any],
    each: int = 1,
    rotary: int = 0,
    start: int = 0,
) -> list[Any]:
    """Return ``(N, heads, L, E)`` for one to three arrays of rows, each plus its bias, in one launch.

    ``each`` heads get the same values; arrays whose bit is in ``rotary`` are turned.
    """
    N, L, _ = shape
    E = rows[0].shape[1] * each // heads
    made = [cupy.empty((N, heads, L, E), rows[0].dtype) for _ in rows]
    absent = [0] * (3 - len(rows))
    arrays = (*rows, *absent, *biases, *absent, *made, *absent)
    sizes = (made[0].size, L, heads, E, each, rotary, start)
    launch_each("attention", "split_heads", rows[0].dtype, len(rows) * made[0].size, *arrays, len(rows), *sizes)
    return made


def join(x: Any) -> Any:
    """Return rows ``(N L, D)`` from ``(N, heads, L, E)``."""
    N, heads, L, E = x.shape
    if L == 1:
        return x.reshape(N, heads * E)
    y = cupy.empty((N * L, heads * E), x.dtype)
    launch_each("attention", "join_heads", x.dtype, x.size, x, y, x.size, L, heads, E)
    return y


def join_with_sums(parts: list[Any], each: int, rotary: int) -> tuple[list[Any], list[Any]]:
    """Return the rows ``(N L, D)`` of one to three arrays ``(N, heads, L, E)``, and the sum over the rows of each.

    The values of ``each`` heads are added; arrays whose bit is in ``rotary`` are turned back.
    """
    N, heads, L, E = parts[0].shape
    D, dtype = heads // each * E, parts[0].dtype
    rows, sums = [cupy.empty((N * L, D), dtype) for _ in parts], [cupy.empty(D, dtype) for _ in parts]
    absent, width = [0] * (3 - len(parts)), len(parts) * D
    sizes = (N * L, width, L, heads, E, each, rotary, TILE)
    arrays = (*parts, *absent, *rows, *absent, *sums, *absent)
    launch_tiles("attention", "join_with_sums", dtype, width, max(N * L, 1), TILE, *arrays, *sizes)
    return rows, sums
