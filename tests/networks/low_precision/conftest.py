"""Each library with each dtype of 16 bits that it has."""

from __future__ import annotations

import pytest

import xpnet as xn

LOW = [("numpy", "float16"), ("cupy", "float16"), ("torch", "float16"), ("torch", "bfloat16"), ("jax", "bfloat16")]


@pytest.fixture(params=LOW, ids="-".join)
def low(request, needs) -> tuple[str, str]:
    needs(request.param[0])
    return request.param


@pytest.fixture
def dtype(low):
    with xn.use_backend(low[0]):
        yield low[1]
