"""Each library with each dtype of 16 bits that it has."""

from __future__ import annotations

import pytest

import xpnet as xn
from xpnet.backend import LIBRARIES, missing

LOW = [("numpy", "float16"), ("cupy", "float16"), ("torch", "float16"), ("torch", "bfloat16"), ("jax", "bfloat16")]


@pytest.fixture(params=LOW, ids="-".join)
def low(request) -> tuple[str, str]:
    if missing(LIBRARIES[request.param[0]]):
        pytest.skip(missing(LIBRARIES[request.param[0]]))
    return request.param


@pytest.fixture
def dtype(low):
    with xn.use_backend(low[0]):
        yield low[1]
