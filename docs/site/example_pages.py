"""The examples as pages: the header of each, and its code."""

from __future__ import annotations

import ast
from pathlib import Path

from pages import ROOT

HEAD = """# Examples

Each runs as it is, `python train_csv.py`, and prints what its header says; `--help` prints the header.

| | |
|---|---|
"""


def examples(folder: Path) -> list[object]:
    """Write a page for each example and a table of them into a folder, and return their part of the navigation."""
    home = ROOT / "examples"
    rows: list[str] = []
    nav: list[object] = ["examples/README.md"]
    for path in sorted(home.rglob("*.py"), key=lambda path: (path.parent != home, path)):
        code = path.read_text(encoding="utf-8")
        header = ast.get_docstring(ast.parse(code)) or ""
        name = path.relative_to(home).as_posix()
        page = folder / Path(name).with_suffix(".md")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"# {name}\n\n{header}\n\n```python\n{code}```\n", encoding="utf-8")
        link = page.relative_to(folder).as_posix()
        first, _, _ = header.partition("\n\n")
        rows.append(f"| [{name}]({link}) | {' '.join(first.split())} |\n")
        nav.append({name: f"examples/{link}"})
    (folder / "README.md").write_text(HEAD + "".join(rows), encoding="utf-8")
    return nav
