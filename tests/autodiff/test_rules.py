"""Every rule against numerical differentiation, at first and second order, and on every place."""

from __future__ import annotations

import sys
from typing import Any

import array_api_compat.numpy as plain
import numpy as np
import pytest
from autodiff_checks import PRESENT, Place, directions_like, real_dot, slope

from xpnet.autodiff import tape, value_and_grad
from xpnet.autodiff.rules import COMPOSITES, RULES, fit
from xpnet.backend import array_namespace
from xpnet.cases.rules import CASES, Case


def space(*arrays: Any) -> Any:
    """The namespace; NumPy's with all of the standard (its own ``sort`` cannot sort downwards)."""
    xp = array_namespace(*arrays)
    return plain if xp is np else xp


INTERNAL = {"getitem", "setitem"}


def test_every_rule_has_a_case() -> None:
    assert {case.name for case in CASES} == set(RULES) | set(COMPOSITES) | INTERNAL


def test_cases_have_names_of_their_own() -> None:
    names = [case.id for case in CASES]
    assert sorted(names) == sorted(set(names))


def scalar_of(case: Case, rng: np.random.Generator) -> Any:
    """``s(x) = Re Σ w f(x)`` with random weights."""
    points = case.points()
    y = np.asarray(case.call(plain, *points))
    w = rng.standard_normal(y.shape) + 1j * rng.standard_normal(y.shape)
    w = np.asarray(w if y.dtype.kind == "c" else w.real)

    def scalar(*arrays: Any) -> Any:
        return real_dot(w, case.call(space(*arrays), *arrays))

    return scalar, points


