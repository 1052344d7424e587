"""The picture of the house: the parts of xpnet on the floors that CONTRIBUTING names, and the imports between them."""

from __future__ import annotations

import ast
import re

from pages import ROOT

from xpnet.drawing.text import FONT, escape_xml, text_width

HOME = ROOT / "xpnet"
ORDER = re.compile(r"Imports point one way: `([^`]+)`")
WIDTH, FLOOR, HIGH, MARGIN = 760.0, 62.0, 34.0, 20.0


def floors() -> list[list[str]]:
    """Return the parts of each floor, from the ground up, as CONTRIBUTING has them."""
    (order,) = ORDER.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return [re.findall(r"\w+", floor) for floor in order.split("→")]


def imports() -> dict[str, set[str]]:
    """Return for each part of xpnet the other parts that its files import."""
    found: dict[str, set[str]] = {}
    for path in HOME.rglob("*.py"):
        own = path.relative_to(HOME).parts[0].removesuffix(".py")
        names = found.setdefault(own, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = found.keys() - {"__init__", "__main__"}
    return {
        part: {name.split(".")[1] for name in found[part] if name.startswith("xpnet.")} & parts - {part}
        for part in sorted(parts)
    }


def nearest(edges: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports that no other import implies: those by which each part stands on the ones below."""
    below: dict[str, set[str]] = {}

    def reach(part: str) -> set[str]:
        if part not in below:
            below[part] = edges[part].union(*map(reach, edges[part]))
        return below[part]

    return [(a, b) for a in edges for b in sorted(edges[a]) if not any(b in reach(c) for c in edges[a] - {b})]


def first_line(part: str) -> str:
    path = HOME / part / "__init__.py"
    text = (path if path.exists() else HOME / f"{part}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def house() -> str:
    """Return the picture as SVG."""
    rows = floors()
    height = FLOOR * len(rows) + 2 * MARGIN
    place: dict[str, tuple[float, float, float]] = {}
    for level, parts in enumerate(rows):
        widths = [text_width(part, 14) + 26.0 for part in parts]
        gap = min(60.0, (WIDTH - 2 * MARGIN - sum(widths)) / (len(parts) + 1))
        x = (WIDTH - sum(widths) - gap * (len(parts) - 1)) / 2
        for part, wide in zip(parts, widths, strict=True):
            place[part] = (x + wide / 2, height - MARGIN - FLOOR * (level + 0.5), wide)
            x += wide + gap
    lines, boxes = [], []
    for upper, lower in nearest(imports()):
        (x1, y1, _), (x2, y2, _) = place[upper], place[lower]
        y1, y2 = y1 + HIGH / 2, y2 - HIGH / 2 - 5
        bend = max(20.0, (y2 - y1) / 2)
        lines.append(
            f'<path d="M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"/>'
            f'<path d="M{x2 - 3.5:.1f} {y2 - 1:.0f}h7l-3.5 6z" fill="#9aa5b1" stroke="none"/>'
        )
    for part, (x, y, wide) in place.items():
        boxes.append(
            f'<g><title>{escape_xml(first_line(part))}</title><rect x="{x - wide / 2:.1f}" y="{y - HIGH / 2:.1f}" '
            f'width="{wide:.1f}" height="{HIGH:g}" rx="7" fill="#eaf2fb" stroke="#2f6db5"/>'
            f'<text x="{x:.1f}" y="{y + 5:.1f}">{part}</text></g>'
        )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
            f'height="{height:g}" role="img" font-family="{FONT}" font-size="14" fill="#1f2933" text-anchor="middle">',
            "<title>The parts of xpnet and what they import</title>",
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1:g}" height="{height - 1:g}" rx="10" fill="#ffffff" '
            'stroke="#d5dbe1"/>',
            '<g fill="none" stroke="#9aa5b1" stroke-width="1.3">',
            *lines,
            "</g>",
            *boxes,
            "</svg>\n",
        ]
    )
