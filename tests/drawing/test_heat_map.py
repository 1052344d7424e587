"""Heat maps: a cell for each number, the darker the larger it is, and names beside."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from xpnet.drawing import heat_map
from xpnet.errors import ArgumentError, ShapeError

SVG = "{http://www.w3.org/2000/svg}"
VALUES = np.asarray([[0.0, 0.5, 1.0], [0.25, np.nan, 2.0]])


def cells(picture: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(picture).iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]


def darkness(cell: ET.Element) -> int:
    colour = str(cell.get("fill"))
    return 765 - sum(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_a_cell_stands_in_its_row_and_column_and_is_as_dark_as_its_number_is_large():
    found = cells(heat_map(VALUES, ["a", "b"], ["x", "y", "z"], "A map"))
    assert [cell.findtext(f"{SVG}title") for cell in found] == ["0", "0.5", "1", "0.25", "nan", "2"]
    lefts, tops = ([float(str(cell.get(name))) for cell in found] for name in ("x", "y"))
    assert lefts[:3] == lefts[3:] == sorted(set(lefts))
    assert len(set(tops[:3])) == len(set(tops[3:])) == 1
    assert tops[0] < tops[3]
    dark = [darkness(cell) for cell in found if cell.findtext(f"{SVG}title") != "nan"]
    assert dark == [dark[0], dark[1], dark[2], dark[3], dark[4]] == [0, *dark[1:]]
    assert dark[0] < dark[3] < dark[1] < dark[2] < dark[4]
    assert found[4].get("fill") not in {cell.get("fill") for cell in found if cell is not found[4]}


def test_bounds_fix_white_and_dark():
    found = cells(heat_map([[0.0, 1.0, 5.0]], ["a"], ["x", "y", "z"], "", bounds=(0.0, 1.0)))
    assert darkness(found[0]) == 0
    assert found[1].get("fill") == found[2].get("fill")


def test_equal_numbers_and_numbers_that_are_none_are_drawn():
    for values in ([[3.0, 3.0]], [[np.nan, np.inf]]):
        assert len(cells(heat_map(values, ["a"], ["x", "y"], "same"))) == 2


@pytest.mark.parametrize("names", [["x", "y"], ["a long name", "<b> & c"]])
def test_all_names_are_written_inside_the_picture(names):
    root = ET.fromstring(heat_map(np.eye(2), names, names, "Names of <rows>"))
    width, height = float(str(root.get("width"))), float(str(root.get("height")))
    texts = list(root.iter(f"{SVG}text"))
    assert [text.text for text in texts].count(names[0]) == 2
    assert [text.text for text in texts].count(names[1]) == 2
    for text in texts:
        assert 0.0 < float(str(text.get("x"))) < width
        assert 0.0 < float(str(text.get("y"))) < height


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"heat_map: values must be \(1, 3\), .*, got \(2, 3\)"):
        heat_map(VALUES, ["a"], ["x", "y", "z"], "")
    with pytest.raises(ShapeError, match="not empty"):
        heat_map(np.zeros((0, 0)), [], [], "")
    with pytest.raises(ArgumentError, match="bounds must be finite, got 0 and inf"):
        heat_map(VALUES, ["a", "b"], ["x", "y", "z"], "", bounds=(0.0, np.inf))
