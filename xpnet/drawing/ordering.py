"""The order of items within their columns: few crossings, operands from top to bottom.

Source: E. R. Gansner, E. Koutsofios, S. C. North, K.-P. Vo, A technique for drawing directed graphs, 1993, section 3.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import pairwise

Neighbours = Sequence[Sequence[int]]
Order = list[list[int]]
SWEEPS = 8
FEW = 600  # items up to which several first orders are tried


def order_columns(columns: Sequence[int], before: Neighbours, after: Neighbours) -> Order:
    """Return the items of each column from top to bottom; every link joins neighbouring columns.

    From each of a few first orders, sweeps to the right and to the left sort the items by the mean of their neighbours;
    the first order with the fewest crossings is taken.
    """
    best: Order = []
    fewest = -1
    for operands in _walks(columns, before, after):
        order = _first_order(columns, operands, after)
        for sweep in range(SWEEPS):
            count = _crossings(order, after)
            if fewest < 0 or count < fewest:
                best, fewest = [list(column) for column in order], count
            if fewest == 0:
                return best
            if sweep % 2 == 0:
                _sweep(order[1:], order[:-1], before)
            else:
                _sweep(order[-2::-1], order[:0:-1], after)
    return best


def _walks(columns: Sequence[int], before: Neighbours, after: Neighbours) -> Iterator[Neighbours]:
    """Yield the operands of each item in order; in a small graph, also with plain inputs first, or last."""
    yield before
    if len(columns) <= FEW:
        weight = [0] * len(before)  # joins and branches on the way from an input: none behind a plain input
        for item in sorted(range(len(before)), key=columns.__getitem__):
            joins = len(before[item]) > 1 or len(after[item]) > 1
            weight[item] = joins + max((weight[operand] for operand in before[item]), default=0)
        yield [sorted(operands, key=weight.__getitem__) for operands in before]
        yield [sorted(operands, key=weight.__getitem__, reverse=True) for operands in before]


def _first_order(columns: Sequence[int], before: Neighbours, after: Neighbours) -> Order:
    """Return a walk from the results back through the operands in their order, which draws a tree without crossings."""
    order: Order = [[] for _ in range(max(columns, default=-1) + 1)]
    seen = [False] * len(columns)
    stack = [item for item in range(len(columns) - 1, -1, -1) if not after[item]]
    while stack:
        item = stack.pop()
        if not seen[item]:
            seen[item] = True
            order[columns[item]].append(item)
            stack += reversed(before[item])
    return order


def _sweep(moving: Sequence[list[int]], fixed: Sequence[list[int]], neighbours: Neighbours) -> None:
    for column, other in zip(moving, fixed, strict=True):
        rank = {item: float(position) for position, item in enumerate(other)}
        key = {}
        for position, item in enumerate(column):
            near = neighbours[item]
            key[item] = sum(rank[n] for n in near) / len(near) if near else float(position)
        column.sort(key=key.__getitem__)


def _crossings(order: Sequence[Sequence[int]], after: Neighbours) -> int:
    """Return the number of pairs of links that cross."""
    count = 0
    for column, following in pairwise(order):
        rank = {item: position for position, item in enumerate(following)}
        passed: list[int] = []
        for item in column:
            ends = sorted(rank[n] for n in after[item])
            for end in ends:
                count += len(passed) - bisect_right(passed, end)
            for end in ends:
                insort(passed, end)
    return count
