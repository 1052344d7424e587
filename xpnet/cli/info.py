"""``xpnet info``: what a run takes and answers, its network, its training and its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.networks.summary import size
from xpnet.training import Run
from xpnet.training.about import about, kept_epoch
from xpnet.training.shown import measured

SHOWN = 12
"""The number of columns or classes that are listed."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@options.as_json
def info(run: Path, as_json: bool) -> None:
    """Tell what the network in the folder RUN takes and answers, how it was trained, and how large it is."""
    opened = Run(run)
    told = about(opened)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, allow_nan=False))
        return
    console = make_console()
    console.print(f"{run}", style="bold", soft_wrap=True)
    console.print(f"takes    {taken(told['takes'])}", soft_wrap=True)
    console.print(f"answers  {answers(told['answers'])}\n", soft_wrap=True)
    console.print(opened.network.summary(), soft_wrap=True)
    training = told["training"]
    console.print(f"\nepochs: {training['epochs']}")
    kept = kept_epoch(opened)
    if kept is not None:
        values = [("loss", kept.loss), ("validation loss", kept.test_loss)]
        values += [(f"validation {training['measure']}", kept.test_accuracy)] if training["measure"] else []
        shown = ", ".join(f"{name} {measured(name, value)}" for name, value in values if value is not None)
        console.print(f"  the weights are of epoch {kept.epoch}: {shown}", soft_wrap=True)
    for name, value in training["settings"].items():
        console.print(f"  {name.replace('_', ' ')}: {value}", soft_wrap=True)
    console.print("\n" + "\n".join(f"{name}  {size(bytes_)}" for name, bytes_ in told["files"].items()), soft_wrap=True)


def taken(told: dict[str, Any]) -> str:
    """Return a line about the rows that a run takes."""
    if told["kind"] == "table":
        names = [f"{column['name']} ({column['kind']})" for column in told["columns"]]
        return f"tables with the columns {listed(names)}"
    if told["kind"] == "images":
        height, width = told["size"]
        colours = "grey" if told["channels"] == 1 else "coloured"
        drawn = "; dark on light or light on dark" if told["drawn"] else ""
        return f"{colours} images of any size, scaled to {height} x {width}{drawn}"
    if told["kind"] == "text":
        return f"texts, of {told['symbols']} different symbols"
    return f"arrays of numbers (N{''.join(f', {length}' for length in told['shape'] or ['…'])})"


def answers(told: dict[str, Any]) -> str:
    """Return a line about the answers that a run gives."""
    name = f"{told['name']}: " if "name" in told else ""
    if told["kind"] == "classes":
        return f"{name}{len(told['classes'])} classes, {listed(told['classes'])}"
    if told["kind"] == "numbers":
        return f"{name}numbers, in training {told['mean']:.4g} ± {told['std']:.4g}"
    if told["kind"] == "text":
        return "the text that goes on"
    return f"{name}the scores under {told['kind']}"


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
