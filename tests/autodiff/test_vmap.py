"""vmap: every rule and its derivatives over a batch against the loop, axes, nesting, and what cannot be batched."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as plain
import numpy as np
import pytest
from autodiff_checks import PRESENT, Place

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES, Case

N = 3
DYNAMIC = ("unique_all", "unique_counts", "unique_inverse", "unique_values")  # shapes that depend on values
READ = ("arange",)  # a size that depends on values
HOST = [case for case in CASES if case.name not in (*DYNAMIC, *READ)]
KINDS = list({case.name: case for case in reversed(HOST)}.values())


def space(*arrays: Any) -> Any:
    xp = array_namespace(*arrays)
    return plain if xp is np else xp


def batch_of(case: Case, place: Any, which: tuple[int, ...]) -> tuple[list[Any], tuple[int | None, ...]]:
    """Points of the case, of which those named are a batch."""
    rows = [case.points(seed) for seed in range(N)]
    axes = tuple(0 if at in which else None for at in range(len(case.shapes)))
    arrays = [np.stack([row[at] for row in rows]) if at in which else rows[0][at] for at in range(len(case.shapes))]
    return [place.asarray(x) for x in arrays], axes


def value_of(case: Case) -> Any:
    return lambda *arrays: case.call(space(*arrays), *arrays)


def gradient_of(case: Case) -> Any:
    def scalar(*arrays: Any) -> Any:
        xp = array_namespace(*arrays)
        y = case.call(space(*arrays), *arrays)
        y = xp.real(y) + 0.5 * xp.imag(y) if "complex" in str(y.dtype) else y
        return xp.sum(y * y * 0.5 + y)

    return xn.grad(scalar, case.smooth)


def agree(f: Any, case: Case, place: Any, which: tuple[int, ...]) -> None:
    arrays, axes = batch_of(case, place, which)
    found = xn.vmap(f, axes)(*arrays)
    expected = xn.vmap(f, axes, loop=True)(*arrays)
    for y, e in zip(*(y if isinstance(y, tuple) else (y,) for y in (found, expected)), strict=True):
        assert type(y) is type(e)
        assert y.shape == e.shape
        assert y.dtype == e.dtype
        np.testing.assert_allclose(place.to_numpy(y), place.to_numpy(e), rtol=1e-9, atol=1e-9)


class Host:
    asarray = staticmethod(np.asarray)
    to_numpy = staticmethod(np.asarray)


def choices(case: Case) -> list[tuple[int, ...]]:
    """All operands as batches, and each alone."""
    numbers = tuple(range(len(case.shapes)))
    alone = numbers[:1] if case.name == "setitem" else numbers  # no bare array can be assigned a batch
    return [numbers, *((at,) for at in alone if len(numbers) > 1)]


@pytest.mark.parametrize("case", HOST, ids=lambda case: case.id)
def test_a_batch_is_the_loop(case: Case) -> None:
    for which in choices(case):
        agree(value_of(case), case, Host, which)


@pytest.mark.parametrize("case", HOST, ids=lambda case: case.id)
def test_gradients_of_a_batch_are_the_loop(case: Case) -> None:
    for which in choices(case):
        agree(gradient_of(case), case, Host, which)


PAIRS = [(case, name) for name in PRESENT if name != "numpy" for case in (KINDS if name == "jax" else HOST)]
PAIRS = [(case, name) for case, name in PAIRS if (case.id, name) != ("setitem-mask", "array-api-strict")]  # no loop


@pytest.mark.parametrize(
    ("case", "place"), PAIRS, ids=[f"{name}-{case.id}" for case, name in PAIRS], indirect=["place"]
)
def test_it_is_on_every_library(case: Case, place: Place) -> None:
    agree(value_of(case), case, place, tuple(range(len(case.shapes))))
    agree(gradient_of(case), case, place, tuple(range(len(case.shapes))))
