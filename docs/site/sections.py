"""What the sections and examples of a docstring become in the reference."""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(Shapes|Raises|Backward|Source|Memory):", re.MULTILINE)
EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Sections(griffe.Extension):
    """Makes a paragraph of each line such as ``Raises:``, its word in bold, and a block of code of each example."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = EXAMPLE.sub(r"\n```pycon\n\g<0>\n```", obj.docstring.value)
            obj.docstring.value = SECTION.sub(r"\n**\1.**", text)
