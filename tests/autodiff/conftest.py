"""The fixture ``place``: each library in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from autodiff_checks import PRESENT, Place

from xpnet.autodiff import Variable


@pytest.fixture(params=PRESENT)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each library that is ready here."""
    chosen = Place(request.param)
    if chosen.strict:
        request.getfixturevalue("defer_to_variables")
    with chosen.inside():
        yield chosen


@pytest.fixture
def defer_to_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operators of array-api-strict leave Variables to the reflected ones, as those of NumPy do."""
    array = pytest.importorskip("array_api_strict._array_object").Array
    for name in ("_check_type_device", "_check_allowed_dtypes"):
        check = getattr(array, name)

        def ignoring_variables(self: Any, other: Any, *args: Any, check: Any = check, **keywords: Any) -> Any:
            return NotImplemented if type(other) is Variable else check(self, other, *args, **keywords)

        monkeypatch.setattr(array, name, ignoring_variables)
