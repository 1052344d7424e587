"""The pages of the documentation: their Python blocks with the output that they show, and their links.

The tests run every page, and the site those that draw.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    PurePosixPath(path.relative_to(ROOT).as_posix())
    for pattern in ("*.md", "docs/**/*.md", "tests/pretend_cuda/README.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
PICTURE = re.compile(r"\"([\w-]+\.svg)\"")
MARK = "\x00"
MADE = {PurePosixPath("docs/house.svg"), PurePosixPath("examples/README.md")}  # what the site makes


class Block(NamedTuple):
    """A Python block, and the output that the text block after it shows, or None."""

    code: str
    shown: str | None


def blocks(text: str) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    found: list[Block] = []
    end = 0
    for fence in FENCE.finditer(text):
        language, body = fence.groups()
        if language == "python":
            found.append(Block(body, None))
        elif language == "text" and found and not text[end : fence.start()].strip():
            found[-1] = Block(found[-1].code, body)
        end = fence.end()
    return found


def at_root() -> str:
    """Return a PYTHONPATH with which a process finds xpnet."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def run(text: str, folder: Path) -> str:
    """Run the Python blocks of a page as one script in a folder, as after ``pip install .``; return what they print.

    Raises: ``AssertionError`` where the script fails, or a block prints something else than the page shows.
    """
    found = blocks(text)
    script = folder / "page.py"
    script.write_text(f"print({MARK!r})\n".join(block.code for block in found), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    env = os.environ | {"PYTHONPATH": at_root(), "XPNET_FAST": "0"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, env=env)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{MARK}\n")
    for block, output in zip(found, printed, strict=True):
        assert block.shown in (None, output), f"{block.code}\nprints\n\n{output}\nand not\n\n{block.shown}"
    return "".join(printed)


def pictures(text: str) -> list[str]:
    """Return the names of the pictures that the blocks of a page write and that the page shows."""
    written = {name for block in blocks(text) for name in PICTURE.findall(block.code)}
    return sorted(written & set(links(text)))


def read(place: PurePosixPath) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def links(text: str) -> list[str]:
    """Return the relative links of a page."""
    return LINK.findall(FENCE.sub("", text))


def dead_links(place: PurePosixPath) -> list[str]:
    """Return the links of a page that lead to no file, nor to what it or the site makes; a folder needs a README.md."""
    text = read(place)
    made = {ROOT / place.parent / name for name in pictures(text)} | {ROOT / path for path in MADE}
    lead = {link: (ROOT / place.parent / link).resolve() for link in links(text)}
    ends = {link: there / "README.md" if there.is_dir() else there for link, there in lead.items()}
    return [link for link, there in ends.items() if there not in made and not there.exists()]


def for_site(place: PurePosixPath) -> tuple[str, list[Path]]:
    """Return a page with its links to folders and examples as the site has them, and the files that go with it."""
    files = []

    def linked(match: re.Match[str]) -> str:
        link = match[0]
        path = (ROOT / place.parent / link).resolve()
        if path.is_dir():
            return f"{link.rstrip('/')}/README.md"
        if path.parent.is_relative_to(ROOT / "examples") and path.suffix == ".py":
            return f"{link.removesuffix('.py')}.md"
        if path.is_file() and path.suffix != ".md":
            files.append(path.relative_to(ROOT))
        return link

    parts, end, text = [], 0, read(place)
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(linked, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(linked, text[end:])]), files
