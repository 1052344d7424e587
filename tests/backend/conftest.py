"""Each test starts as a process in which nobody has chosen a backend yet."""

from __future__ import annotations

import pytest

from xpnet.backend import switch


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which nobody has called set_backend yet."""
    monkeypatch.setattr(switch, "_process", None)
    monkeypatch.delenv("XPNET_BACKEND", raising=False)
