"""The language of messages: ``XPNET_LANG=zh`` has them in Chinese, by tables of the sentences in the source."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xpnet.languages.table import Table

SWITCH = "XPNET_LANG"
ENGLISH = re.compile(r"(en([-_][a-z]{2})?|c|posix)?([.@].*)?", re.IGNORECASE)
APART = re.compile(r"[^\s](?:[^\n]*?[^\s])??(?=\s{2}|\s*\n|\s*$)")
CHINESE = re.compile(r"zh([-_](cn|sg|hans([-_]cn)?))?([.@].*)?", re.IGNORECASE)


def in_chinese() -> bool:
    """Return whether messages are to be in Chinese: where ``XPNET_LANG`` says so, and the terminal can print it."""
    return CHINESE.fullmatch(os.environ.get(SWITCH, "")) is not None and _without_chinese() is None


def unheeded() -> str | None:
    """Return a sentence about an ``XPNET_LANG`` that cannot be followed, or None."""
    named = os.environ.get(SWITCH, "")
    if ENGLISH.fullmatch(named):
        return None
    if not CHINESE.fullmatch(named):
        return f"{SWITCH} must be en or zh, got {named}; messages are in English"
    encoding = _without_chinese()
    if encoding is None:
        return None
    return f"{SWITCH}={named} needs an output with Chinese, got {encoding}; set PYTHONIOENCODING=utf-8"


def say(text: str, table: str = "console") -> str:
    """Return what the command line prints in the chosen language; lines, and parts two spaces apart, by themselves."""
    if not in_chinese():
        return text
    return APART.sub(lambda part: _table(table).translate(part[0]), text)


def tell(english: str, who: str, must: str, got: object, remedy: str) -> str:
    """Return the message of an error in the chosen language, given the English one and its parts."""
    if not os.environ.get(SWITCH):
        return english
    if in_chinese():
        from xpnet.languages.table import beside

        must, came, remedy = (
            _table("must").translate(must),
            _table("got").translate(f"{got}"),
            _table("remedy").translate(remedy),
        )
        but = beside("但", came[1:]) if came.startswith("…") else beside("但得到的是", came)
        return f"{_table('who').translate(who)}：{must}，{but}；{remedy}"
    trouble = unheeded()
    return f"{english} ({trouble})" if trouble else english


@cache
def _table(name: str) -> Table:
    from xpnet.languages.table import Table

    return Table.read("zh", name)


def _without_chinese() -> str | None:
    """Return the encoding of standard output or error that lacks Chinese characters, or None."""
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            "层，".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return str(encoding)
    return None
