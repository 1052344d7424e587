"""The page of all layers is that of today, every layer is on it, and names elsewhere are those of their library."""

from __future__ import annotations

import re
from importlib import import_module
from operator import attrgetter

import pytest
from counterparts import COUNTERPARTS, OPTIMIZERS
from page import PAGE, kinds_of, page

from xpnet import layers, optimizers

PLACES = {
    "torch": ("torch", "torch.nn", "torch.nn.utils", "torch.optim"),
    "keras": ("keras.layers", "keras.activations", "keras.losses", "keras.optimizers"),
}


def names_in(cell: str) -> list[str]:
    """Return the names of a cell, without options and remarks."""
    found: list[str] = []
    for part in re.sub(r"\(.*?\)", "", cell).split(", "):
        whole = re.sub(r"\d\w$", part, found[-1]) if part[:1].isdigit() else part
        found += [whole] if whole and " " not in whole else []
    return found


def has(place: str, name: str) -> bool:
    try:
        attrgetter(name)(import_module(place))
    except AttributeError:
        return False
    return True


@pytest.mark.parametrize("library", PLACES)
def test_names_elsewhere_are_those_of_their_library(library):
    pytest.importorskip(library)
    cells = [names[library == "keras"] for names in (COUNTERPARTS | OPTIMIZERS).values()]
    names = [name.removeprefix(f"{library}.") for cell in cells for name in names_in(cell)]
    assert len(names) > 70
    assert [name for name in names if not any(has(place, name) for place in PLACES[library])] == []


def test_every_layer_and_optimizer_has_its_names_elsewhere():
    exported = {getattr(layers, name).__name__ for name in layers.__all__} - {"Layer"}
    assert COUNTERPARTS.keys() == exported
    assert OPTIMIZERS.keys() == {kind.__name__ for kind in kinds_of(optimizers, optimizers.Optimizer)}


def test_the_page_is_that_of_today():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_first_line_ends_in_a_formula_and_a_stop():
    for kind in {getattr(layers, name) for name in layers.__all__} - {layers.Layer}:
        line = kind.__doc__.strip().split("\n")[0]
        assert line.count("``") % 2 == 0, f"{kind.__name__}: {line}"
        assert line.count("``") >= 2, f"{kind.__name__}: {line}"
        assert line.endswith("."), f"{kind.__name__}: {line}"
