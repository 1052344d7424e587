"""Every body gives what the equations of its layers give, and writes nothing but gradients and lasting state."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draw import Draw
from row_table import ROWS

import xpnet as xn
from xpnet.backend import is_array, make_backend, to_numpy
from xpnet.errors import BackendError
from xpnet.layers.bodies import BODIES, libraries_for, plain
from xpnet.layers.spec import Accepted
from xpnet.layers.stage import InferenceStage, Stage

for module in Path(__file__).parent.glob("drawn_*.py"):
    import_module(module.stem)

DRAWS = 16
ROUNDING = {"float16": 4e-3, "float32": 4e-6, "float64": 1e-13}


def bodies() -> list[Any]:
    """Library, name under which the body is registered, and its row."""
    found = []
    for library in ("numpy", "cupy"):
        try:
            names = libraries_for(type(make_backend(library).asarray(np.ones(1))))
        except BackendError:
            continue
        found += [
            pytest.param((library, name, row), id="-".join([name, *[layer.__name__ for layer in row]]))
            for name in names
            for row in BODIES.get(name, ())
            if not row[0].is_container
        ]
    return found


def test_each_row_with_a_body_is_drawn():
    assert not {row for rows in BODIES.values() for row in rows if not row[0].is_container} - ROWS.keys()


class Case:
    """A body, and its layers with random arrays and inputs."""

    def __init__(self, kind: Any, layers: list[Any], inputs: tuple[Any, ...], draw: Draw) -> None:
        self.kind, self.layers, self.inputs, self.draw = kind, layers, inputs, draw

    def own(self) -> list[Any]:
        """The layers with caches and state of their own."""
        copies = [layer.copy() for layer in self.layers]
        for copy in copies:
            copy.lasting_state, copy.accepted, copy.last_call = dict(copy.lasting_state), Accepted(), None
        return copies

    def stage(self, **options: Any) -> tuple[Stage, list[Any]]:
        layers = self.own()
        return Stage(tuple(layers), self.kind, **options), layers

    def equations(self) -> tuple[Any, list[Any]]:
        """y by the equations, and the layers that gave it."""
        layers = self.own()
        with plain():
            y, rest = self.inputs[0], self.inputs[1:]
            for layer in layers:
                y, rest = layer.forward(y, *rest), ()
        return y, layers

    def upstream(self, y: Any) -> tuple[Any, ...]:
        """dout for each result."""
        shapes = [part.shape for part in in_a_tuple(y)]
        return tuple(1.0 if shape == () and self.draw.chance() else self.draw.array(*shape) for shape in shapes)

    def taken(self) -> bool:
        """Whether the body takes the arrays, rather than leaving them to the equations."""
        stage, _ = self.stage()
        stage(*self.inputs)
        return stage.given is not None


@pytest.fixture(params=ROUNDING)
def dtype(request):
    return request.param


@pytest.fixture(params=bodies())
def cases(request, dtype):
    """Random cases of a body."""
    library, name, row = request.param
    if dtype == "float16" and library == "numpy":
        pytest.skip("float16 on NumPy runs by the equations")
    with xn.use_backend(library, dtype=dtype) as backend, np.errstate(all="ignore"):

        def case(seed: int) -> Case:
            draw = Draw(seed, dtype, lambda values: backend.asarray(values, dtype=str(values.dtype)))
            return Case(BODIES[name][row], *ROWS[row](draw), draw)

        yield list(map(case, range(DRAWS)))


def gradients(layers: list[Any]) -> list[Any]:
    return [getattr(layer, f"d{name}") for layer in layers for name in layer.parameters]


def states(layers: list[Any]) -> list[Any]:
    return [value for layer in layers for value in layer.lasting_state.values()]


def in_a_tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


def flat(found: list[Any]) -> list[Any]:
    return [part for each in found for part in in_a_tuple(each)]


def by_equations(layers: list[Any], dout: tuple[Any, ...]) -> Any:
    """dx, after the backward of all layers."""
    for layer in reversed(layers):
        dx = layer.backward(*dout)
        dout = (dx,)
    return dx


def assert_equal(found: list[Any], expected: list[Any], dtype: str) -> None:
    """The same shapes, dtypes and, to rounding, values."""
    for one, other in zip(flat(found), flat(expected), strict=True):
        if not is_array(other) or type(other) in (int, float):
            assert one == other
            continue
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        one, other = to_numpy(one), to_numpy(other)
        finite = np.abs(other[np.isfinite(other)])
        rounding = 8 * ROUNDING[dtype] if one.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(one, other, rtol=rounding, atol=rounding * max(1.0, finite.max(initial=0.0)))


def test_it_takes_most_of_what_is_drawn(cases):
    assert sum(case.taken() for case in cases) >= DRAWS // 3


def test_it_gives_what_the_equations_give(cases, dtype):
    for case in cases:
        (y, alone), (stage, layers) = case.equations(), case.stage()
        dout = case.upstream(y)
        found = stage(*case.inputs)
        dx = by_equations(alone, dout)
        assert_equal([found, stage.backward(*dout)], [y, dx], dtype)
        assert_equal([*gradients(layers), *states(layers)], [*gradients(alone), *states(alone)], dtype)


def test_it_gives_what_the_equations_give_in_inference(cases, dtype):
    for case in cases:
        layers = case.own()
        y, rest = case.inputs[0], case.inputs[1:]
        with plain():
            for layer in layers:
                y, rest = layer.predict(y, *rest), ()
        stage, others = case.stage()
        before = states(others)
        assert_equal([InferenceStage(stage)(*case.inputs)], [y], dtype)
        assert all(now is then for now, then in zip(states(others), before, strict=True))


def test_without_dx_the_gradients_are_the_same(cases, dtype):
    for case in cases:
        (stage, layers), (other, others) = case.stage(), case.stage(needs_dx=False)
        dout = case.upstream(stage(*case.inputs))
        other(*case.inputs)
        stage.backward(*dout)
        other.backward(*dout)
        assert_equal(gradients(others), gradients(layers), dtype)
        assert all(layer.needs_dx for layer in others)


def test_a_node_can_be_asked_again_with_the_same_bits(cases):
    for case in cases:
        stage, layers = case.stage(once=False)
        dout = case.upstream(stage(*case.inputs))
        twice = [copied(flat([stage.backward(*dout), *gradients(layers)])) for _ in range(2)]
        for one, other in zip(*twice, strict=True):
            np.testing.assert_array_equal(one, other)


def test_neither_arguments_nor_earlier_results_change(cases):
    for case in cases:
        stage, layers = case.stage()
        y = stage(*case.inputs)
        dout = case.upstream(y)
        given = [*case.inputs, *[array for layer in case.layers for array in layer.parameter_arrays().values()], *dout]
        before = copied(given)
        results = flat([y, stage.backward(*dout), *gradients(layers)])
        kept = copied(results)
        stage(*case.inputs)
        stage.backward(*dout)
        InferenceStage(stage)(*case.inputs)
        for value, earlier in zip([*given, *results], [*before, *kept], strict=True):
            np.testing.assert_array_equal(to_numpy(value) if is_array(value) else value, earlier)


def copied(values: list[Any]) -> list[Any]:
    return [np.array(to_numpy(value)) if is_array(value) and type(value) is not float else value for value in values]
