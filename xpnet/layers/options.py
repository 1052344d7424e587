"""The options of a layer, as its repr shows them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from numbers import Number
from typing import Any

from xpnet.backend import is_array
from xpnet.layers.checks import plain


def unusual_options(constructor: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the constructor's options that differ from their defaults, in order, such as ``slope=0.1``.

    An array is shown by its shape. Options without a value, or whose value does not fit on a line, are left out.
    """
    shown: list[str] = []
    for name, option in inspect.signature(constructor).parameters.items():
        value = plain(values.get(name, option.default))
        if _is_plain(value) and value != option.default:
            shown += map(repr, value) if option.kind is option.VAR_POSITIONAL else [f"{name}={value!r}"]
        elif is_array(value):
            shown.append(f"{name} {tuple(value.shape)}")
    return shown


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, Number | str)
