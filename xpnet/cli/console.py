"""The console of the commands: it prints text as it is, and fits it to the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 72
"""Below this many columns tables and lines leave out what is least asked for."""


def make_console(quiet: bool = False) -> Console:
    """A console on which brackets and colons are letters, never markup; with ``quiet`` it prints nothing.

    Styles stand beside a text, ``console.print(text, style="bold")``. Where ``NO_COLOR`` is set there are none.
    """
    from rich.console import Console

    colours = None if os.environ.get("NO_COLOR") else "auto"
    return Console(quiet=quiet, color_system=colours, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]


def narrow(console: Console) -> bool:
    """Whether the terminal is too narrow for a full line."""
    return console.width < NARROW
