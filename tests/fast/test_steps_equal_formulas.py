"""The body of each optimizer gives what its formula gives, and writes where the arrays lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from draw import Draw

import xpnet as xn
from xpnet import optimizers
from xpnet.backend import make_backend, to_numpy
from xpnet.backend.halves import widened
from xpnet.errors import BackendError
from xpnet.layers.bodies import libraries_for
from xpnet.optimizers import SAM, SGD, AdaGrad, Adam, AdamW, Lion, Lookahead, Momentum, Nesterov, Optimizer, RMSprop
from xpnet.optimizers.steps import STEPS, by_formula

DRAWS = 12
ROUNDING = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-14}
IN_ONE_LAUNCH = {SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, RMSprop}
OPTIMIZERS = {kind for kind in vars(optimizers).values() if isinstance(kind, type) and issubclass(kind, Optimizer)}
IN_PLACE = OPTIMIZERS - {Optimizer, SAM}  # SAM runs the body of the optimizer in it


def bodies() -> list[Any]:
    found = []
    for library in ("numpy", "cupy"):
        try:
            names = libraries_for(type(make_backend(library).asarray(np.ones(1))))
        except BackendError:
            continue
        found += [
            pytest.param((library, name, *key), id=f"{name}-{key[0].__name__}-{key[1].__name__}")
            for name in names
            for key in STEPS.get(name, ())
        ]
    return found


@pytest.mark.parametrize("library", ["numpy", "cupy"])
def test_every_optimizer_has_a_body(library):
    try:
        libraries_for(type(make_backend(library).asarray(np.ones(1))))
    except BackendError as error:
        pytest.skip(str(error))
    assert {kind for kind, _ in STEPS[library]} == {"numpy": IN_PLACE, "cupy": IN_ONE_LAUNCH}[library]


@pytest.fixture(params=ROUNDING)
def dtype(request):
    return request.param


@pytest.fixture(params=bodies())
def cases(request, dtype):
    """The body, the formula, and what both take for some parameters with two sets of options."""
    library, name, kind, formula = request.param
    with xn.use_backend(library, dtype=dtype) as backend:

        def case(seed: int) -> Any:
            draw = Draw(seed, dtype, lambda values: backend.asarray(values, dtype=str(values.dtype)))
            optimizer = made(kind, formula, draw.number(), draw.one_of(0.0, 0.1))
            options = {name: getattr(optimizer, name) for name in optimizer.options}
            given = []
            for count in (1, 7, 7):
                shape = draw.one_of(draw.shape(0), (3, 700), (2, 0), ())
                W = draw.array(*shape)
                slots = [
                    widened(backend.xp.asarray(abs(draw.array(*own)))) for own in optimizer.slot_shapes(W, **options)
                ]
                given.append((W, draw.array(*shape), *slots, *optimizer.numbers(count, **options)))
            return STEPS[name][kind, formula], optimizer, given

        yield [case(seed) for seed in range(DRAWS)]


def made(kind: Any, formula: Any, lr: float, weight_decay: float) -> Any:
    """An optimizer with the formula that a body is for."""
    if kind is Lookahead:
        return Lookahead(Adam(lr, weight_decay=weight_decay), every=7)
    more = {} if formula is kind.step else {"amsgrad": True}
    return kind(lr, weight_decay=weight_decay, **more)


def in_a_tuple(found: Any) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def test_a_body_gives_what_the_formula_gives_and_writes_nothing_else(cases, dtype):
    taken = 0
    for body, optimizer, given in cases:
        expected = [in_a_tuple(by_formula(optimizer.step, *one)) for one in given]
        gradients = [to_numpy(one[1]).copy() for one in given]
        found = body(optimizer.step, given)
        for one, gradient, result, wanted in zip(given, gradients, found, expected, strict=True):
            np.testing.assert_array_equal(to_numpy(one[1]), gradient)
            if result is NotImplemented:
                continue
            taken += 1
            own = (one[0], *one[2 : 2 + len(optimizer.slots)])
            for array, held, other in zip(in_a_tuple(result), own, wanted, strict=True):
                assert array is held
                tolerance = {"rtol": 4 * ROUNDING[dtype], "atol": 4 * ROUNDING[dtype]}
                np.testing.assert_allclose(to_numpy(array), to_numpy(other), **tolerance)
    assert taken > DRAWS


def test_numbers_may_be_arrays_without_axes(cases, dtype):
    """As a capture hands them over, or a step count that stays on the device."""
    for body, optimizer, given in cases:
        one = given[0]
        end = 2 + len(optimizer.slots)
        backend = xn.get_backend()
        wide = "float32" if dtype == "float16" else dtype
        arrays = [backend.asarray(np.asarray(number), dtype=wide) for number in one[end : end + optimizer.live]]
        expected = in_a_tuple(by_formula(optimizer.step, *one))
        (found,) = body(optimizer.step, [(*one[:end], *arrays, *one[end + optimizer.live :])])
        if found is NotImplemented:
            found = by_formula(optimizer.step, *one[:end], *arrays, *one[end + optimizer.live :])
        for array, other in zip(in_a_tuple(found), expected, strict=True):
            assert array.dtype == other.dtype
            tolerance = {"rtol": 4 * ROUNDING[dtype], "atol": 4 * ROUNDING[dtype]}
            np.testing.assert_allclose(to_numpy(array), to_numpy(other), **tolerance)
