"""The console of the commands: it prints text unchanged, and fits it to the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from xpnet.languages import say

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 72
"""The number of columns below which tables and lines leave out the least important parts."""


def make_console(quiet: bool = False) -> Console:
    """Return a console that prints brackets and colons literally, not as markup, and nothing with ``quiet``.

    Styles are given beside a text, ``console.print(text, style="bold")``. Where ``NO_COLOR`` is set there are none.
    Sentences are printed in the chosen language; what is no sentence of xpnet is given as a ``Text``.
    """
    from rich.console import Console

    class Saying(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            super().print(*(say(one) if isinstance(one, str) else one for one in objects), **options)

    colours = None if os.environ.get("NO_COLOR") else "auto"
    return Saying(quiet=quiet, color_system=colours, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]


def narrow(console: Console) -> bool:
    """Return whether the terminal is too narrow for a full line."""
    return console.width < NARROW
