"""A table of sentences and their translations, both with places for values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

PLACE = "{}"
FILLED = re.compile(r"\{(\d)(:t)?\}")
"""A place in a translation: ``{0}`` takes the first value as it is, ``{0:t}`` translated."""

WITHIN = re.compile(r"""\([^()]*\)|\[[^\[\]]*\]|"[^"]*"|'[^']*'|`[^`]*`|(?<=,) """)
SHORT = 8
"""The number of letters up to which a template takes only single words among foreign sentences."""

IDEOGRAPH = re.compile("[\u3400-\u9fff]")
WORD = re.compile(r"[^\W\u3000-\u303f\u3400-\u9fff\uff00-\uffef]|[\"'(\[{<`#$*/~.…±-]")


def beside(left: str, right: str) -> str:
    """Join two texts, with a space where Chinese and other letters meet, and with none inside Chinese."""
    if not left or not right:
        return left + right
    bare = left.rstrip(" ")
    if bare and IDEOGRAPH.match(bare[-1]) and _opens_chinese(right[0]):
        return bare + right
    if (IDEOGRAPH.match(left[-1]) and WORD.match(right[0])) or (_ends_word(left[-1]) and IDEOGRAPH.match(right[0])):
        return f"{left} {right}"
    return left + right


def inside(clause: str) -> str:
    """Return a translation as it stands inside another: the mark of a clause of its own is for the first alone."""
    return clause.removeprefix("…")


def _opens_chinese(letter: str) -> bool:
    return "\u3000" <= letter <= "\u303f" or "\uff00" <= letter <= "\uffef" or IDEOGRAPH.match(letter) is not None


def _ends_word(letter: str) -> bool:
    return re.match(r"[^\W\u3400-\u9fff]|[\"')\]}>`*%…]", letter) is not None


def is_word(text: str) -> bool:
    """Return whether a value is a name, a number, a shape or a list of these, and no words of a sentence."""
    before = None
    while text != before:
        before, text = text, WITHIN.sub("", text)
    return " " not in text.strip()


class Table:
    """Sentences with ``{}`` for each value, and their translations.

    The tables ``others`` translate the values themselves. Among ``foreign`` sentences are those of other libraries, in
    which short templates such as ``{} of {}`` must not be found.
    """

    def __init__(self, entries: Mapping[str, str], others: Sequence[Table] = (), foreign: bool = False) -> None:
        self.entries = entries
        self.others = others
        self.foreign = foreign
        templates = [english for english in entries if PLACE in english]
        self.templates = sorted(templates, key=lambda english: -len(english.replace(PLACE, "")))

    @classmethod
    def read(cls, language: str, name: str) -> Table:
        """Return the table of a language for one part of the messages."""
        folder = files("xpnet.languages") / language
        parts = cls(json.loads((folder / "part.json").read_text(encoding="utf-8")), foreign=True)
        return cls(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), [parts], name == "got")

    def translate(self, text: str) -> str:
        """Return the translation of a text, or the text itself where the table has none."""
        return next((found for table in (self, *self.others) if (found := table.find(text)) is not None), text)

    def find(self, text: str) -> str | None:
        """Return the translation of a text, or None."""
        if text in self.entries:
            return self.entries[text]
        for template in self.templates:
            values = taken(template, text)
            if values is not None and (found := self._filled(template, values)) is not None:
                return found
        if ", " not in text:
            return None
        first, *more = map(self.find, text.split(", "))
        return None if first is None or None in more else "，".join([first, *map(inside, filter(None, more))])

    def _filled(self, template: str, values: Sequence[str]) -> str | None:
        """Return a translation with its values, or None where one of them is no word, and must be or have its own."""
        translation, text, end = self.entries[template], "", 0
        weak = self.foreign and sum(map(str.isalpha, template)) <= SHORT
        for place in FILLED.finditer(translation):
            value = values[int(place[1])]
            if place[2]:
                turned = self.translate(value)
                if turned == value and not is_word(value):
                    return None
                value = inside(turned)
            elif weak and not is_word(value):
                return None
            else:
                value = next((table.entries[value] for table in self.others if value in table.entries), value)
            text = beside(beside(text, translation[end : place.start()]), value)
            end = place.end()
        return beside(text, translation[end:])


def taken(template: str, text: str) -> list[str] | None:
    """Return the values that stand in a text at the places of a template, or None where it is another text."""
    first, *pieces = template.split(PLACE)
    if not text.startswith(first):
        return None
    values, start = [], len(first)
    for index, piece in enumerate(pieces):
        last = index + 1 == len(pieces)
        at = (len(text) if not piece else text.rfind(piece, start)) if last else text.find(piece, start)
        if at < 0 or (last and at + len(piece) != len(text)):
            return None
        values.append(text[start:at])
        start = at + len(piece)
    return values
