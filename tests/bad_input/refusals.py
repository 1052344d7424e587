"""What every refusal has: a kind that is a builtin too, and who, must, got, remedy."""

from __future__ import annotations

import re

import pytest

from xpnet.errors import XpnetError


def refused(call, kind: type[XpnetError], builtin: type[Exception], text: str) -> None:
    """The call raises the kind, which is the builtin too, with a message of who, must, got and remedy."""
    with pytest.raises(kind, match=text) as raised:
        call()
    assert isinstance(raised.value, XpnetError)
    assert isinstance(raised.value, builtin)
    assert re.match(r"(?s)[^:]+: .+, got .*; .+", str(raised.value))
