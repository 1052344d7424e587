# ruff: noqa: ARG001 (a rule takes all that its function takes)
"""Functions that find distinct values, differentiable by the values, on any library that has ``unique_inverse``.

The gradient of a value is shared equally by the elements that equal it, as for ``max``.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.batching.ways import refused
from xpnet.autodiff.record import apply, base
from xpnet.autodiff.rules.indexing import scatter_add
from xpnet.autodiff.table import Rule, composite
from xpnet.backend import array_namespace, device_of


class UniqueAllResult(NamedTuple):
    """The distinct values, their first indices, the index of the value of each element, and the counts."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCountsResult(NamedTuple):
    """The distinct values and their counts."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """The distinct values and the index of the value of each element."""

    values: Any
    inverse_indices: Any


def _shares(g: Any, y: Any, x: Any, values: Any, inverse: Any) -> Any:
    """Return ``dxᵢ = gₖ / countₖ`` where ``inverseᵢ = k``."""
    xp, plain = array_namespace(g, inverse), array_namespace(inverse)
    line = plain.reshape(inverse, (prod(inverse.shape),))
    ones = plain.ones((*line.shape, 1), dtype=g.dtype, device=device_of(inverse))
    counts = scatter_add(ones, line, 0, g.shape[0])[:, 0]
    return xp.reshape(xp.take(g / counts, line, axis=0), tuple(x.shape))


UNIQUE = Rule("unique", (_shares, None, None))

NOTE = "equal elements share the gradient equally"


def _found(xp: Any, x: Any) -> tuple[Any, Any]:
    """Return the distinct values with their history, and the index of the value of each element.

    Libraries need not return ``unique_values`` in the order of ``unique_inverse``.
    """
    array = base(x)
    if type(array) is Batch:
        raise refused("unique", "a function whose shapes depend on values")
    values, inverse = xp.differentiates.unique_inverse(array)
    inverse = xp.differentiates.reshape(inverse, tuple(array.shape))
    return apply(UNIQUE, lambda _x, values, _inverse: values, (x, values, inverse)), inverse


def _positions(xp: Any, inverse: Any, number: int) -> tuple[Any, Any]:
    """Return the first index of each value, and its count."""
    line = xp.reshape(inverse, (prod(inverse.shape),))
    order = xp.argsort(line, stable=True)
    line = xp.take(line, order, axis=0)
    numbers = xp.arange(number, dtype=line.dtype, device=device_of(line))
    first = xp.searchsorted(line, numbers)
    return xp.take(order, first, axis=0), xp.searchsorted(line, numbers, side="right") - first


@composite("unique_all", NOTE)
def unique_all(xp: Any, x: Any, /) -> UniqueAllResult:
    """Return the distinct values, their first indices, the inverse indices and the counts."""
    values, inverse = _found(xp, x)
    indices, counts = _positions(xp.differentiates, inverse, values.shape[0])
    return UniqueAllResult(values, indices, inverse, counts)


@composite("unique_counts", NOTE)
def unique_counts(xp: Any, x: Any, /) -> UniqueCountsResult:
    """Return the distinct values and their counts."""
    values, inverse = _found(xp, x)
    return UniqueCountsResult(values, _positions(xp.differentiates, inverse, values.shape[0])[1])


@composite("unique_inverse", NOTE)
def unique_inverse(xp: Any, x: Any, /) -> UniqueInverseResult:
    """Return the distinct values and the inverse indices."""
    values, inverse = _found(xp, x)
    return UniqueInverseResult(values, inverse)


@composite("unique_values", NOTE)
def unique_values(xp: Any, x: Any, /) -> Any:
    """Return the distinct values."""
    return _found(xp, x)[0]
