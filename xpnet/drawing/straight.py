"""Heights of items in columns: arrows run straight wherever they can, and nothing touches.

Items joined by an arrow that should be straight form a row with one height. Rows are then moved towards the items that
they are linked to, and apart where they would touch.

Source: U. Brandes, B. Köpf, Fast and simple horizontal coordinate assignment, 2002 (rows without crossings).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

GAP = 14.0
ROUNDS = 10
MORE_ROUNDS = 100  # for a graph that a person looks at, of up to FEW items
FEW = 400
OPERAND, READER = 20.0, 1.0  # a node is drawn in the middle of its operands rather than of its readers

Link = tuple[int, int]


def heights(
    order: Sequence[Sequence[int]],
    sizes: Sequence[float],
    links: Sequence[Link],
    straight: Iterable[Link],
    aside: Container[Link],
) -> list[float]:
    """Return the middle of every item, from the columns' order and the items' heights.

    ``links`` join items of neighbouring columns; those in ``straight``, the most important first, become horizontal
    unless they cross one that already is. Operands in ``aside`` attract their reader no more than it attracts them.
    """
    row = _rows(order, len(sizes), straight)
    count = max(row, default=-1) + 1
    above: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    below: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for column in order:
        for a, b in pairwise(column):
            distance = (sizes[a] + sizes[b]) / 2 + GAP
            above[row[b]].append((row[a], distance))
            below[row[a]].append((row[b], distance))
    pulls: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for a, b in links:
        if row[a] != row[b]:
            pulls[row[a]].append((row[b], READER))
            pulls[row[b]].append((row[a], READER if (a, b) in aside else OPERAND))
    downwards = _from_top(above, below)
    y = [0.0] * count
    rounds = MORE_ROUNDS if len(sizes) <= FEW else ROUNDS
    for _ in range(rounds):
        y = _apart([(y[r] + _middle(y, pulls[r], y[r])) / 2 for r in range(count)], downwards, above, below)
    for _ in range(rounds):  # rows that push each other drift; those with room settle now
        for r in range(count):
            lowest = max((y[a] + distance for a, distance in above[r]), default=-math.inf)
            highest = min((y[b] - distance for b, distance in below[r]), default=math.inf)
            y[r] = min(max(_middle(y, pulls[r], y[r]), lowest), highest)
    return [y[r] for r in row]


def _middle(y: Sequence[float], pulls: Sequence[tuple[int, float]], otherwise: float) -> float:
    weight = sum(pull for _, pull in pulls)
    return sum(y[n] * pull for n, pull in pulls) / weight if weight else otherwise


def _rows(order: Sequence[Sequence[int]], count: int, straight: Iterable[Link]) -> list[int]:
    """Return for each item the number of its row."""
    rank = [0] * count
    column_of = [0] * count
    for number, column in enumerate(order):
        for position, item in enumerate(column):
            rank[item], column_of[item] = position, number
    kept: list[list[Link]] = [[] for _ in order]  # per column the ranks that straight links join, sorted
    left: dict[int, int] = {}
    taken = set()
    for a, b in straight:
        if b in left or a in taken:
            continue
        others = kept[column_of[a]]
        at = bisect_left(others, (rank[a], rank[b]))
        if (at and others[at - 1][1] >= rank[b]) or (at < len(others) and others[at][1] <= rank[b]):
            continue
        others.insert(at, (rank[a], rank[b]))
        left[b] = a
        taken.add(a)
    row = [-1] * count
    rows = 0
    for column in order:
        for item in column:
            if item in left:
                row[item] = row[left[item]]
            else:
                row[item] = rows
                rows += 1
    return row


def _from_top(above: Sequence[Sequence[tuple[int, float]]], below: Sequence[Sequence[tuple[int, float]]]) -> list[int]:
    """Return the rows in an order in which everything above a row comes before it."""
    waiting = [len(rows) for rows in above]
    ready = [r for r, count in enumerate(waiting) if count == 0]
    for r in ready:
        for lower, _ in below[r]:
            waiting[lower] -= 1
            if waiting[lower] == 0:
                ready.append(lower)
    return ready


def _apart(
    wanted: Sequence[float],
    downwards: Sequence[int],
    above: Sequence[Sequence[tuple[int, float]]],
    below: Sequence[Sequence[tuple[int, float]]],
) -> list[float]:
    """Return heights that keep their distances: midway between moving only down and moving only up."""
    down, up = list(wanted), list(wanted)
    for r in downwards:
        down[r] = max([down[r], *(down[a] + distance for a, distance in above[r])])
    for r in reversed(downwards):
        up[r] = min([up[r], *(up[b] - distance for b, distance in below[r])])
    return [(a + b) / 2 for a, b in zip(down, up, strict=True)]
