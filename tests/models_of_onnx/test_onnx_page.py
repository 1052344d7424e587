"""The code of docs/onnx.md runs, and its tables are those of the readers."""

from __future__ import annotations

import re
from pathlib import Path

from xpnet.interop.onnx import importing  # noqa: F401 (it registers all readers)
from xpnet.interop.onnx.readers import READERS

PAGE = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), {})
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line in ("True", "False")] == ["True"] * 3


def test_every_operator_that_is_read_is_named():
    told = {*re.findall(r"`(\w+)`", PAGE)}
    comparisons = {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}
    assert {*READERS} - told - comparisons - {"Identity", "CastLike"} == set()
