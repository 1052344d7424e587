"""``xpnet predict``: the answers of a trained network for rows or images."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.cli.own_text import written
from xpnet.datasets import Columns, Images, Symbols
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.image_folders import images_in
from xpnet.datasets.row_files import rows_in, text_in
from xpnet.errors import ArgumentError, DataError
from xpnet.files import reason, written_in_place
from xpnet.networks import TransformerLM
from xpnet.training import Run
from xpnet.training.predictions import Predictions

INPUT = "-"
"""The name of the standard input among files."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("files", type=click.Path(path_type=Path, allow_dash=True), nargs=-1, metavar="[FILE]...")
@click.option("--probabilities", is_flag=True, help="A column for each class.")
@options.as_json
@options.backend()
@options.device
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: print]")
def predict(
    run: Path,
    files: tuple[Path, ...],
    probabilities: bool,
    as_json: bool,
    backend: str | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Answer for the rows of tables, for images or for folders of images, by the network in the folder RUN.

    FILE is CSV, JSON, Parquet, an image of any size, or - for the standard input, which is read if no file is named.
    The answers are lines of CSV: file or number of the row, the label and its probability, or the number; with --json,
    an object in each line with the probabilities of all classes. A network that was trained on a text goes on writing
    after the one in FILE.
    """
    if not files and sys.stdin.isatty():
        raise click.UsageError("name a file, or write rows to the standard input")
    with use_backend(backend or get_backend(), device=device), options.warnings_in_one_line():
        opened = Run(run)
        if isinstance(opened.encoding.inputs, Symbols | BytePairs):
            put(continued(opened, files or (Path(INPUT),), as_json), out)
            return
        parts = list(answered(opened, files or (Path(INPUT),)))
    named = not isinstance(opened.encoding.inputs, Columns) or len(files) > 1
    put(as_lines(parts) if as_json else as_table(parts, named, probabilities), out)


Part = tuple[str, bool, Predictions]
"""The name of a file, whether it may hold many rows, and the answers for them."""


def answered(run: Run, files: tuple[Path, ...]) -> Iterator[Part]:
    """Yield the answers for each file."""
    for file in files:
        if isinstance(run.encoding.inputs, Images) and file.is_dir():
            names = images_in(file)
            if not names:
                raise DataError("predict", f"{file} must hold images", "none", "give a file or folder of images")
            found = Predictions.of(run.network.last_layer, run.encoding, run.scores(names))
            for row, name in enumerate(names):
                yield str(name), False, found.at(row)
            continue
        rows = rows_in(run.encoding, content_of(file), named(file))
        many = not isinstance(rows, list)
        yield named(file), many, Predictions.of(run.network.last_layer, run.encoding, run.scores(rows))


def named(file: Path) -> str:
    """Return the name of a file for messages and answers."""
    return "standard input" if str(file) == INPUT else str(file)


def content_of(file: Path) -> bytes:
    """Return the content of a file, or of the standard input.

    Raises: ``DataError``.
    """
    try:
        return sys.stdin.buffer.read() if str(file) == INPUT else file.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError("predict", f"{file} must be readable", reason(error), "look at its name") from error


def continued(run: Run, files: tuple[Path, ...], as_json: bool) -> str:
    """Return the texts in files, continued by the network.

    Raises: ``ArgumentError`` for a network that does not write.
    """
    if not isinstance(run.network, TransformerLM):
        must, got = "a network of texts must be a TransformerLM to go on writing", type(run.network).__name__
        raise ArgumentError("predict", must, got, "ask it in Python, Run(folder).scores(texts)")
    symbols: Any = run.encoding.inputs
    lines = []
    for file in files:
        text = text_in(content_of(file), named(file))
        if not text:
            raise DataError("predict", f"{named(file)} must hold a text", "none", "write some words")
        made = written(run.network, symbols, text, seed=0)
        told = {"file": named(file), "answer": made}
        lines.append(json.dumps(told, ensure_ascii=False) if as_json else made)
    return "\n".join(lines) + "\n"


def as_lines(parts: list[Part]) -> str:
    """Return answers as lines of JSON."""
    lines = []
    for name, many, found in parts:
        for row in range(len(found.answers)):
            place = {"file": name, **({"row": row} if many else {})}
            lines.append(json.dumps(place | found.of_row(row), ensure_ascii=False, allow_nan=False))
    return "\n".join(lines) + "\n"


def as_table(parts: list[Part], with_files: bool, with_all: bool) -> str:
    """Return answers as CSV."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    classes = parts[0][2].classes
    with_rows = any(many for _, many, _ in parts)
    head = [*(["file"] if with_files else []), *(["row"] if with_rows else []), "answer"]
    lines.writerow([*head, *([] if classes is None else ["probability", *(classes if with_all else [])])])
    for name, _, found in parts:
        for row, answer in enumerate(found.answers):
            values = [*([name] if with_files else []), *([row] if with_rows else []), shown(answer)]
            if found.classes is not None:
                values.append(f"{found.highest(row):.4f}")
                values += [f"{share:.4f}" for share in found.probabilities[row]] if with_all else []
            lines.writerow(values)
    return text.getvalue()


def shown(answer: Any) -> str:
    """Return an answer as a value of CSV."""
    if isinstance(answer, list):
        return " ".join(map(shown, answer))
    return f"{answer:.6g}" if isinstance(answer, float) else str(answer)


def put(text: str, out: Path | None) -> None:
    """Write a text to a file, or print it."""
    if out is None:
        sys.stdout.write(text)
        return
    with written_in_place(out) as part:
        part.write_text(text, encoding="utf-8")
