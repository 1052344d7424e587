"""``xpnet distributed``: a test of training on several processes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from xpnet.backend import Backend, get_backend, make_backend
from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.distributed import connect
from xpnet.distributed.hostfile import hosts_of, reach
from xpnet.distributed.launcher import WHO, launched
from xpnet.distributed.measure import Cluster, measure
from xpnet.errors import BackendError, XpnetError

HOW = "mpiexec -n 4 python -m mpi4py -m xpnet distributed check"


@click.group()
def distributed() -> None:
    """Say whether training on several processes works here."""


@distributed.command(short_help="Try whether the processes that mpiexec has started work together.")
@options.backend()
@options.device
@options.timeout
@click.option("--hostfile", type=click.Path(path_type=Path), help="Try to reach its machines, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(backend: str | None, device: str | None, timeout: float, hostfile: Path | None, as_json: bool) -> None:
    """Say within a minute whether the processes that mpiexec has started work together.

    It prints the ranks and their hosts, the latency and bandwidth of sums by size, and whether every rank gets the
    same, right sums; the exit code is 1 if one does not.
    """
    if hostfile is not None:
        hosts = hosts_of(hostfile)
        reach(hosts)
        click.echo(f"{len(hosts)} hosts of {hostfile} can be reached")
        return
    if launched() is None:
        raise BackendError(WHO, "several processes must be started", "one that no mpiexec has started", f"run {HOW}")

    def make() -> Backend:
        return make_backend(backend or get_backend(), device=device)

    group = connect(make, timeout)
    try:
        found = measure(group)
    except XpnetError as error:
        group.abort(str(error))
    group.close()
    if group.rank == 0:
        click.echo(json.dumps(found.to_dict())) if as_json else show(found)
    if not found.passed:
        raise SystemExit(1)


def show(found: Cluster) -> None:
    """Print the results."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    hosts = len({rank["host"] for rank in found.ranks})
    if len(found.ranks) == 1:
        console.print(f"one rank on one host: nothing travels; start more with {HOW}", soft_wrap=True)
        return
    console.print(f"{len(found.ranks)} ranks on {hosts} host{'s' if hosts > 1 else ''}, arrays over {found.over}\n")
    table = Table("rank", "host", "device", "cores", box=box.SIMPLE_HEAD, pad_edge=False)
    for rank in found.ranks:
        table.add_row(str(rank["rank"]), rank["host"], rank["device"], str(len(rank["cores"])))
    console.print(table)
    table = Table("allreduce of", "takes", "a second", box=box.SIMPLE_HEAD, pad_edge=False)
    for speed in found.speeds:
        table.add_row(size(speed.bytes), f"{1e6 * speed.seconds:,.0f} µs", size(speed.bytes_per_second))
    console.print(table)
    for result in found.agreements:
        kind = f"in {result.wire} on the wire" if result.wire else "as they are"
        text = f"sums {kind}: {'the same' if result.same else 'NOT the same'} on all ranks, off by {result.error:.1e}"
        console.print(Text(text, "green" if result.passed else "red"))


def size(number: float) -> str:
    """Return a number of bytes in a suitable unit."""
    for unit in ("B", "KB", "MB"):
        if number < 1024:
            return f"{number:,.0f} {unit}"
        number /= 1024
    return f"{number:,.1f} GB"
