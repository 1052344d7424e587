"""L-BFGS writes the minimum into named parameters, of any library; torch is the oracle elsewhere."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import device_of, to_numpy
from xpnet.errors import ArgumentError, BackendError
from xpnet.layers import Affine, MeanSquaredError
from xpnet.networks import Sequential
from xpnet.optimizers import LBFGS
from xpnet.random import Generator

pytest.importorskip("scipy")


def test_least_squares_end_at_the_normal_equations(asarray, backend, dtype) -> None:
    x, t = normal("x", 9, 3), normal("t", 9, 2)
    net = Sequential(Affine.create(3, 2, rng=Generator(0)), loss=MeanSquaredError())
    held = net.params["Affine1.W"]
    found = LBFGS(steps=50, tolerance=1e-7).minimize(net.params, lambda: net.loss_and_gradient(asarray(x), asarray(t)))
    best = np.linalg.lstsq(np.column_stack([x, np.ones(9)]), t, rcond=None)[0]
    rough = {"float32": 2e-3, "float64": 1e-5}[dtype]
    np.testing.assert_allclose(to_numpy(net.params["Affine1.W"]), best[:3], rtol=rough, atol=rough)
    np.testing.assert_allclose(to_numpy(net.params["Affine1.b"]), best[3], rtol=rough, atol=rough)
    for W in net.params.values():
        assert (W.dtype, device_of(W)) == (backend.dtype, backend.device)
    assert found.loss == pytest.approx(float(to_numpy(net.loss(asarray(x), asarray(t)))), rel=1e-4)
    assert 0 < found.steps <= 50
    assert found.evaluations > found.steps
    if isinstance(held, np.ndarray) and held.flags.writeable:
        assert net.params["Affine1.W"] is held


def test_what_is_frozen_stays() -> None:
    net = Sequential(Affine.create(2, 2), Affine.create(2, 1), loss=MeanSquaredError()).freeze("Affine1")
    before = net.params["Affine1.W"].copy()
    data = np.asarray(normal("x", 5, 2), np.float32), np.asarray(normal("t", 5, 1), np.float32)
    LBFGS(steps=3).minimize(net.params, lambda: net.loss_and_gradient(*data))
    np.testing.assert_array_equal(net.params["Affine1.W"], before)


def test_bad_options_and_a_missing_scipy_are_named(monkeypatch) -> None:
    assert repr(LBFGS()) == "LBFGS(steps=100, memory=10, tolerance=1e-05)"
    with pytest.raises(ArgumentError, match="LBFGS: steps must be a positive integer, got 0"):
        LBFGS(0)
    with pytest.raises(ArgumentError, match="LBFGS: tolerance must be at least 0 and finite, got"):
        LBFGS(tolerance=-1.0)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(BackendError, match=r"LBFGS: SciPy must be installed, got none; pip install xpnet\[scipy\]"):
        LBFGS().minimize({"W": np.ones(1)}, lambda: (0.0, {"W": np.ones(1)}))
