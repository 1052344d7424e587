"""``xpnet backends``: the array libraries that work here, what the others lack, and NumPy's BLAS."""

from __future__ import annotations

import click

from xpnet.backend import LIBRARIES, missing
from xpnet.backend.blas import blas, gigaflops
from xpnet.cli.console import make_console, narrow
from xpnet.fast.numpy.choice import status
from xpnet.tuning import Tuning, advice


@click.command()
@click.pass_obj
def backends(tuned: Tuning) -> None:
    """List the array libraries and what the others lack, NumPy's BLAS, its compiled loops, and what is tuned.

    The table shows version, standard, devices, and whether each is ready; the remedies follow. The speed of NumPy's
    matrix products is measured.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    numpys = blas()
    speed = gigaflops()  # before other libraries start threads of their own
    table = Table("backend", "version", box=box.SIMPLE_HEAD, pad_edge=False)
    for head in () if narrow(console) else ("standard", "devices"):
        table.add_column(head)
    table.add_column("status", no_wrap=True)
    lacks = {name: missing(library) for name, library in LIBRARIES.items()}
    for name, library in LIBRARIES.items():
        cells = ["-", "-", "-"]
        if not lacks[name]:
            devices = ", ".join(map(library.device_name, library.devices()))
            cells = [library.version(), library.standard(), devices]
        if narrow(console):
            cells = cells[:1]
        table.add_row(name, *cells, Text("not ready", "yellow") if lacks[name] else Text("ready", "green"))
    console.print(table)
    for lack in filter(None, lacks.values()):
        console.print(lack)
    console.print(f"\nNumPy's BLAS: {numpys}, {speed:.0f} GFLOP/s in float32", soft_wrap=True)
    console.print(f"compiled loops: {status()}", soft_wrap=True)
    console.print(str(tuned), soft_wrap=True)
    if hint := advice(numpys.core):
        console.print(hint, soft_wrap=True)
