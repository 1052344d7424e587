"""What a row of the tables of remedies is."""

from __future__ import annotations

import re
from typing import NamedTuple


class Remedy(NamedTuple):
    """A line that an error refuses, and the same line with the remedy of its message applied.

    What ``works`` holds between « and » is code that the message must name, letter by letter; where its remedy is no
    code, ``says`` is what the message must say. ``given`` comes before either line.
    """

    given: str
    fails: str
    works: str
    says: str = ""

    @property
    def code(self) -> list[str]:
        """The code that the message must hold, in every language."""
        return re.findall("«(.*?)»", self.works)

    @property
    def named(self) -> list[str]:
        """What the message must hold."""
        return [*self.code, *filter(None, [self.says])]

    @property
    def mended(self) -> str:
        return self.works.replace("«", "").replace("»", "")
