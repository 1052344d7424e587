"""What a training shows while it runs: whole lines in a file, a bar in a terminal."""

from __future__ import annotations

import io
import re

import pytest
from small_net import small_net

import xpnet as xn
from xpnet.optimizers import SGD
from xpnet.training import Epoch, Trainer
from xpnet.training import progress as shown


@pytest.fixture(autouse=True)
def on_numpy():
    with xn.use_backend("numpy", dtype="float32"):
        yield


def trainer_of() -> Trainer:
    x = xn.asarray([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]] * 4)
    return Trainer(small_net(), SGD(0.1), (x, [0, 1, 2] * 4), (x, [0, 1, 2] * 4), batch_size=5, metrics=["f1"])


def test_into_a_file_go_whole_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    trainer_of().fit(2, progress=True)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\r" not in printed
    lines = printed.splitlines()
    number = r"[\d.]+"
    for k, line in enumerate(lines, 1):
        text = rf"epoch {k}/2  loss {number}  validation loss {number}  accuracy {number}%  f1 {number}%  {number} s"
        assert re.fullmatch(text, line), line
    assert len(lines) == 2


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    monkeypatch.setattr(shown, "EVERY", 0.0)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    heard = []
    trainer_of().fit(2, progress=console, on_batch=heard.append)
    text = console.file.getvalue()
    assert "━" in text
    assert "epoch 2/2" in text
    assert heard == [1, 2, 3] * 2


def test_nothing_is_shown_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    trainer_of().fit(1)
    assert capsys.readouterr().out == ""


def test_a_narrow_line_leaves_out_its_end() -> None:
    record = Epoch(3, 2e6, 0.5, None, 1.25, 10.0, None, {"rmse": 0.125})
    assert shown.line(record, 10, "accuracy") == "epoch  3/10  loss 2.0000e+06  accuracy 50.00%  rmse 0.1250  1.2 s"
    assert shown.line(record, 10, "accuracy", 40) == "epoch  3/10  loss 2.0000e+06"
    assert shown.line(record, 10, None, 60) == "epoch  3/10  loss 2.0000e+06  rmse 0.1250  1.2 s"
