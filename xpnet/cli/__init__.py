"""The command ``xpnet``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from xpnet import __version__
from xpnet.cli.help import Context, in_language, show
from xpnet.errors import XpnetError
from xpnet.languages import SWITCH, say, unheeded
from xpnet.tuning import tune

# Each command is in a module of its name, which is imported, and numpy with it, when the command runs.
COMMANDS = {
    "train": "Train on a table or folder of images, or the book's network on a data set that ships.",
    "predict": "Answer for rows or images by a network that was trained.",
    "evaluate": "Measure a trained network on labelled data.",
    "export": "Write a trained network to a file for other programs: ONNX.",
    "info": "Tell what a trained network takes and answers, and how it was trained.",
    "serve": "Serve a page to try a trained network, and its answers as JSON.",
    "data": "List the data sets that are known by name: which are here, and what the others need.",
    "report": "Write a page about a training: curves, weights, confusion matrix, mistakes.",
    "check": "Check the gradients of every layer, on every backend present or on one.",
    "conform": "Try an array library on all that xpnet asks of one, against NumPy.",
    "distributed": "Say whether training on several processes works here.",
    "draw": "Draw the computational graphs of the book, values above the arrows and derivatives below.",
    "completion": "Print what makes a shell complete the names of commands and options.",
    "backends": "List the array libraries and what the others lack, NumPy's BLAS, and what is tuned.",
}


def said_elsewhere() -> bool:
    """Return whether another process of a distributed command says what goes wrong in this one, too."""
    if not {"--distributed", "distributed"}.intersection(sys.argv):
        return False
    from xpnet.cli.ranks import repeats

    return repeats()


class Answering(click.Command):
    """A command that runs in a tuned process.

    An XpnetError is printed as one line, without a traceback, and exits with 1. Ctrl-C prints ``stopped`` and what has
    been saved, and exits with 130.
    """

    def invoke(self, ctx: click.Context) -> Any:
        if trouble := unheeded():
            click.echo(f"warning: {trouble}", err=True)
            os.environ[SWITCH] = "en"  # errors need not repeat it
        ctx.obj = ctx.with_resource(tune())
        try:
            return super().invoke(ctx)
        except (XpnetError, click.ClickException) as error:
            if said_elsewhere():
                sys.exit(1)
            if not isinstance(error, XpnetError):
                show(error)
                sys.exit(error.exit_code)
            click.echo(say(f"error: {error}"), err=True)
            sys.exit(1)
        except KeyboardInterrupt as stop:
            if not said_elsewhere():
                click.echo(say(f"stopped: {stop}" if stop.args else "stopped"))
            sys.exit(130)


class Commands(Answering, click.Group):
    """The group of commands; each is imported when it runs."""

    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"xpnet.cli.{name}"), name)
        return in_language(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


NEXT = (
    "Begin with `xpnet train`: it checks the gradients, learns the digits that ship with it, and shows the result. "
    "`xpnet draw` draws how backpropagation works, `xpnet backends` lists what else can run here."
)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=NEXT,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, package_name="xpnet")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Backpropagation written once, for NumPy, CuPy, torch, jax and any other array API library."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
