"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from xpnet.backend import LIBRARIES


def backend(default: str = "$XPNET_BACKEND, or numpy") -> Callable[..., Any]:
    """The option ``--backend``."""
    text = f"Array library: {', '.join(LIBRARIES)}.  [default: {default}]"
    return click.option("--backend", metavar="NAME", help=text)


device = click.option("--device", metavar="DEVICE", help="Device by name or index, such as cpu or cuda:0.")


def dtype(default: str) -> Callable[..., Any]:
    """The option ``--dtype``."""
    return click.option(
        "--dtype", type=click.Choice(["float32", "float64"]), default=default, show_default=True, help="Floating dtype."
    )
