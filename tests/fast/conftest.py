"""On CuPy every launch is checked, and what it writes to holds nothing that a kernel means."""

from __future__ import annotations

from typing import Any

import pytest
from cuda_checks import Launches, unwritten


@pytest.fixture(autouse=True)
def launches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launches from now on, where the test runs on CuPy; in float64 a block has more to do than one row."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "cupy" not in (parameters.get("cases", ("",))[0], parameters.get("library"), *request.fixturenames):
        return None
    request.getfixturevalue("needs")("cupy")
    import cupy

    from xpnet.fast.cupy import launch

    for name in ("empty", "empty_like"):
        monkeypatch.setattr(cupy, name, unwritten(getattr(cupy, name)))
    if parameters.get("dtype") == "float64":
        monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
    return Launches(monkeypatch)
