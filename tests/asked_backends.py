"""The libraries that tests run on: those that are installed, or of these the ones that ``XPNET_ONLY`` names."""

from __future__ import annotations

import os

ONLY = set(filter(None, os.environ.get("XPNET_ONLY", "").split(",")))


def is_asked_for(library: str) -> bool:
    """Whether tests shall run on a library."""
    return not ONLY or library in ONLY
