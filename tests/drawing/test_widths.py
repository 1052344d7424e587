"""The estimates of widths: no text of any of the fonts is wider."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import crossed, outside, overlaps, texts

from xpnet.drawing.graph import Edge, Graph, Node
from xpnet.drawing.svg import svg
from xpnet.drawing.text import text_width

# Advance widths of the printable ASCII characters in DejaVu Sans and DejaVu Sans Bold, in thousandths of an em
REGULAR = [
    *(318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637),
    *(637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 531, 1000, 685, 687, 699, 771, 632),
    *(576, 775, 752, 295, 295, 656, 558, 863, 749, 788, 604, 788, 695, 635, 611, 732, 685, 989, 686),
    *(611, 686, 391, 337, 391, 838, 500, 500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580),
    *(278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838),
]
BOLD = [
    *(349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366, 696, 696, 696),
    *(696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 581, 1000, 774, 763, 734, 831, 684),
    *(684, 821, 837, 373, 373, 775, 638, 996, 837, 851, 733, 851, 771, 721, 683, 813, 774, 1104, 771),
    *(725, 726, 458, 366, 458, 838, 500, 500, 675, 716, 593, 716, 679, 436, 716, 712, 343, 343, 666),
    *(343, 1042, 712, 688, 716, 716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712, 366, 712, 838),
]
ASCII = "".join(map(chr, range(32, 127)))


@pytest.mark.parametrize(("bold", "widths"), [(False, REGULAR), (True, BOLD)])
@given(text=st.text(ASCII, max_size=30))
def test_a_text_is_no_wider_than_its_estimate(bold: bool, widths: list[int], text: str) -> None:
    assert len(widths) == len(ASCII)
    real = sum(widths[ord(character) - 32] for character in text) / 1000
    assert real <= text_width(text, 1.0, bold) <= 2.0 * real + 1e-9


@pytest.mark.parametrize("text", ["误差反向传播", "計算グラフ", "역전파", "ＡＢＣ１２３"])
def test_a_text_of_east_asia_is_one_em_a_character(text: str) -> None:
    for bold in (False, True):
        assert text_width(text, 10.0, bold) == pytest.approx(10.0 * len(text))


def test_marks_upon_a_character_take_no_room() -> None:
    assert text_width("e\u0301", 1.0) == text_width("e", 1.0)
    assert text_width("か\u3099", 1.0) == text_width("か", 1.0)


LABELS = ["MWMWMWMW", "乘法层与加法层", "x = 1.0e-10 <&>", "W", "@@@@", "りんごの値段", "ÆŒЩЮ…"]


@pytest.mark.parametrize("kind", ["operation", "layer"])
@pytest.mark.parametrize("label", LABELS)
def test_no_text_touches_a_rim_an_arrow_or_another(label: str, kind: str) -> None:
    nodes = [Node("input", label), Node(kind, label, (label,)), Node("output", label)]
    picture = svg(Graph(nodes, [Edge(0, 1, label, label), Edge(1, 2, label, label)]))
    assert len(texts(picture)) == 8
    assert (outside(picture), overlaps(picture), crossed(picture)) == ([], [], [])
