"""Forward rules: every rule against its gradient, nesting, layers and derivatives of one's own."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as plain
import numpy as np
import pytest
from autodiff_checks import PRESENT, Place, directions_like

from xpnet.autodiff import forward, jvp, vjp
from xpnet.autodiff.rules import RULES
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES, Case

STATIC = [case for case in CASES if not case.name.startswith("unique_")]
KINDS = {case.name: case for case in reversed(STATIC)}


def space(*arrays: Any) -> Any:
    """The namespace; NumPy's with all of the standard."""
    xp = array_namespace(*arrays)
    return plain if xp is np else xp


def inner(a: Any, b: Any) -> float:
    """``Re Σ conj(a) b``."""
    return float(np.sum(np.conj(a) * b).real)


def both_ways(case: Case, place: Any) -> tuple[float, float]:
    """``v·(J u)`` and ``(Jᵀ v)·u``."""
    rng = np.random.default_rng(11)
    points = case.points()
    smooth = case.smooth
    u = [directions_like(points, rng)[n] for n in smooth]
    arrays = [place.asarray(x) for x in points]

    def f(*chosen: Any) -> Any:
        operands = list(arrays)
        for n, x in zip(smooth, chosen, strict=True):
            operands[n] = x
        return case.call(space(*chosen), *operands)

    chosen = tuple(arrays[n] for n in smooth)
    y, pullback = vjp(f, *chosen)
    (v,) = directions_like([place.to_numpy(y)], rng)
    gradients = pullback(place.asarray(v))
    again, moved = jvp(f, chosen, tuple(place.asarray(d) for d in u))
    np.testing.assert_allclose(place.to_numpy(again), place.to_numpy(y), rtol=1e-12, atol=1e-12)
    assert moved.shape == y.shape
    assert moved.dtype == y.dtype
    assert type(moved) is type(y)
    left = inner(v, place.to_numpy(moved))
    return left, sum(inner(place.to_numpy(g), d) for g, d in zip(gradients, u, strict=True))


class Host:
    """NumPy, as a place."""

    asarray = staticmethod(np.asarray)
    to_numpy = staticmethod(np.asarray)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_forward_and_reverse_are_transposes(case: Case) -> None:
    left, right = both_ways(case, Host)
    assert left == pytest.approx(right, rel=1e-9, abs=1e-10)


# jax compiles every operation for every shape: one case of every third function
FEW = list(KINDS.values())[::3]
COMPILED = ("jax", "cupy")
PAIRS = [(case, name) for name in PRESENT if name != "numpy" for case in (FEW if name in COMPILED else STATIC)]


@pytest.mark.parametrize(
    ("case", "place"), PAIRS, ids=[f"{name}-{case.id}" for case, name in PAIRS], indirect=["place"]
)
def test_they_are_on_every_library(case: Case, place: Place) -> None:
    left, right = both_ways(case, place)
    assert left == pytest.approx(right, rel=1e-8, abs=1e-9)


def test_which_rules_have_no_forward_rule() -> None:
    assert {name for name, rule in RULES.items() if rule.forward is None} == {"linalg.eig"}
    assert callable(forward.transposed)
