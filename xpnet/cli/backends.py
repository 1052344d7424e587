"""``xpnet backends``: the array libraries that work here, what the others lack, and NumPy's BLAS."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import click

from xpnet.backend import LIBRARIES, Library, missing
from xpnet.backend.blas import blas, gigaflops
from xpnet.cli.console import make_console, narrow
from xpnet.fast.choice import status
from xpnet.tuning import Tuning, advice


@dataclass(frozen=True)
class Found:
    """The version, standard and devices of a library, and what it lacks, or an empty text."""

    version: str = "-"
    standard: str = "-"
    devices: str = "-"
    lack: str = ""


@click.command()
@click.option("--try", "tries", is_flag=True, help="Import each library and let it compute, which takes seconds.")
@click.pass_obj
def backends(tuned: Tuning, tries: bool) -> None:
    """List the array libraries and what the others lack, NumPy's BLAS, its compiled loops, and what is tuned.

    The table shows version, devices, and whether each is ready; the remedies follow. A library is not imported: it is
    ready where it is installed, and a GPU is asked for only where there is a driver. With --try each is imported and
    computes, and the standard that it claims is shown. The speed of NumPy's matrix products is measured.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    numpys = blas()
    speed = gigaflops()  # before other libraries start threads of their own
    found = {name: tried(library) for name, library in LIBRARIES.items()} if tries else seen()
    columns = ["version"] if narrow(console) else ["version", *(["standard"] if tries else []), "devices"]
    table = Table("backend", *columns, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("status", no_wrap=True)
    for name, one in found.items():
        ready = Text("not ready", "yellow") if one.lack else Text("ready", "green")
        table.add_row(name, *("-" if one.lack else getattr(one, column) for column in columns), ready)
    console.print(table)
    for one in found.values():
        if one.lack:
            console.print(one.lack)
    console.print(f"\nNumPy's BLAS: {numpys}, {speed:.0f} GFLOP/s in float32", soft_wrap=True)
    console.print(f"compiled loops: {status(tries)}", soft_wrap=True)
    console.print(str(tuned), soft_wrap=True)
    if hint := advice(numpys.core):
        console.print(hint, soft_wrap=True)


def tried(library: Library) -> Found:
    """Return the answer of the library itself."""
    if lack := missing(library):
        return Found(lack=lack)
    devices = ", ".join(map(library.device_name, library.devices()))
    return Found(library.version(), library.standard(), devices)


def seen() -> dict[str, Found]:
    """Return what can be seen of each library; those that may have a GPU answer in processes of their own."""
    found, asked = {}, {}
    for name, library in LIBRARIES.items():
        lack = "" if library.module in sys.modules else library.lack()
        found[name] = Found(lack=lack) if lack else Found(library.installed(), devices="cpu")
        if lack:
            continue
        if library.module in sys.modules:
            found[name] = tried(library)
        elif library.may_have_gpu():
            code = f"from xpnet.cli.backends import tell; tell({name!r})"
            asked[name] = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)  # noqa: S603
    for name, process in asked.items():
        answer = process.communicate()[0].strip().splitlines()
        if process.returncode or not answer:
            found[name] = Found(lack=f"backend {name}: its import must not end the process; reinstall it")
        else:
            found[name] = Found(**json.loads(answer[-1]))
    return found


def tell(name: str) -> None:
    """Print the answer of a library as JSON."""
    click.echo(json.dumps(asdict(tried(LIBRARIES[name]))))
