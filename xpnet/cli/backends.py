"""``xpnet backends``: which array libraries work here, what the others lack, and how NumPy multiplies."""

from __future__ import annotations

import click

from xpnet.backend import LIBRARIES, missing
from xpnet.backend.blas import blas, gigaflops
from xpnet.kernels.numba.choice import status
from xpnet.tuning import Tuning, advice


@click.command()
@click.pass_obj
def backends(tuned: Tuning) -> None:
    """List the array libraries and what the others lack, NumPy's BLAS, its compiled loops, and what is tuned.

    The table holds version, standard, devices, and whether each is ready; the remedies follow. The speed of NumPy's
    matrix products is measured.
    """
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    numpys = blas()
    speed = gigaflops()  # before other libraries start threads of their own
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
    console.print(f"\nNumPy's BLAS: {numpys}, {speed:.0f} GFLOP/s in float32", soft_wrap=True)
    console.print(f"compiled loops: {status()}", soft_wrap=True)
    console.print(str(tuned), soft_wrap=True)
    if hint := advice(numpys.core):
        console.print(hint, soft_wrap=True)
