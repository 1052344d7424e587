"""The page of all layers is that of today, and every layer is on it."""

from __future__ import annotations

from counterparts import COUNTERPARTS
from page import PAGE, page

from xpnet import layers


def test_every_layer_has_its_names_elsewhere():
    exported = {getattr(layers, name).__name__ for name in layers.__all__} - {"Layer"}
    assert COUNTERPARTS.keys() == exported


def test_the_page_is_that_of_today():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_first_line_ends_in_a_formula_and_a_stop():
    for kind in {getattr(layers, name) for name in layers.__all__} - {layers.Layer}:
        line = kind.__doc__.strip().split("\n")[0]
        assert line.count("``") % 2 == 0, f"{kind.__name__}: {line}"
        assert line.count("``") >= 2, f"{kind.__name__}: {line}"
        assert line.endswith("."), f"{kind.__name__}: {line}"
