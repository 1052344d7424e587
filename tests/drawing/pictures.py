"""Reading an SVG back: where its texts are, and where its lines run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations

from xpnet.drawing.text import text_width

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Rectangle:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Rectangle) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom


def drawn(svg: str) -> ET.Element:
    """The group that holds the graph, without card and legend."""
    return next(group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("transform"))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter(f"{SVG}text")]


def rectangles(svg: str) -> list[Rectangle]:
    """The boxes of all texts, from the upper estimate of their widths."""
    found = []
    for element in drawn(svg).iter(f"{SVG}text"):
        text, size = element.text or "", float(element.get("font-size", 13))
        x, y, bold = float(element.get("x", "nan")), float(element.get("y", "nan")), "font-weight" in element.attrib
        half = text_width(text, size, bold) / 2
        found.append(Rectangle(text, x - half, y - 0.74 * size, x + half, y + 0.2 * size))
    return found


def overlaps(svg: str) -> list[tuple[str, str]]:
    """The pairs of texts that touch."""
    return [(a.text, b.text) for a, b in combinations(rectangles(svg), 2) if a.overlaps(b)]


def outside(svg: str) -> list[str]:
    """The texts that run over the rim of a box."""
    found, boxes = [], []
    for group in drawn(svg).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is not None:
            x, y, width, height = (float(rect.get(name, "nan")) for name in ("x", "y", "width", "height"))
            boxes.append(Rectangle("", x, y, x + width, y + height))
    for text in rectangles(svg):
        for box in boxes:
            inside = box.left <= text.left and text.right <= box.right and box.top <= text.top
            if box.overlaps(text) and not (inside and text.bottom <= box.bottom):
                found.append(text.text)
    return found


def points(svg: str) -> list[tuple[float, float]]:
    """Points along all forward arrows, some three pixels apart."""
    found: list[tuple[float, float]] = []
    for path in drawn(svg).iter(f"{SVG}path"):
        x = y = 0.0
        for command, numbers in re.findall(r"([MHC])([^MHC]*)", path.get("d", "")):
            values = [float(number) for number in numbers.split()]
            if command == "C":
                steps = max(int(abs(values[4] - x) + abs(values[5] - y)) // 3, 1)
                found += [_bezier(x, y, values, i / steps) for i in range(steps + 1)]
            elif command == "H":
                steps = max(int(abs(values[0] - x)) // 3, 1)
                found += [(x + (values[0] - x) * i / steps, y) for i in range(steps + 1)]
                values = [values[0], y]
            x, y = values[-2:]
    return found


def crossed(svg: str) -> list[str]:
    """The texts through which an arrow runs."""
    lines = points(svg)
    return [box.text for box in rectangles(svg) if any(box.holds(x, y) for x, y in lines)]


def _bezier(x: float, y: float, c: list[float], t: float) -> tuple[float, float]:
    a, b, d, e = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
    return a * x + b * c[0] + d * c[2] + e * c[4], a * y + b * c[1] + d * c[3] + e * c[5]
