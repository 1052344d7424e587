"""Options that several commands share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from xpnet.backend import LIBRARIES
from xpnet.backend.namespace import find_library
from xpnet.errors import XpnetError
from xpnet.languages import say

quiet = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Number(click.FloatRange):
    """A number, called so in an error."""

    name = "number"


class Whole(click.IntRange):
    """A whole number, called so in an error."""

    name = "whole number"

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return "NUMBER"


def _known(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:  # noqa: ARG001
    try:
        find_library(name or "numpy")
    except XpnetError as error:
        error.set_who("--backend")
        raise
    return name


def backend(default: str = "$XPNET_BACKEND, or numpy") -> Callable[..., Any]:
    """Return the option ``--backend``."""
    text = f"Array library: {', '.join(LIBRARIES)}.  [default: {default}]"
    return click.option("--backend", metavar="NAME", callback=_known, help=text)


timeout = click.option(
    "--timeout",
    type=Number(0.0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With several processes: the time after which they end where one is not heard of.",
)
device = click.option("--device", metavar="DEVICE", help="Device by name or index, such as cpu or cuda:0.")


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Print warnings within a block as one line each, without the line of code that gave them."""

    def shown(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(say(f"warning: {message}"), err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.filterwarnings("ignore", message="Image size")  # an error says it
        warnings.showwarning = shown
        yield


def dtype(default: str) -> Callable[..., Any]:
    """Return the option ``--dtype``."""
    return click.option(
        "--dtype", type=click.Choice(["float32", "float64"]), default=default, show_default=True, help="Floating dtype."
    )