def along(gradients: Any, directions: list[np.ndarray]) -> float:
    """``Re Σ conj(g) v``, what the gradients say of a direction."""
    return sum(float(np.sum(np.conj(g) * v).real) for g, v in zip(gradients, directions, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_first_and_second_order(case: Case) -> None:
    rng = np.random.default_rng(7)
    scalar, points = scalar_of(case, rng)
    for x in points:
        x.flags.writeable = False
    depends = case.smooth
    first = value_and_grad(scalar, depends)
    value, gradients = first(*points)
    assert float(value) == pytest.approx(float(scalar(*points)), rel=1e-12)
    for x, g in zip([points[n] for n in depends], gradients, strict=True):
        assert g.shape == x.shape
        assert g.dtype == x.dtype
    v = [d if n in depends else 0 * d for n, d in enumerate(directions_like(points, rng))]
    expected = slope(scalar, points, v, 1e-3)
    assert along(gradients, [v[n] for n in depends]) == pytest.approx(expected, rel=1e-7, abs=1e-8)

    u = [d for n, d in enumerate(directions_like(points, rng)) if n in depends]

    def tilt(*arrays: Any) -> Any:
        found = value_and_grad(scalar, depends)(*arrays)[1]
        total = 0.0
        for g, d in zip(found, u, strict=True):
            total = total + real_dot(np.conj(d), g)
        return total

    second = value_and_grad(tilt, depends)(*points)[1]
    expected = slope(tilt, points, v, 1e-3)
    assert along(second, [v[n] for n in depends]) == pytest.approx(expected, rel=1e-6, abs=1e-7)


CHOSEN = {
    "multiply",
    "divide",
    "where",
    "sum",
    "max",
    "cumulative_prod",
    "getitem",
    "setitem",
    "take",
    "sort",
    "matmul",
}
CHOSEN |= {"linalg.cholesky", "linalg.svd", "fft.irfft", "concat", "clip", "pow"}
FIRST = [next(case for case in CASES if case.name == name) for name in sorted(CHOSEN)]

# jax compiles every operation for every shape, and so does a pretended CUDA: one case of each kind
COMPILED = ("jax", "cupy")
PAIRS = [(case, name) for name in PRESENT if name != "numpy" for case in (FIRST if name in COMPILED else CASES)]
STATIC = [
    case for case in CASES if not case.name.startswith("unique_")
]  # the shapes do not depend on values: see Place
PAIRS = [(case, name) for case, name in PAIRS if name != "array-api-strict" or case in STATIC]


@pytest.mark.parametrize(
    ("case", "place"), PAIRS, ids=[f"{name}-{case.id}" for case, name in PAIRS], indirect=["place"]
)
def test_the_same_gradients_on_every_library(case: Case, place: Place) -> None:
    if case.name in ("linalg.eig", "linalg.eigvals"):
        try:
            place.backend.xp.linalg.eig(place.asarray(np.eye(2)))
        except RuntimeError as error:
            pytest.skip(str(error))  # CuPy, where cuSOLVER is older than CUDA 12.6
    rng = np.random.default_rng(7)
    _, points = scalar_of(case, rng)
    y = np.asarray(case.call(plain, *points))
    w = np.asarray(rng.standard_normal(y.shape) + (1j * rng.standard_normal(y.shape) if y.dtype.kind == "c" else 0.0))
    numbers = case.smooth
    weights = place.asarray(w)

    def scalar(*arrays: Any) -> Any:
        return real_dot(weights, case.call(space(*arrays), *arrays))

    def reference(*arrays: Any) -> Any:
        return real_dot(w, case.call(space(*arrays), *arrays))

    arrays = [place.asarray(x) for x in points]
    found = value_and_grad(scalar, numbers)(*arrays)[1]
    expected = value_and_grad(reference, numbers)(*points)[1]
    for n, g, e in zip(numbers, found, expected, strict=True):
        assert type(g) is type(arrays[n])
        assert g.device == arrays[n].device
        np.testing.assert_allclose(place.to_numpy(g), e, rtol=1e-8, atol=1e-9)


def test_no_rule_reads_a_value_on_the_host(defer_to_variables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU it would stall; what array-api-strict itself asks of its arrays inside a function is its own affair."""
    strict = pytest.importorskip("array_api_strict._array_object").Array
    place = Place("array-api-strict")
    readers: set[str] = set()
    for name in ("__bool__", "__float__", "__int__", "__complex__", "__index__"):
        read = getattr(strict, name)

        def noted(self: Any, read: Any = read) -> Any:
            caller = sys._getframe(1)
            if "xpnet" in caller.f_code.co_filename and caller.f_code.co_name != "_has_nan":  # once, after the walk
                readers.add(f"{caller.f_code.co_filename}:{caller.f_lineno}")
            return read(self)

        monkeypatch.setattr(strict, name, noted)
    with place.inside():
        for case in STATIC:
            if case.name == "arange":  # its size depends on values
                continue
            arrays = [place.asarray(x) for x in case.points()]

            def scalar(*arrays: Any, case: Case = case) -> Any:
                y = case.call(array_namespace(*arrays), *arrays)
                return real_dot(array_namespace(y).ones_like(y), y)

            value_and_grad(scalar, case.smooth)(*arrays)
    assert readers == set()


def test_float32_stays_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rule passes through float64, which would be slow on a GPU; ``fit`` has nothing to cast back."""
    cast: set[str] = set()
    name = ""

    def noting(d: Any, x: Any) -> Any:
        if str(d.dtype) not in (str(x.dtype), str(x.dtype).replace("float32", "complex64")):
            cast.add(f"{name}: {d.dtype} for {x.dtype}")
        return fit(d, x)

    monkeypatch.setattr(tape, "fit", noting)
    for case in CASES:
        if case.dtypes or case.name == "astype" or case.is_complex:
            continue
        name = case.id
        points = [np.asarray(x, dtype=np.float32) for x in case.points()]
        scalar = value_and_grad(lambda *x, call=case.call: real_dot(np.float32(1.0), call(space(*x), *x)), case.smooth)
        assert {g.dtype for g in scalar(*points)[1]} == {np.dtype("float32")}, name
    assert cast == set()
