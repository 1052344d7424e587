"""The command ``xpnet``."""

from __future__ import annotations

import sys
from typing import Any

import click

from xpnet import __version__
from xpnet.cli.backends import backends
from xpnet.cli.bench import bench
from xpnet.cli.check import check
from xpnet.cli.conform import conform
from xpnet.cli.draw import draw
from xpnet.cli.train import train
from xpnet.errors import XpnetError


class Commands(click.Group):
    """A group that prints an XpnetError as one line, with no traceback, and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except XpnetError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="xpnet")
def main() -> None:
    """Backpropagation written once, for NumPy, CuPy, torch, jax and any other array API library."""


main.add_command(train)
main.add_command(check)
main.add_command(bench)
main.add_command(conform)
main.add_command(draw)
main.add_command(backends)
