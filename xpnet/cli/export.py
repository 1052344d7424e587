"""``xpnet export``: a trained network as a file for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.interop.onnx import run_to_onnx
from xpnet.interop.onnx.model import IR
from xpnet.networks.summary import size
from xpnet.training import Run

INSIDE = "network.onnx"
"""The name of the file in the folder of the run, if none is given."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--onnx",
    "file",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help=f"Write a model of ONNX.  [default: RUN/{INSIDE}]",
)
@click.option(
    "--opset",
    type=options.Whole(min(IR), max(IR)),
    default=21,
    show_default=True,
    help="Version of the operators of ONNX.",
)
@options.as_json
def export(run: Path, file: str | None, opset: int, as_json: bool) -> None:
    """Write the network in the folder RUN to a file that programs without xpnet can run.

    The model takes pixels, or the columns of a table, as they are: the conversions of the training are inside. It
    answers with labels, probabilities and scores, or with numbers.
    """
    if file is None:
        raise click.UsageError("say in which form: --onnx, or --onnx FILE")
    place = Path(file) if file else run / INSIDE
    model = run_to_onnx(Run(run), place, opset=opset)
    told: dict[str, Any] = {
        "file": str(place),
        "bytes": place.stat().st_size,
        "opset": opset,
        "inputs": [taken(value) for value in model.graph.input],
        "outputs": [taken(value) for value in model.graph.output],
    }
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    console = make_console()
    console.print(f"{place}  {size(told['bytes'])}", style="bold", soft_wrap=True)
    for kind, name in (("takes", "inputs"), ("answers", "outputs")):
        for value in told[name]:
            shape = ", ".join(map(str, value["shape"])) + ("," if len(value["shape"]) == 1 else "")
            console.print(f"{kind:9}{value['name']} ({shape}) {value['dtype']}", soft_wrap=True)
            kind = ""


def taken(value: Any) -> dict[str, Any]:
    """Return the name, dtype and shape of an input or output of a model."""
    from onnx import TensorProto

    own = value.type.tensor_type
    names = {"float": "float32", "double": "float64"}
    kind = TensorProto.DataType.Name(own.elem_type).lower()
    shape = [axis.dim_param or axis.dim_value for axis in own.shape.dim]
    return {"name": value.name, "dtype": names.get(kind, kind), "shape": shape}
