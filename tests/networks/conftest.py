"""Data for small networks."""

from __future__ import annotations

import pytest
from named_numbers import normal


@pytest.fixture
def data(asarray):
    return asarray(normal("x", 6, 4)), asarray([0, 1, 2, 2, 1, 0])
