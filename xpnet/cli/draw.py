"""``xpnet draw``: the book's computational graphs as files."""

from __future__ import annotations

from pathlib import Path

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.drawing import draw as drawing_of
from xpnet.drawing.drawing import FORMATS
from xpnet.drawing.figures import FIGURES
from xpnet.files import make_folder


@click.command()
@click.argument("figures", nargs=-1, type=click.Choice(list(FIGURES)), metavar="[FIGURE]...")
@click.option(
    "--format",
    "formats",
    type=click.Choice([suffix[1:] for suffix in FORMATS]),
    multiple=True,
    default=("svg", "html"),
    show_default=True,
    help="A picture, a page to step through, Mermaid or DOT text.  May be repeated; png needs resvg-py.",
)
@options.backend()
@options.device
@options.dtype("float64")
@options.quiet
@click.option("--out", type=click.Path(path_type=Path), default="figures", show_default=True, help="Folder to write.")
def draw(
    figures: tuple[str, ...],
    formats: tuple[str, ...],
    backend: str | None,
    device: str | None,
    dtype: str,
    quiet: bool,
    out: Path,
) -> None:
    """Draw the computational graphs of the book, values above the arrows and derivatives below.

    Without a name it draws all: apples, apples-and-oranges, squared-sum, sigmoid-steps, sigmoid, affine,
    softmax-with-loss.
    """
    make_folder("draw", out)
    with use_backend(backend or get_backend(), device=device, dtype=dtype):
        for name in figures or FIGURES:
            picture = drawing_of(FIGURES[name](), title=name.replace("-", " ").capitalize())
            for suffix in formats:
                path = picture.save(out / f"{name}.{suffix}")
                if not quiet:
                    click.echo(path)
