"""On NumPy a step writes in place, and is that of the formula."""

from __future__ import annotations

import numpy as np
import pytest
from by_the_book import by_the_book, host, on_every_kind
from named_numbers import normal

import xpnet as xn
from xpnet.fast.choice import status
from xpnet.fast.numpy import optimizer as bodies
from xpnet.layers import Affine
from xpnet.optimizers import SGD, Adam, AdamW, Momentum


@on_every_kind
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("layout", ["plain", "fortran", "strided", "many", "none", "transposed gradient", "scalar"])
def test_the_numpy_body_is_the_formula_and_writes_in_place(kind, decay, layout, monkeypatch) -> None:
    monkeypatch.setattr(bodies, "PIECE", 16)
    if status().startswith("numba"):  # its threads share arrays of many values
        monkeypatch.setattr("xpnet.fast.numba.optimizer.SHARED", 50)
        monkeypatch.setattr("xpnet.fast.numba.threads.LEAST", 10)
    shape = {"many": (9, 11), "none": (0, 3), "scalar": ()}.get(layout, (6, 4))
    make = {"fortran": np.asfortranarray, "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2]}.get(layout, np.array)
    ours = {"W": make(normal("W", *shape))}
    theirs = host(ours)
    held = ours["W"]
    one, other = kind(0.1, weight_decay=decay), kind(0.1, weight_decay=decay)
    for step in range(3):
        g = normal(f"g{step}", *shape)
        one.update(ours, {"W": np.asfortranarray(g) if layout == "transposed gradient" else g})
        with xn.plain():
            other.update(theirs, {"W": g})
    assert ours["W"] is held
    assert theirs["W"] is not held
    np.testing.assert_allclose(held, theirs["W"], rtol=1e-13)
    for name, value in one.state.items():
        np.testing.assert_allclose(value, other.state[name], rtol=1e-13)


@on_every_kind
def test_who_holds_the_book_s_array_sees_the_training(kind) -> None:
    W, b = normal("W", 3, 2), np.zeros(2)
    layer = Affine(W, b)
    before = W.copy()
    kind(0.1).update(layer.params, {"W": np.ones((3, 2)), "b": np.ones(2)})
    assert layer.W is W
    assert not np.array_equal(W, before)


@on_every_kind
def test_an_array_that_cannot_be_written_to_is_replaced(kind) -> None:
    W = np.ones((2, 2))
    W.flags.writeable = False
    params = {"W": W}
    kind(0.1).update(params, {"W": np.ones((2, 2))})
    np.testing.assert_array_equal(W, 1.0)
    assert (params["W"] < 1.0).all()


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, AdamW], ids=lambda kind: kind.__name__)
def test_a_gradient_may_be_the_parameter_itself(kind) -> None:
    params, W, optimizer = {"W": normal("W", 3, 3)}, normal("W", 3, 3), kind(0.1)
    optimizer.update(params, params)
    np.testing.assert_allclose(params["W"], by_the_book(kind, W, [W], decay=optimizer.weight_decay))
