"""The tables of docs/onnx.md are those of the readers; its code runs with that of the other pages."""

from __future__ import annotations

import re
from pathlib import Path

from xpnet.interop.onnx import importing  # noqa: F401 (it registers all readers)
from xpnet.interop.onnx.readers import READERS

PAGE = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")


def test_every_operator_that_is_read_is_named():
    told = {*re.findall(r"`(\w+)`", PAGE)}
    comparisons = {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"}
    assert {*READERS} - told - comparisons - {"Identity", "CastLike"} == set()
