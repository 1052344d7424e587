"""``xpnet predict``: the answers of a trained network for rows or images."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.cli.own_text import written
from xpnet.datasets import Classes, Columns, Symbols, read_table
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.images import ENDINGS
from xpnet.datasets.texts import read_text
from xpnet.errors import ArgumentError, DataError
from xpnet.files import written_in_place
from xpnet.networks import TransformerLM
from xpnet.training import Run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@options.backend()
@options.device
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: print]")
def predict(run: Path, data: Path, backend: str | None, device: str | None, out: Path | None) -> None:
    """Answer for the rows of a table, an image or a folder of images, by the network in the folder RUN.

    The answers are lines of CSV: the number of the row, or the name of the file; the label and its share by the
    network, or the number. A network that was trained on a text goes on writing after the one in the file DATA.
    """
    with use_backend(backend or get_backend(), device=device):
        opened = Run(run)
        inputs = opened.encoding.inputs
        if isinstance(inputs, Symbols | BytePairs):
            if not isinstance(opened.network, TransformerLM):
                must, got = "a network of texts must be a TransformerLM to go on writing", type(opened.network).__name__
                raise ArgumentError("predict", must, got, "ask it in Python, Run(folder).scores(texts)")
            put(written(opened.network, inputs, read_text(data), seed=0) + "\n", out)
            return
        of_table = isinstance(inputs, Columns)
        names: list[Any]
        if of_table:
            rows: Any = read_table(data)
            names = list(range(len(rows)))
        else:
            rows = names = images_of(data)
        scores = opened.scores(rows)
    answers = opened.encoding.answers(scores)
    classes = isinstance(opened.encoding.targets, Classes)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["row" if of_table else "file", "answer", *(["share"] if classes else [])])
    shares = highest_shares(scores) if classes else None
    for i, (name, answer) in enumerate(zip(names, answers.tolist(), strict=True)):
        shown = answer if classes else f"{answer:.6g}"
        lines.writerow([name, shown, *([] if shares is None else [f"{shares[i]:.4f}"])])
    put(text.getvalue(), out)


def put(text: str, out: Path | None) -> None:
    """Write a text to a file, or print it."""
    if out is None:
        sys.stdout.write(text)
        return
    with written_in_place(out) as part:
        part.write_text(text, encoding="utf-8")


def images_of(data: Path) -> list[Path]:
    """Return the images in a folder, or the single file.

    Raises: ``DataError``.
    """
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in ENDINGS) if data.is_dir() else [data]
    if not found:
        raise DataError("predict", f"{data} must hold images", "none", "give a file or folder of images")
    return found


def highest_shares(scores: Any) -> Any:
    """Return the share of the answer, by a softmax of its scores or a sigmoid of one score."""
    if scores.ndim == 1 or scores.shape[-1] == 1:
        return 1.0 / (1.0 + np.exp(-np.abs(scores.reshape(-1).astype(np.float64))))
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers.max(axis=-1) / powers.sum(axis=-1)
