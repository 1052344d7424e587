"""The state of an optimizer: named arrays and a count, copied, moved and checked."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from by_the_book import gradients, on_every_kind

from xpnet.backend import array_namespace, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.optimizers import Adafactor, Adam, Muon
from xpnet.schedules import Plateau


@on_every_kind
def test_state_is_named_arrays_and_a_count(kind, params, asarray) -> None:
    optimizer = kind()
    assert optimizer.state == {"steps": 0}
    optimizer.update(params, gradients(asarray, 0))
    state = optimizer.state
    assert set(state) == {"steps", *(f"{name}.{slot}" for name in params for slot in kind.slots)}
    assert state["steps"] == 1
    assert {name: state[name].shape for name in state if name != "steps"} == optimizer.shapes_of_state(params)


def test_squares_of_rows_and_columns_and_moments_of_products_take_little_memory() -> None:
    """Adafactor keeps rows and columns of a matrix; Muon keeps one moment of what it makes orthogonal."""
    params = {"W": np.ones((3, 4)), "E": np.ones((5, 2)), "b": np.ones(4)}
    for optimizer, shapes in (
        (Adafactor(), {"W.row": (3, 1), "W.column": (1, 4), "b.row": (4,), "b.column": ()}),
        (Muon(groups={"E": {"orthogonal": False}}), {"W.v": (), "E.v": (5, 2), "b.m": (4,), "b.v": (4,)}),
    ):
        optimizer.update(params, params)
        assert {name: optimizer.state[name].shape for name in shapes} == shapes


@on_every_kind
def test_state_moves_to_another_optimizer_and_is_copied(kind, params, asarray) -> None:
    one, other = kind(Plateau(0.1)), kind(Plateau(0.2))
    one.update(params, gradients(asarray, 0))
    one.observe(1.0)
    assert one.state["lr.best"] == 1.0
    other.state = one.state
    twin = dict(params) if array_namespace(params["W"]) is not np else {n: a.copy() for n, a in params.items()}
    one.update(params, gradients(asarray, 1))
    other.update(twin, gradients(asarray, 1))
    for name, array in params.items():
        np.testing.assert_array_equal(to_numpy(twin[name]), to_numpy(array))
    assert other.lr.state == one.lr.state
    for name, value in one.state.items():
        if hasattr(value, "shape"):
            assert value is not other.state[name]


@on_every_kind
def test_an_optimizer_can_be_copied_and_pickled(kind) -> None:
    params = {"W": np.ones((2, 2))}
    optimizer = kind(groups={"W": {"weight_decay": 0.1}})
    optimizer.update(params, params)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.steps == 1
        mine, its = {"W": np.ones((2, 2))}, {"W": np.ones((2, 2))}
        copy.deepcopy(optimizer).update(mine, {"W": np.ones((2, 2))})
        twin.update(its, {"W": np.ones((2, 2))})
        np.testing.assert_array_equal(mine["W"], its["W"])


def test_state_of_another_kind_is_refused() -> None:
    adam = Adam()
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    before = adam.state
    with pytest.raises(
        ArgumentError, match=r"Adam: state must hold steps and the arrays m, v, got a difference in W.h, W.m, W.v"
    ):
        adam.state = {"steps": 1, "W.h": np.ones(2)}
    with pytest.raises(ArgumentError, match=r"got a difference in W.v, steps"):
        adam.state = {"W.m": np.ones(2)}
    with pytest.raises(ArgumentError, match=r"got a difference in steps"):
        adam.state = {"steps": 1.5}
    assert adam.state.keys() == before.keys()


@pytest.mark.parametrize("names", ["W", "Wb"])
def test_another_network_is_refused(names: str) -> None:
    adam, others = Adam(), {name: np.ones(3) for name in names}
    adam.update({"W": np.ones(2)}, {"W": np.ones(2)})
    with pytest.raises(ShapeError, match=r"Adam: the state m of W must be \(3,\), got \(2,\); make an optimizer"):
        adam.update(others, others)
    assert adam.steps == 1
