"""The Transformer's block for one more position of a sequence that goes on: loops around its products."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from xpnet.fast.numba.activation import by_share
from xpnet.fast.numba.compiler import compiled, compiled_sums, flat
from xpnet.fast.numba.normalization import normalize
from xpnet.fast.numpy import transformer
from xpnet.fast.numpy.blocks import Host
from xpnet.fast.numpy.next_position import first_seen, with_room
from xpnet.layers.activation import CUBE
from xpnet.layers.bodies import body
from xpnet.layers.transformer import DecoderBlock, TransformerBlock


class InLoops(transformer.GoesOn):
    """A block that computes one more position of a sequence by its products and compiled loops between them."""

    def attended(self, x: Host, own: transformer.BlockArrays) -> Host:
        h = np.empty_like(x)
        normalize(x, own.gamma1, own.beta1, self.norm1.eps, h)
        y: Host = self.heads_of(h.dot(own.W), own).dot(own.Wo)
        add(y, own.bo, x)
        return y

    def heads_of(self, qkv: Host, own: transformer.BlockArrays) -> Host:
        """Return the heads' outputs ``(N, A)`` of one position from its q, k and v, and note k and v."""
        attention, past = self.attention, self.attention.past
        heads, N, start = attention.heads, len(qkv), past.length
        keys, values = with_room(past, (N, attention.groups, start + 1, own.E), qkv.dtype)
        low = first_seen(attention, start)
        scores, a = np.empty((N, heads, start + 1 - low), qkv.dtype), np.empty((N, heads, own.E), qkv.dtype)
        meet(qkv, own.b, own.turn(start), flat(own.slopes), keys, values, low, start, scores)
        np.exp(scores, out=scores)
        mix(scores, values, low, a)
        past.length = start + 1
        return a.reshape(N, -1)

    def through_mlp(self, x: Host, own: transformer.BlockArrays) -> Host:
        h = np.empty_like(x)
        normalize(x, own.gamma2, own.beta2, self.norm2.eps, h)
        u = h.dot(own.W1)
        inside = np.empty_like(u)
        add_and_bend(u, own.b1, inside)
        np.tanh(inside, out=inside)
        by_share(flat(u), flat(u), flat(inside))
        y: Host = u.dot(own.W2)
        add(y, own.b2, x)
        return y


@body("numba", TransformerBlock)
class PositionAfterPosition(InLoops, transformer.PositionAfterPosition):
    """A Transformer's block that computes one more position of a sequence in loops between its products."""


@body("numba", DecoderBlock)
class PositionWithMemory(InLoops, transformer.PositionWithMemory):
    """A decoder's block that computes one more position of a sequence in loops around those of its memory."""


@compiled
def add(y: Host, b: Host, x: Host) -> None:
    N, M = y.shape
    for n in range(N):
        for j in range(M):
            y[n, j] += b[j] + x[n, j]


@compiled
def add_and_bend(u: Host, b: Host, inside: Host) -> None:
    """Add b, and write the argument of GELU's tanh."""
    N, M = u.shape
    real = u.dtype.type
    a, c = real(sqrt(2.0 / pi) * CUBE), real(sqrt(2.0 / pi))
    for n in range(N):
        for j in range(M):
            x = u[n, j] + b[j]
            u[n, j] = x
            inside[n, j] = (x * x * a + c) * x


@compiled_sums
def meet(
    qkv: Host, b: Host, turn: Host, slopes: Host, keys: Host, values: Host, low: Any, start: Any, scores: Host
) -> None:
    """Write keys and values of a position behind the others, and the scores of its queries less their maximum."""
    N, groups, _, E = keys.shape
    heads = scores.shape[1]
    each, real = heads // groups, qkv.dtype.type
    for n in range(N):
        row = qkv[n]
        for j in range(row.size):
            row[j] += b[j]
        for h in range((heads + groups) * (turn.size > 0)):
            for i in range(E // 2):
                even, odd = row[h * E + 2 * i], row[h * E + 2 * i + 1]
                row[h * E + 2 * i] = even * turn[0, i] - odd * turn[1, i]
                row[h * E + 2 * i + 1] = even * turn[1, i] + odd * turn[0, i]
        for g in range(groups):
            for e in range(E):
                keys[n, g, start, e] = row[(heads + g) * E + e]
                values[n, g, start, e] = row[(heads + groups + g) * E + e]
        for h in range(heads):
            q, k, s = row[h * E : (h + 1) * E], keys[n, h // each], scores[n, h]
            top = real(-np.inf)
            for t in range(s.size):
                score = real(0)
                for e in range(E):
                    score += q[e] * k[low + t, e]
                if slopes.size > 0:
                    score -= slopes[h] * real(start - low - t)
                s[t] = score
                top = max(top, score)
            for t in range(s.size):
                s[t] -= top


@compiled_sums
def mix(e: Host, values: Host, low: Any, a: Host) -> None:
    """Write the means of the values from ``low`` on, weighted by the exponentials e."""
    N, heads, S = e.shape
    E, each = values.shape[3], heads // values.shape[1]
    for n in range(N):
        for h in range(heads):
            p, v, y = e[n, h], values[n, h // each], a[n, h]
            total = p[0]
            for t in range(1, S):
                total += p[t]
            y[:] = e.dtype.type(0)
            last = S - S % 4
            for t in range(0, last, 4):
                for j in range(E):
                    y[j] += (p[t] * v[low + t, j] + p[t + 1] * v[low + t + 1, j]) + (
                        p[t + 2] * v[low + t + 2, j] + p[t + 3] * v[low + t + 3, j]
                    )
            for t in range(last, S):
                for j in range(E):
                    y[j] += p[t] * v[low + t, j]
            for j in range(E):
                y[j] /= total
