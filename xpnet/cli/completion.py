"""``xpnet completion``: the script that makes a shell complete xpnet's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

KINDS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(KINDS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete the names of commands, options and data sets.

    For bash, `eval "$(xpnet completion bash)"` in ~/.bashrc; for zsh the same in ~/.zshrc; for fish,
    `xpnet completion fish > ~/.config/fish/completions/xpnet.fish`.
    """
    click.echo(KINDS[shell](ctx.find_root().command, {}, "xpnet", "_XPNET_COMPLETE").source())
