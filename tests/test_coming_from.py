"""The names in docs/coming_from.md: each is one of its library, or of xpnet."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import xpnet as xn
from xpnet.layers import Layer
from xpnet.networks import Network

PAGE = (Path(__file__).parents[1] / "docs" / "coming_from.md").read_text(encoding="utf-8")
NAMES = {"xn": xn, "net": Network, "layer": Layer, "v": xn.Variable}
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)


def find(name: str) -> object:
    """Import as much of a dotted name as can be imported, and look up the rest."""
    head, *rest = name.split(".")
    found = NAMES.get(head) or import_module(head)
    for i, part in enumerate(rest):
        if not hasattr(found, part):
            import_module(".".join([head, *rest[: i + 1]]))
        found = getattr(found, part)
    return found


LIBRARIES = sorted({name.split(".")[0] for first, *_ in ROWS for name in names_in(first)})


def test_the_page_has_the_libraries():
    assert LIBRARIES == ["autograd", "chainer", "chainermn", "keras", "sklearn", "torch"]
    assert len(ROWS) > 100


@pytest.mark.parametrize("library", ["autograd", "keras", "sklearn", "torch"])
def test_every_name_is_one_of_its_library(library):
    pytest.importorskip(library)
    names = [name for first, *_ in ROWS for name in names_in(first) if name.split(".")[0] == library]
    assert len(names) >= 9
    for name in names:
        find(name)


def test_every_name_is_one_of_xpnet():
    names = {name for _, second, *_ in ROWS for name in names_in(second)}
    if any("sklearn" in name for name in names):
        pytest.importorskip("sklearn")
    for name in names:
        find(name)
