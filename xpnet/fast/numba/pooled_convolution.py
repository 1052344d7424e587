"""Pools of four: the maximum of four slabs, with bias and ReLU, in one pass over them, and its backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled, in_order
from xpnet.fast.numpy import pooled_convolution
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.activation import Relu
from xpnet.layers.bodies import body
from xpnet.layers.convolution import Convolution
from xpnet.layers.pooling import MaxPooling


@body("numba", Convolution, Relu, MaxPooling)
class LargestOfFour(pooled_convolution.LargestOfSlabs):
    """Pools of four whose slabs are compared in one pass, with bias and ReLU, and whose dout is split in one."""

    def take_largest(self, slabs: Host, b: Host, y: Host, winner: Host, first: int) -> None:
        if len(slabs) == 4 and in_order(slabs, b, y):
            take_largest_of_four(slabs, b, y, winner, first)
        else:
            super().take_largest(slabs, b, y, winner, first)

    def part_among_slabs(self, dout: Host, winner: Host, first: int, slabs: Host) -> None:
        if in_order(dout, slabs) and winner.dtype == np.uint8 and winner.flags.carray:
            part_by_winner(dout, winner, first, slabs)
        else:
            super().part_among_slabs(dout, winner, first, slabs)


@compiled
def take_largest_of_four(slabs: Host, b: Host, y: Host, winner: Host, first: Any) -> None:
    """Write the maximum as ``max_pooling`` does: the first of equal values, and NaN before all others."""
    _, M, L = slabs.shape
    zero = slabs.dtype.type(0)
    for m in range(M):
        s0, s1, s2, s3 = slabs[0, m], slabs[1, m], slabs[2, m], slabs[3, m]
        values, winners = y[m, first : first + L], winner[m, first : first + L]
        for i in range(L):
            top, won = s0[i], np.int32(0)
            better = (s1[i] > top) | (s1[i] != s1[i])
            top, won = s1[i] if better else top, np.int32(1) if better else won
            better = (s2[i] > top) | (s2[i] != s2[i])
            top, won = s2[i] if better else top, np.int32(2) if better else won
            better = (s3[i] > top) | (s3[i] != s3[i])
            top, won = s3[i] if better else top, np.int32(3) if better else won
            top += b[m]
            values[i] = zero if top < zero else top
            winners[i] = won


@compiled
def part_by_winner(dout: Host, winner: Host, first: Any, slabs: Host) -> None:
    P, M, L = slabs.shape
    zero = dout.dtype.type(0)
    for m in range(M):
        d, won = dout[m, first : first + L], winner[m, first : first + L]
        for k in range(P):
            slab = slabs[k, m]
            for i in range(L):
                slab[i] = d[i] if won[i] == k else zero
