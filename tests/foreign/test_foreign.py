"""Functions that others wrote, differentiated as they are: none is wrong, and what is not right is on the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from foreign_checks import Check
from suites import SUITES

from xpnet.backend import LIBRARIES, make_backend, missing

CHECKS = {check.name: check for suite in SUITES.values() for check in suite}
PAGE = (Path(__file__).parents[2] / "docs" / "foreign.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"^\| `(.*?)` \|", PAGE, flags=re.MULTILINE))
OTHERS = [name for name in ("torch", "cupy", "array-api-strict") if not missing(LIBRARIES[name])]


@pytest.fixture(scope="module")
def expected() -> Any:
    """The gradients by differences, computed once."""
    found: dict[str, Any] = {}

    def of(check: Check) -> Any:
        if check.name not in found:
            found[check.name] = check.expected()
        return found[check.name]

    return of


def outcome(check: Check, library: str, expected: Any) -> tuple[str, str]:
    with LIBRARIES[library].allow("float64"):
        return check.outcome(make_backend(library, None, "float64"), lambda: expected(check))


@pytest.mark.parametrize("name", CHECKS)
def test_on_numpy(name: str, expected: Any) -> None:
    how, words = outcome(CHECKS[name], "numpy", expected)
    assert how != "wrong", words
    assert (how == "right") == (name not in LISTED), words


@pytest.mark.parametrize("library", OTHERS)
@pytest.mark.parametrize("name", [name for name in CHECKS if not name.startswith("np.")])
def test_on_other_libraries(name: str, library: str, expected: Any) -> None:
    how, words = outcome(CHECKS[name], library, expected)
    assert how != "wrong", words


def test_the_page_counts_all_checks() -> None:
    for name, suite in SUITES.items():
        assert f"| {name} | {len(suite)} |" in PAGE
