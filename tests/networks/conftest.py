"""Data for small networks, and the dtype of tests without a backend of their own."""

from __future__ import annotations

import pytest
from named_numbers import normal

import xpnet as xn


@pytest.fixture
def data(asarray):
    return asarray(normal("x", 6, 4)), asarray([0, 1, 2, 2, 1, 0])


@pytest.fixture
def in_float64(request):
    """Tests without a backend of their own run on NumPy in float64."""
    if "backend" in request.fixturenames:
        yield
        return
    with xn.use_backend("numpy", dtype="float64"):
        yield
