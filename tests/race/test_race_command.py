"""``python -m benchmarks`` prints, writes, and refuses what cannot be run."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_workloads import XPNET

from benchmarks.__main__ import main
from benchmarks.race import (
    COMPETITORS,
)
from benchmarks.race.peers import Competitor
from benchmarks.race.process import HERE
from xpnet.backend import switch


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    files = ("--json", tmp_path / "out.json", "--markdown", tmp_path / "page.md")
    result = run("--workloads", "W1", "--competitors", "xpnet, products", "--rounds", 1, "--threads", 1, *files)
    assert result.exit_code == 0
    assert "images: synthetic" in result.stdout
    assert "W1: 784-50-10, SGD, batch 100" in result.stdout
    assert "products alone" in result.stdout
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["heats"][0]["results"]["xpnet"]["median"] > 0
    assert data["setting"] == {"threads": 1, "gpu": False}
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "<!-- times -->" in page
    assert "(page_times.svg)" in page
    ET.parse(tmp_path / "page_times.svg")


@pytest.mark.parametrize(("option", "known"), [("--workloads", "W1"), ("--competitors", "xpnet")])
def test_unknown_names_are_refused(option: str, known: str) -> None:
    result = run(option, f"{known},nobody")
    assert result.exit_code == 2
    assert "'nobody' is none of" in result.stderr


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("--workloads", "W1", "--json", tmp_path / "file" / "out.json")
    assert result.exit_code == 1
    assert "file must be a writable folder, got " in result.stderr
    assert not result.stdout


def test_a_gpu_that_is_not_there_is_named() -> None:
    if "cupy" in switch.available_backends():
        pytest.skip("there is a GPU")
    result = run("--gpu")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: backend cupy:")


def test_the_command_fails_where_xpnet_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPETITORS, "xpnet", replace(XPNET, kind="NoSuchClass"))
    result = run("--workloads", "W1", "--competitors", "xpnet", "--rounds", 1)
    assert result.exit_code == 1
    assert "xpnet did not run: AttributeError" in " ".join(result.stdout.split())


def test_the_worker_imports_nothing_of_xpnet() -> None:
    text = (HERE / "worker.py").read_text(encoding="utf-8")
    assert "from xpnet" not in text
    assert os.path.exists(HERE / "peers" / "torch.py")


def test_who_runs_where() -> None:
    on_gpu = {name for name, competitor in COMPETITORS.items() if competitor.runs(gpu=True)}
    assert on_gpu == {"xpnet-captured", "xpnet", "torch", "torch-fused", "torch-compile", "jax"}
    assert {name for name, competitor in COMPETITORS.items() if not competitor.runs(gpu=False)} == {"xpnet-captured"}


def test_a_race_with_what_is_not_installed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Competitor, "installed", property(lambda self: self.library in ("xpnet", "numpy")))
    result = run("--competitors", "xpnet,torch")
    must = "benchmarks: what it is to compare must be installed"
    remedy = "pip install torch, or leave it out of --competitors"
    assert (result.exit_code, result.stderr) == (1, f"error: {must}, got no torch; {remedy}\n")
