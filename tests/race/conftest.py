"""Each test runs in a folder of its own, without MNIST, as a process without a chosen backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.race import (
    COMPETITORS,
    Workload,
)
from benchmarks.race.data import write
from benchmarks.race.process import HERE
from benchmarks.race.worker import Job, load
from xpnet.backend import switch


@pytest.fixture(autouse=True)
def of_one_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Backend, folder and data of one's own: the images are synthetic."""
    monkeypatch.setattr(switch, "_process", None)
    for name in ("XPNET_BACKEND", "XPNET_DATA", "XPNET_TUNE", "XPNET_FAST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Make a competitor train a workload in this process."""

    def made(name: str, workload: Workload, dtype: str = "float32") -> Any:
        competitor = COMPETITORS[name]
        pytest.importorskip(competitor.library)
        folder = tmp_path / workload.kind
        folder.mkdir(exist_ok=True)
        write(workload, folder)
        request = {"workload": asdict(workload), "threads": 1, "gpu": False, "backend": "numpy", "dtype": dtype}
        job = Job(request | {"folder": str(folder)})
        return getattr(load(str(HERE / "peers" / f"{workload.file or competitor.library}.py")), competitor.kind)(job)

    return made
