"""The shares of a derivative that is a sum: the part that each reader of a value sends back to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from xpnet.autodiff import Node
from xpnet.autodiff.nodes import conjugate
from xpnet.autodiff.record import base
from xpnet.autodiff.table import fit
from xpnet.backend import to_numpy
from xpnet.drawing.values import FEW

Share = tuple[int, int]  # the id of the reading node, and the position of the operand


def shares(nodes: Sequence[Node], operands: Callable[[Node], list[Any]]) -> dict[Share, Any]:
    """Return the terms of every small derivative that several nodes send back, where they add up to it.

    The backward keeps only their sum, so they are computed again from the rules. A rule whose arguments have been
    released may fail or give another sum; then there are no terms.
    """
    readers: dict[int, list[tuple[Node, int]]] = {}
    for node in nodes:
        for position, operand in enumerate(operands(node)):
            if isinstance(operand, Node):
                readers.setdefault(id(operand), []).append((node, position))
    found: dict[Share, Any] = {}
    for node in nodes:
        uses = readers.get(id(node), [])
        if len(uses) < 2 or node.grad is None or prod(tuple(getattr(node.value, "shape", (FEW + 1,)))) > FEW:
            continue
        try:
            terms = [_share(reader, position, operands(reader)) for reader, position in uses]
            total = sum(to_numpy(base(term)) for term in terms)
            matches = np.allclose(total, to_numpy(base(node.grad)), rtol=1e-3, atol=1e-6, equal_nan=True)
        except Exception:  # noqa: S112 (whatever a rule lacks, the picture does without the terms)
            continue
        if matches:
            found |= {
                (id(reader), position): conjugate(term) for (reader, position), term in zip(uses, terms, strict=True)
            }
    return found


def _share(reader: Node, position: int, operands: list[Any]) -> Any:
    """Return the gradient that the rule of a node gives to one operand."""
    rule = reader.rule
    if rule is None or rule.joint is not None:
        raise LookupError
    args = [operand.value if isinstance(operand, Node) else operand for operand in operands]
    gradient = rule.gradients[position]
    if gradient is None:
        raise LookupError
    d = gradient(reader.grad, reader.value, *args, **(reader.keywords or {}))
    return fit(d, args[position]) if rule.fits else d
