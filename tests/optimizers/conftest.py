"""The parameters of one layer."""

from __future__ import annotations

import pytest
from named_numbers import normal


@pytest.fixture
def params(asarray) -> dict:
    return {"W": asarray(normal("W", 3, 4)), "b": asarray(normal("b", 4))}
