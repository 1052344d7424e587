"""``xpnet serve``: a page to try a trained network, and its answers as JSON."""

from __future__ import annotations

import importlib
import webbrowser
from pathlib import Path
from typing import Any

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.errors import BackendError
from xpnet.languages import say
from xpnet.training import Run

NEEDED = {"starlette": "Starlette", "uvicorn": "uvicorn", "PIL": "Pillow"}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 is every one.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 is a free one.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option("--max-size", type=options.Whole(1), default=10, show_default=True, help="Megabytes of a request.")
@click.option("--max-rows", type=options.Whole(1), default=10_000, show_default=True, help="Rows of a request.")
@click.option("--max-waiting", type=options.Whole(1), default=200, show_default=True, help="Requests that may wait.")
@click.option("--seconds", type=options.Number(0.0, min_open=True), default=30.0, show_default=True,
              help="Time for a request to arrive, and to be answered.")  # fmt: skip
@options.backend()
@options.device
@options.quiet
def serve(
    run: Path,
    host: str,
    port: int,
    opens: bool,
    max_size: int,
    max_rows: int,
    max_waiting: int,
    seconds: float,
    backend: str | None,
    device: str | None,
    quiet: bool,
) -> None:
    """Serve the network in the folder RUN: a page on which one draws, fills in or types, and answers as JSON.

    The page shows the answer, the probabilities, the outputs of the layers and the gradient by the input. POST /predict
    takes rows; /openapi.json describes it, /metrics and /health watch it. It listens on this machine alone unless
    --host names another address; it has no password. Ctrl-C or SIGTERM end it when the requests that run are answered.
    """
    parts = serving()
    with use_backend(backend or get_backend(), device=device):
        opened = Run(run)
        limits = parts["limits"].Limits(1_000_000 * max_size, max_rows, waiting=max_waiting, seconds=seconds)
        listening = parts["process"].bound(host, port)
        with listening:
            server = parts["app"].Server(opened, limits, parts["process"].names_of(host))
            shown = f"[{host}]" if ":" in host else host
            address = f"http://{shown}:{listening.getsockname()[1]}"

            def ready() -> None:
                if not quiet:
                    click.echo(say(f"serving {run} at {address} (Ctrl-C ends it)"))
                if opens:
                    webbrowser.open(address)

            parts["process"].run(server, listening, ready)
    if not quiet:
        click.echo(say(f"stopped; {sum(server.metrics.requests.values()):,} requests were answered"))


def serving() -> dict[str, Any]:
    """Return the modules of the server.

    Raises: ``BackendError`` for a package that is not installed.
    """
    for module, name in NEEDED.items():
        try:
            importlib.import_module(module)
        except ImportError:
            raise BackendError("serve", f"{name} must be installed", "none", "pip install xpnet[serve]") from None
    return {name: importlib.import_module(f"xpnet.serving.{name}") for name in ("app", "limits", "process")}
