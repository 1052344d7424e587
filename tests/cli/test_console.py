"""What is printed: texts as they are, on any terminal, in colours or not, or not at all."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES, QUICK, fails_in_one_line, run
from rich.console import Console
from rich.text import Text

import xpnet as xn
from xpnet.cli.console import make_console
from xpnet.cli.known_data import line
from xpnet.gradcheck.report import Report, Row
from xpnet.layers import Affine
from xpnet.networks import Sequential
from xpnet.training import Epoch


@pytest.mark.parametrize("name", ["run[red]", "run[/x]", "[bold]", ":apple:", "a[link=b]c", "[/]"])
def test_a_folder_is_named_as_it_is(name: str, tmp_path: Path) -> None:
    result = run("train", *QUICK, "--out", tmp_path / name)
    assert result.exit_code == 0
    assert f"wrote {tmp_path / name}\n" in result.stdout
    assert sorted(path.name for path in Path(tmp_path / name).iterdir()) == FILES


def test_errors_and_status_lines_are_printed_as_they_are(tmp_path: Path) -> None:
    fails_in_one_line(run("train", "--resume", tmp_path / "[red]x[/y]"), r"\[red\]x\[/y\] must be the folder")
    fails_in_one_line(run("conform", "no[/x]"), r"got 'no\[/x\]'")
    assert "pip install 'cupy-cuda13x[ctk]'" in _lacks_of_cupy()


def _lacks_of_cupy() -> str:
    with make_console().capture() as capture:
        pass
    out = io.StringIO()
    console = make_console()
    console.file = out
    console.print("pip install 'cupy-cuda13x[ctk]' (or cuda12x)", soft_wrap=True)
    assert capture.get() == ""
    return out.getvalue()


def test_a_report_shows_names_as_they_are_on_any_console() -> None:
    row = Row("a[red].W", (2, 3), 6, 0.1, 0.2, 0.3, 0.4, (0, 1), 1.0, 2.0, "fail", causes=("a cause [/b]",))
    report = Report("Net[/x]", "every", "float64", 1e-3, 1e-6, (row,))
    for width, seen in ((100, True), (50, False)):
        out = io.StringIO()
        Console(file=out, width=width).print(report)
        assert "a[red].W" in out.getvalue()
        assert "Net[/x]" in out.getvalue()
        assert "a cause [/b]" in " ".join(out.getvalue().split())
        assert ("mean diff" in out.getvalue()) == seen
        assert "4.0e-01" in out.getvalue()
        assert "…" not in out.getvalue()


def test_a_terminal_of_fifty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    result = run("train", *QUICK, "--out", tmp_path / "r")
    (epoch,) = [part for part in result.stdout.splitlines() if part.startswith("epoch")]
    assert re.fullmatch(r"epoch 1/1  loss \d\.\d{4}  test +\d+\.\d\d%", epoch)
    assert "…" not in result.stdout
    backends = run("backends").stdout.split("NumPy's BLAS")[0]
    assert "…" not in backends
    assert "array-api-strict" in backends
    assert max(map(len, backends.splitlines())) <= 50


def test_a_huge_loss_has_an_exponent() -> None:
    record = Epoch(1, 3.2e29, 0.1, 0.1, 1.0, 100.0)
    assert line(record, 1).startswith("epoch 1/1  loss 3.2000e+29  train")
    assert "loss 0.5000  " in line(Epoch(1, 0.5, 0.1, 0.1, 1.0, 100.0), 1)


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert styled().startswith("\x1b[")
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled() == "green\n"


def styled() -> str:
    console = make_console()
    console.file = io.StringIO()
    console.print(Text("green", "bold green"))
    return console.file.getvalue()


def test_quiet_prints_nothing_but_errors(tmp_path: Path) -> None:
    for arguments in (
        ("train", *QUICK, "--out", tmp_path / "r"),
        ("draw", "apples", "--out", tmp_path / "f"),
        ("conform", "numpy", "--quick", "--json", tmp_path / "j"),
        ("check", "--backend", "numpy"),
    ):
        result = run(*arguments, "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", ""), arguments
    assert (tmp_path / "r" / "weights.safetensors").exists()
    fails_in_one_line(run("train", "--resume", tmp_path / "r", "-q"), "--epochs must be above")


def test_quiet_check_tells_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    backward = Affine.backward
    monkeypatch.setattr(Affine, "backward", lambda self, dout: -backward(self, dout))
    result = run("check", "--backend", "numpy", "--quiet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "its sign is wrong everywhere" in result.stderr


def test_the_command_alone_tells_what_to_do_next() -> None:
    result = run()
    assert result.exit_code == 0
    assert "Begin with `xpnet train`" in result.stdout
    assert "Commands:" in result.stdout


@pytest.mark.parametrize(("option", "value"), [("--lr", "abc"), ("--epochs", "many")])
def test_what_an_option_refuses_is_said_in_words(option: str, value: str) -> None:
    result = run("train", option, value)
    assert result.exit_code == 2
    assert re.search(rf"'{option}': '{value}' is not a valid (whole )?number\.\n", result.stderr)
    fails_in_one_line(run("train", "--backend", "cuda"), "--backend: backend must be one of numpy, .* choose .cupy.")


@pytest.mark.parametrize("command", [("check", "--backend", "numpy"), ("draw",), ("conform", "numpy"), ("backends",)])
def test_ctrl_c_says_the_same_everywhere(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("check.gradient_check", "draw.drawing_of", "conform.run", "backends.blas"):
        monkeypatch.setattr(f"xpnet.cli.{place}", interrupted)
    result = run(*command)
    assert result.exit_code == 130
    assert result.stdout.endswith("stopped\n")


def test_a_network_with_odd_names_is_summed_up(tmp_path: Path) -> None:
    net = Sequential({"a[red]": Affine.create(2, 2)})
    path = tmp_path / "[bold].safetensors"
    xn.save(path, net)
    with pytest.raises(xn.XpnetError, match=r"\[bold\]\.safetensors must hold"):
        xn.load(path, Affine.create(2, 3))
    assert np.isfinite(len(net.summary()))
