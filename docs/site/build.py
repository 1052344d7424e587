"""``python docs/site/build.py FOLDER`` builds the site of the documentation into ``FOLDER/site``.

The pages keep the places that they have in the repository, so that their links hold in both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from example_pages import examples  # noqa: E402 (the path comes first)
from house import house  # noqa: E402
from pages import PAGES, ROOT, for_site, pictures, run  # noqa: E402
from reference import reference  # noqa: E402
from refusals import refusals  # noqa: E402

DRAWING = re.compile(r"!\[[^\]]*\]\(([^)\s]+\.svg)\)")
WIDTH = re.compile(r"<svg[^>]* width=\"([\d.]+)")
LEGIBLE = 0.75
"""The share of its size down to which a picture shrinks on a narrow screen, which scrolls the rest of it."""

ELSEWHERE = re.compile(r"<(?:(?:script|img)[^>]+src|link[^>]+(?:stylesheet|preconnect)[^>]+href)=.?https?:[^>]+")


def build(folder: Path) -> int:
    """Build the site, and return 0 where nothing was to be said against it."""
    pages = folder / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    config = tomllib.loads((HERE / "site.toml").read_text(encoding="utf-8"))
    for place in PAGES:
        copy(place, pages)
    for name in ("site.css", "iframe-worker.js"):
        shutil.copy(HERE / name, make(pages / "docs" / "site" / name))
    (pages / "docs" / "refusals.md").write_text(refusals(), encoding="utf-8")
    (pages / "docs" / "house.svg").write_text(house(), encoding="utf-8")
    made = {"examples/": examples(pages / "examples"), "reference/": reference(pages / "reference")}
    config["nav"] = filled(config["nav"], made)
    missing = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")} - set(places(config["nav"]))
    if missing:
        print(f"no line in the nav of docs/site/site.toml: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    handler = config["plugins"]["mkdocstrings"]["handlers"]["python"]
    handler["paths"] = [str(ROOT)]
    handler["options"]["extensions"] = [str(HERE / "sections.py")]
    (folder / "mkdocs.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    draw(pages)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, check=False, env=os.environ | {"NO_COLOR": "1"})
    return done.returncode or loads_from_elsewhere(folder / "site")


def loads_from_elsewhere(site: Path) -> int:
    """Return 1, and name the first, where a page loads anything over a network."""
    for page in site.rglob("*.html"):
        if found := ELSEWHERE.search(page.read_text(encoding="utf-8")):
            print(f"{page.relative_to(site)} loads {found[0]}", file=sys.stderr)
            return 1
    return 0


def make(path: Path) -> Path:
    """Return the path of a file whose folder is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def copy(place: PurePosixPath, pages: Path) -> None:
    """Copy a page, and the files that it links to."""
    text, files = for_site(place)
    make(pages / place).write_text(text, encoding="utf-8")
    for file in files:
        shutil.copy(ROOT / file, make(pages / file))


def draw(pages: Path) -> None:
    """Run the pages that draw, put their pictures beside them, and give every picture its least width."""

    def drawn(page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        names = pictures(text)
        with TemporaryDirectory() as folder:
            if names:
                run(text, Path(folder))
            for name in names:
                shutil.copy(Path(folder) / name, page.parent / name)

        page.write_text(DRAWING.sub(partial(sized, page.parent), text), encoding="utf-8")

    with ThreadPoolExecutor(os.cpu_count()) as several:
        list(several.map(drawn, pages.rglob("*.md")))


def sized(folder: Path, picture: re.Match[str]) -> str:
    """Return the Markdown of a picture with the width that it keeps."""
    width = WIDTH.search((folder / picture[1]).read_text(encoding="utf-8"))
    return f'{picture[0]}{{ style="min-width: {LEGIBLE * float(width[1]):.0f}px" }}' if width else picture[0]


def filled(nav: list[Any], made: dict[str, list[Any]]) -> list[Any]:
    """Return the navigation with the pages that are made."""

    def below(entry: Any) -> Any:
        return made.get(entry, entry) if isinstance(entry, str) else filled(entry, made)

    return [{title: below(inner) for title, inner in e.items()} if isinstance(e, dict) else e for e in nav]


def places(nav: list[Any]) -> Iterator[str]:
    """Return the places of all pages of the navigation."""
    for entry in nav:
        for below in entry.values() if isinstance(entry, dict) else (entry,):
            if isinstance(below, str):
                yield below
            else:
                yield from places(below)


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]).resolve()))
