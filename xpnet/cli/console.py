"""The console of the commands: it prints text unchanged, and fits it to the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 72
"""The number of columns below which tables and lines leave out the least important parts."""


def make_console(quiet: bool = False) -> Console:
    """Return a console that prints brackets and colons literally, not as markup, and nothing with ``quiet``.

    Styles are given beside a text, ``console.print(text, style="bold")``. Where ``NO_COLOR`` is set there are none.
    """
    from rich.console import Console

    colours = None if os.environ.get("NO_COLOR") else "auto"
    return Console(quiet=quiet, color_system=colours, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]


def narrow(console: Console) -> bool:
    """Return whether the terminal is too narrow for a full line."""
    return console.width < NARROW
