"""Fixtures of servers; what they need is imported when a test asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import xpnet as xn


@pytest.fixture(autouse=True)
def on_numpy() -> Iterator[None]:
    with xn.use_backend("numpy", dtype="float32"):
        yield


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of trained networks, by name."""
    from servers import trained

    return trained(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def serve(runs: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """A function that serves the run of a name, with limits."""
    from servers import serving

    with serving(runs) as start:
        yield start


@pytest.fixture(scope="module")
def shared(runs: dict[str, Path]) -> Iterator[Callable[[str], Any]]:
    """A function that serves the run of a name, once for all tests of a file."""
    from servers import serving

    with serving(runs) as start:
        yield lru_cache(start)


@pytest.fixture(scope="session")
def digit() -> Any:
    """A test digit, 8 x 8 from 0 to 255."""
    from servers import first_digit

    return first_digit()


@pytest.fixture(scope="session")
def files(digit: Any) -> dict[str, bytes]:
    """The digit as files of images."""
    from servers import files_of

    return files_of(digit)
