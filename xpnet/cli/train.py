"""``xpnet train``: check the gradients, train, verify, show the result."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from xpnet.backend import Backend, get_backend, make_backend
from xpnet.cli import options
from xpnet.cli.console import make_console
from xpnet.cli.known_data import refuse_done, train_in
from xpnet.cli.own_data import SIDE, kinds_of, own_optimizer, train_own
from xpnet.cli.own_text import train_text
from xpnet.cli.ranks import ranks
from xpnet.cli.recipes import recipe_for
from xpnet.datasets.catalogue import CATALOGUE, TEXT
from xpnet.datasets.texts import KINDS
from xpnet.errors import DataError
from xpnet.files import make_folder
from xpnet.optimizers import OPTIMIZERS

OF_DATA = ("target", "kinds", "task", "validation", "size")
"""The options that apply only to a user's own data."""

TEXT_SHARE = 0.1
"""The share of a text that is kept apart."""


@click.command()
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option("--target", metavar="NAME", help="The column to learn, of a table DATA.")
@click.option(
    "--kind", "kinds", multiple=True, metavar="NAME=KIND", help="The kind of a column, if not the detected one."
)
@click.option("--task", type=click.Choice(["classes", "numbers"]), help="The kind of target.  [default: by its values]")
@click.option(
    "--validation",
    type=options.Number(0.0, 1.0, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of DATA kept apart.",
)
@click.option("--size", type=options.Whole(4), default=SIDE, show_default=True, help="Side of images, in pixels.")
@click.option(
    "--dataset",
    type=click.Choice([*CATALOGUE, TEXT]),
    default="digits",
    show_default=True,
    help="Data to learn; `xpnet data` lists what is here. With text, DATA may be a text file.",
)
@click.option("--symbols", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="Symbols of a text.")
@options.backend()
@options.device
@options.dtype("float32")
@click.option(
    "--epochs",
    type=options.Whole(1),
    help="Passes over the training rows.  [default: digits 20, mnist 17, cifar 10, text 3; by the size of DATA]",
)
@click.option(
    "--batch-size",
    type=options.Whole(1),
    help="Rows per step.  [default: digits 10, mnist 100, text 32; by the size of DATA]",
)
@click.option(
    "--optimizer",
    type=click.Choice(list(OPTIMIZERS)),
    help="How to descend.  [default: sgd; adam on DATA, cifar and text]",
)
@click.option(
    "--lr",
    type=options.Number(0.0, min_open=True),
    help="Learning rate.  [default: digits 0.5, mnist 0.1; a tenth with momentum or nesterov; else its own]",
)
@click.option(
    "--hidden",
    type=options.Whole(1),
    help="Hidden units.  [default: digits 100, mnist 50, cifar 256, text 64; by the size of DATA]",
)
@click.option("--seed", type=options.Whole(0), default=0, show_default=True, help="Names all random numbers.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/DATASET-TIME]")
@click.option("--overwrite", is_flag=True, help="Begin anew in a folder that holds a training.")
@click.option("--resume", type=click.Path(path_type=Path), help="Folder of a training to go on with, up to --epochs.")
@click.option("--distributed", is_flag=True, help="Train with all processes that mpiexec has started.")
@options.timeout
@options.quiet
def train(
    data: Path | None,
    target: str | None,
    kinds: tuple[str, ...],
    task: str | None,
    validation: float,
    size: int,
    dataset: str,
    symbols: str,
    backend: str | None,
    device: str | None,
    dtype: str,
    seed: int,
    out: Path | None,
    overwrite: bool,
    resume: Path | None,
    distributed: bool,
    timeout: float,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Train on DATA, or the book's network on images that ship: check its gradients, train, verify and write it.

    DATA is a table, a CSV or Parquet file with a --target among its columns, or a folder of images with a folder for
    each class. The columns or classes are described, the network has a size that suits the data, and the result is
    compared with that of a linear model. With --dataset text, DATA is a text file, or a text that Python ships.
    """

    def own_backend() -> Backend:
        return make_backend(backend or get_backend(), device, dtype)

    source = click.get_current_context().get_parameter_source
    given = {name for name in (*OF_DATA, "symbols") if source(name) == ParameterSource.COMMANDLINE}
    if "symbols" in given and dataset != TEXT:
        raise click.UsageError("--symbols is for --dataset text")
    if data is not None or dataset == TEXT:
        make = OPTIMIZERS[chosen["optimizer"]] if chosen["optimizer"] else None
        optimizer = own_optimizer(make, chosen["lr"])
        with ranks(distributed, own_backend, timeout) as group:
            console = make_console(quiet or group.rank > 0)
            common = (chosen, optimizer, seed, resume or out, overwrite, bool(resume), group)
            if dataset == TEXT:
                refuse_lost(given - {"symbols", "validation"}, "a table or a folder of images")
                train_text(console, data, symbols, validation if "validation" in given else TEXT_SHARE, *common)
            elif data is not None:
                wanted = {"target": target, "kinds": kinds_of(kinds), "task": task, "size": size}
                train_own(console, data, {**wanted, "validation": validation}, *common)
        return
    refuse_lost(given, "DATA: name a table or a folder of images")
    settings = {"dataset": dataset, "dtype": dtype, "seed": seed, **asdict(recipe_for(dataset, chosen))}
    given = {name for name in settings if source(name) == ParameterSource.COMMANDLINE}
    if resume is not None and given - {"epochs"}:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given - {"epochs"}))
        raise click.UsageError(f"--resume goes on with the settings of that training: leave out {names}")
    with ranks(distributed, own_backend, timeout) as group:
        folder, settings = group.on_first(partial(begin, settings, given, out, resume, overwrite))
        try:
            console = make_console(quiet or group.rank > 0)
            train_in(folder, settings, resume, console, group if distributed else None)
        finally:
            if group.rank == 0:  # the others end before it has written
                with suppress(OSError):  # the folder stays if it is not empty
                    folder.rmdir()


def refuse_lost(names: set[str], what: str) -> None:
    """Raise for options that would be lost."""
    if names:
        name = next(name for name in OF_DATA if name in names)
        raise click.UsageError(f"--{name.removesuffix('s')} is for {what}")


def begin(
    settings: dict[str, Any], given: set[str], out: Path | None, resume: Path | None, overwrite: bool
) -> tuple[Path, dict[str, Any]]:
    """Make the folder of a training, and return it with the settings, given or from the training to resume.

    Raises: ``DataError`` for a folder that cannot be written, or holds another training; as ``settings_of``.
    """
    if resume is not None:
        before, done = settings_of(resume, settings.keys())
        settings = before | {name: settings[name] for name in given}
        refuse_done(done, settings["epochs"])
    folder = out or resume or Path("runs") / f"{settings['dataset']}-{time.strftime('%Y%m%d-%H%M%S')}"
    make_folder("train", folder)
    if folder != resume and not overwrite and (folder / "history.json").is_file():
        remedy = f"go on with --resume {folder}, begin anew with --overwrite, or name another"
        raise DataError("train", f"{folder} must hold no other training", "one", remedy)
    return folder, settings


def settings_of(folder: Path, names: Iterable[str]) -> tuple[dict[str, Any], int]:
    """Return the settings of a training that was begun, and the number of its epochs.

    Raises: ``DataError`` where its folder does not have them.
    """
    try:
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        settings = history["settings"]
        CATALOGUE[settings["dataset"]], OPTIMIZERS[settings["optimizer"]]  # both must be known
        return {name: settings[name] for name in names}, len(history["epochs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        must = f"{folder} must be the folder of a training"
        got = error if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise DataError("train", must, got, "give one that xpnet train has written") from error
