"""The help of commands and their usage errors, in the chosen language."""

from __future__ import annotations

from collections.abc import Iterable

import click

from xpnet.languages import in_chinese, say
from xpnet.typesetting import folded


class Formatter(click.HelpFormatter):
    """A formatter that translates headings and texts, and breaks lines between Chinese characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, say("Usage:") if in_chinese() else prefix)

    def write_heading(self, heading: str) -> None:
        if in_chinese():
            self.write(f"{'':>{self.current_indent}}{say(heading)}：\n")
        else:
            super().write_heading(heading)

    def write_text(self, text: str) -> None:
        if not in_chinese():
            super().write_text(text)
            return
        indent = " " * self.current_indent
        paragraphs = [say(" ".join(paragraph.split())) for paragraph in text.split("\n\n")]
        blocks = [folded(paragraph, self.width - self.current_indent) for paragraph in paragraphs]
        self.write("\n\n".join("\n".join(indent + line for line in block) for block in blocks) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        if not in_chinese():
            super().write_dl(rows, col_max, col_spacing)
            return
        rows, indent = list(rows), " " * self.current_indent
        column = min(max(len(first) for first, _ in rows), col_max) + col_spacing
        for first, second in rows:
            lines = folded(say(second), max(self.width - column - self.current_indent, 10))
            beside = len(first) + col_spacing <= column
            self.write(f"{indent}{first:<{column}}{lines[0]}\n" if beside else f"{indent}{first}\n")
            self.write("".join(f"{indent}{'':<{column}}{line}\n" for line in lines[beside:]))


class Context(click.Context):
    """A context whose help is in the chosen language."""

    formatter_class = Formatter


def in_language(command: click.Command) -> click.Command:
    """Return the command, with its help and that of its own commands in the chosen language."""
    command.context_class = Context
    for own in getattr(command, "commands", {}).values():
        in_language(own)
    return command


def show(error: click.ClickException) -> None:
    """Print a usage error as click does, in the chosen language."""
    context = getattr(error, "ctx", None)
    if not in_chinese() or type(error).show not in (click.ClickException.show, click.UsageError.show):
        error.show()
        return
    if context is not None:
        click.echo(f"{context.get_usage()}\n{say(f'Try {context.command_path} --help for help.')}\n", err=True)
    click.echo(f"{say('Error:')}{say(error.format_message())}", err=True)
