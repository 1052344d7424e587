"""``xpnet conform``: it names what is damaged, and can write it as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner, Result
from small_library import DAMAGE, library

from xpnet.cli import main


@pytest.fixture
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], None]:
    return lambda module: monkeypatch.setitem(sys.modules, module.__name__, module)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["conform", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.usefixtures("few")
def test_the_command_passes_numpy_and_can_print_every_row() -> None:
    result = run("numpy", "--quick")
    assert result.exit_code == 0, result.output
    assert "numpy: everything works as on NumPy" in result.stdout
    assert "linalg.svd" not in result.stdout
    every = run("numpy", "--quick", "--all")
    assert "linalg.svd" in every.stdout
    assert len(every.stdout.splitlines()) > len(result.stdout.splitlines()) + 200


def test_the_command_fails_and_names_what_is_damaged(
    on_the_path: Callable[..., None], tmp_path: Path, few: int
) -> None:
    on_the_path(library("damaged.library", **DAMAGE))
    file = tmp_path / "report.json"
    result = run("damaged.library", "--json", file)
    assert result.exit_code == 1
    for text in ("fft.hfft", "argmin", "tan", "cosh, sinh", "__floordiv__", "ArithmeticError: no hyperbolas here"):
        assert text in result.stdout
    assert "linalg.svd" not in result.stdout
    told = json.loads(file.read_text())
    assert told["ok"] is False
    assert told["summaries"]["layers"] == f"layers: {few} of {few} layer cases as NumPy"
    statuses = {row["name"]: row["status"] for row in told["rows"] if row["section"] == "rules"}
    assert statuses["fft.hfft"] == "missing"


@pytest.mark.usefixtures("few")
def test_the_report_is_json_whatever_is_in_it(on_the_path: Callable[..., None], tmp_path: Path) -> None:
    on_the_path(library("damaged.library", exp=lambda x: np.exp(x) * np.nan))
    file = tmp_path / "report.json"
    assert run("damaged.library", "--quick", "--json", file).exit_code == 1
    rows = json.loads(file.read_text(), parse_constant=pytest.fail)["rows"]
    assert next(row for row in rows if row["name"] == "exp")["deviation"] is None


@pytest.mark.usefixtures("few")
def test_the_command_finds_a_library_in_the_folder_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uninstalled_library.py").write_text("from array_api_compat.numpy import *\n")
    monkeypatch.chdir(tmp_path)
    result = run("uninstalled_library", "--quick")
    assert result.exit_code == 0
    assert "the arrays of uninstalled_library name numpy as their namespace" in result.stdout


@pytest.mark.parametrize("namespace", ["no_such_library", "math"])
@pytest.mark.usefixtures("few")
def test_the_command_refuses_in_one_line(namespace: str) -> None:
    result = run(namespace)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: conform: namespace must ")
    assert len(result.stderr.splitlines()) == 1
