"""Text in a picture: the form of values, the width of labels, and the escapes of each format."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Any

FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

# Characters that no XML document may hold, not even escaped, and lone halves of surrogate pairs.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_EXPONENT = re.compile(r"e(?:\+|(-))0*(\d+)$")
_NARROW = frozenset("fijlrtI.,:;'|!()[]/\\ ")
_BROAD = frozenset("mwMW@%")
_SIGNS = frozenset("+<>=^~#&")


def escape_xml(text: object) -> str:
    """Return text for an SVG or HTML element or attribute, with ``<`` as ``&lt;``."""
    return escape(printable(text))


def printable(text: object) -> str:
    """Return the text with each character that no document may hold replaced."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def number(value: Any) -> str:
    """Return a number as the book prints it, ``100, 1.1, 220, 0.3``: integers in full, others to four digits."""
    if isinstance(value, complex):
        return f"{number(value.real)}{'' if value.imag < 0 else '+'}{number(value.imag)}i"
    if isinstance(value, bool):
        return str(value)
    if abs(value) < 1e7 and value == int(value):
        return str(int(value))
    return _EXPONENT.sub(r"e\1\2", f"{value:.4g}")


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return an upper estimate of the width of a line of text, in the units of ``size``, in any font of ``FONT``."""
    return size * sum(_em(character, 1.15 if bold else 1.0) for character in text)


def _em(character: str, weight: float) -> float:
    """Return the width of a character in the widest font, DejaVu Sans; those of East Asia are one em."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # marks on the character before
        return 0.0
    if character >= "\U0001f000":  # pictures
        return 1.4
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character >= "\u2010":
        return 1.1
    if character in _NARROW:
        return 0.43 * weight
    if character in _BROAD:
        return 1.0 * weight
    if character.isascii():
        return weight * (0.79 if character.isupper() else 0.84 if character in _SIGNS else 0.65)
    return weight * (1.1 if character.isupper() else 1.0)


def one_line(text: object, limit: int = 60) -> str:
    """Return the text without line breaks, cut to ``limit`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
