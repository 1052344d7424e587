"""The fixture ``place``: each library in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from autodiff_checks import PRESENT, Place


@pytest.fixture(params=PRESENT)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each library that is ready here."""
    chosen = Place(request.param)
    if chosen.strict:
        request.getfixturevalue("defer_to_variables")
    with chosen.inside():
        yield chosen
