"""Each test runs in an empty folder, on a wide screen, as a process without a chosen backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpnet.backend import switch


@pytest.fixture(autouse=True)
def of_one_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process without a chosen backend, in an empty folder, on a wide screen."""
    monkeypatch.setattr(switch, "_process", None)
    monkeypatch.delenv("XPNET_BACKEND", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
