"""``xpnet backends``: which array libraries work here, and what the others lack."""

from __future__ import annotations

import click

from xpnet.backend import LIBRARIES, missing


@click.command()
def backends() -> None:
    """List the array libraries: version, standard, devices, and whether each is ready or its remedy."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("backend", "version", "standard", "devices", "status", box=box.SIMPLE_HEAD, pad_edge=False)
    lacks = {name: missing(library) for name, library in LIBRARIES.items()}
    for name, library in LIBRARIES.items():
        if lacks[name]:
            table.add_row(name, "-", "-", "-", "[yellow]not ready[/]")
        else:
            devices = ", ".join(map(library.device_name, library.devices()))
            table.add_row(name, library.version(), library.standard(), devices, "[green]ready[/]")
    console.print(table)
    for lack in filter(None, lacks.values()):
        console.print(escape(lack))
