"""``xpnet train my.csv --target price`` and ``xpnet train photos/``: a description of a user's data, and a training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.core import ParameterSource

from xpnet.backend import to_numpy
from xpnet.cli.console import narrow
from xpnet.datasets import Columns, Dataset, Numbers, Table, load_images, read_table
from xpnet.distributed import Group
from xpnet.drawing.curves import learning_curve
from xpnet.errors import ArgumentError, DataError
from xpnet.files import written_in_place
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    Layer,
    MaxPooling,
    MeanSquaredError,
    Relu,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential
from xpnet.optimizers import Adam, Optimizer
from xpnet.random import Generator
from xpnet.training import Trainer
from xpnet.training.runs import BEST, LAST, RUN
from xpnet.training.shown import digits

if TYPE_CHECKING:
    from rich.console import Console

SIDE = 32
"""The default side of images, in pixels."""

SEEN = 8
"""The number of values of a target that are listed."""


@dataclass(frozen=True)
class Recipe:
    """The settings for data of a size: hidden units, batch size, epochs and patience."""

    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    patience: int


def recipe_for(rows: int, images: bool) -> Recipe:
    """Return the settings for a number of rows: few rows get small batches and many epochs, many rows wide layers."""
    batch_size = int(np.clip(2 ** round(np.log2(max(rows / 50.0, 1.0))), 8, 256))
    if images:
        return Recipe((64,), min(batch_size, 64), 100 if rows < 2_000 else 40, 10)
    if rows < 2_000:
        return Recipe((32,), batch_size, 300, 30)
    if rows < 50_000:
        return Recipe((64, 32), batch_size, 100, 10)
    return Recipe((128, 64), batch_size, 30, 5)


def with_options(recipe: Recipe, chosen: Mapping[str, Any]) -> Recipe:
    """Return a recipe with the options that were chosen."""
    given: dict[str, Any] = {name: chosen[name] for name in ("epochs", "batch_size") if chosen[name]}
    return replace(recipe, **given, hidden=(chosen["hidden"],) if chosen["hidden"] else recipe.hidden)


def train_own(
    console: Console,
    path: Path,
    wanted: dict[str, Any],
    chosen: dict[str, Any],
    optimizer: Optimizer,
    seed: int,
    folder: Path | None,
    overwrite: bool,
    resume: bool,
    group: Group,
) -> None:
    """Train on a user's data, with settings by its size unless others were chosen."""
    given = click.get_current_context().get_parameter_source("dataset") == ParameterSource.COMMANDLINE
    refuse_for_own(path, ["--dataset"] if given else [])
    options = {name: wanted[name] for name in ("validation", "task")}
    found = read_data(path, wanted["target"], wanted["kinds"], wanted["size"], options | {"rng": Generator(seed)})
    recipe = with_options(recipe_for(found.train[0].shape[0], len(found.train[0].shape) == 4), chosen)
    place = group.on_first(partial(begin, path, folder, overwrite, resume))
    try:
        distributed = group.size > 1
        train_on(console, path, found, place, recipe, optimizer, seed, resume, distributed, wanted["target"])
    except KeyboardInterrupt:
        kept = f"what was trained is in {place}" if (place / LAST).is_file() else "no epoch had finished"
        raise KeyboardInterrupt(kept) from None


def begin(path: Path, folder: Path | None, overwrite: bool, resume: bool) -> Path:
    """Return the folder of a training, emptied if it is to be overwritten.

    Raises: ``DataError`` for one that holds another training.
    """
    place = folder or Path("runs") / f"{path.resolve().stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    if (place / LAST).is_file() and not (overwrite or resume):
        remedy = f"go on with --resume {place}, begin anew with --overwrite, or name another"
        raise DataError("train", f"{place} must hold no other training", "one", remedy)
    if overwrite:
        for name in (BEST, LAST, RUN):
            (place / name).unlink(missing_ok=True)
    return place


def read_data(path: Path, target: str | None, kinds: Mapping[str, str], size: int, options: dict[str, Any]) -> Dataset:
    """Return the data in a file or folder.

    Raises: ``ArgumentError`` for a table without a target, or a folder with an option that is for tables.
    """
    if path.is_dir():
        if target is not None or kinds:
            must, got = "a folder of images must be given alone", "--target or --kind"
            raise ArgumentError("train", must, got, "leave it out: the folders name the classes")
        return load_images(path, size, options["validation"], rng=options["rng"])
    if size != SIDE:
        raise ArgumentError("train", "--size must be for a folder of images", f"--size {size}", "leave it out")
    table = read_table(path)
    if target is None:
        names = ", ".join(table.columns)
        remedy = f"such as --target {list(table.columns)[-1]}"
        raise ArgumentError("train", f"--target must name a column to learn, one of {names}", "none", remedy)
    return Dataset.of(Table.of(table), target, kinds=kinds, missing="fill", **options)


def network_for(data: Dataset, hidden: tuple[int, ...], rng: Generator) -> Sequential:
    """Return a network of Affine layers with ReLU, after convolutions for images, and with a loss for the target."""
    shape = data.train[0].shape[1:]
    layers: list[Layer] = []
    inputs = data.inputs
    if len(shape) == 3:
        channels, side = shape[0], min(shape[1:])
        height, width = shape[1:]
        for filters in (16, 32, 64):
            if side < 4:
                break
            layers += [Convolution.create(channels, filters, 3, pad=1, rng=rng), BatchNormalization.create(filters)]
            layers += [Relu(), MaxPooling(2, 2)]
            channels, side, height, width = filters, side // 2, height // 2, width // 2
        layers.append(Flatten())
        inputs = channels * height * width
    for units in hidden:
        layers += [Affine.create(inputs, units, rng=rng), Relu()]
        inputs = units
    if len(shape) == 3:
        layers.append(Dropout(0.3, rng=rng))
    loss = SoftmaxWithLoss() if data.classes is not None else MeanSquaredError()
    return Sequential(*layers, Affine.create(inputs, data.outputs, init="lecun", rng=rng), loss=loss)


def tell(console: Console, path: Path, data: Dataset) -> None:
    """Print a description of the data: its rows, its columns and their kinds, and the target."""
    rows, apart = (0 if part is None else part[0].shape[0] for part in (data.train, data.validation))
    console.print(f"{path}: {rows:,} rows for training, {apart:,} kept apart for validation")
    inputs = data.encoding.inputs
    if isinstance(inputs, Columns):
        for column in inputs.columns:
            console.print(f"  {column}", soft_wrap=True)
        console.print("  (change the kind of a column with --kind NAME=number, category, date, boolean or none)")
    else:
        console.print(f"  {inputs}")
    if data.classes is None:
        targets = data.encoding.targets
        spread = f", mean {digits(targets.mean)}, std {digits(targets.std)}" if isinstance(targets, Numbers) else ""
        console.print(f"to learn: numbers{spread}\n", soft_wrap=True)
        return
    counts = np.bincount(to_numpy(data.train[1]), minlength=len(data.classes))
    shown = [f"{name} {count:,}" for name, count in zip(data.classes, counts, strict=True)]
    more = f", and {len(shown) - SEEN} more" if len(shown) > SEEN else ""
    console.print(f"to learn: {len(shown)} classes, {', '.join(shown[:SEEN])}{more}\n", soft_wrap=True)


def train_on(
    console: Console,
    path: Path,
    data: Dataset,
    folder: Path,
    recipe: Recipe,
    optimizer: Optimizer,
    seed: int,
    resume: bool,
    distributed: bool,
    target: str | None,
) -> None:
    """Train, compare with simpler models, and write all results to a folder."""
    from rich import box
    from rich.table import Table as Lines

    tell(console, path, data)
    network = network_for(data, recipe.hidden, Generator(seed))
    console.print(network.summary(), soft_wrap=True)
    metrics, metric = (["f1"], None) if data.classes else ([], "r2")
    rng = Generator(seed)
    measured: dict[str, Any] = {"metric": metric, "metrics": metrics}
    trainer = Trainer(network, optimizer, data, None, recipe.batch_size, rng, distributed=distributed, **measured)
    trainer.source = {"data": str(path.resolve()), **({"target": target} if target else {})}
    trainer.fit(recipe.epochs, patience=recipe.patience, folder=folder, resume=resume, progress=console)
    if not trainer.writes:
        return
    with written_in_place(folder / "learning_curve.svg") as part:
        part.write_text(learning_curve(trainer.history.to_dicts(), measure=trainer.measure or ""), encoding="utf-8")
    names, rows = compared(trainer, data)
    table = Lines("", *names, box=box.SIMPLE_HEAD, pad_edge=False)
    for name, values in rows.items():
        table.add_row(name, *values, style="bold green" if name == "network" else None)
    which = "rows kept apart" if data.validation else "rows of training"
    console.print(f"\non the {which}, with the weights of the best epoch:")
    console.print(table)
    console.print(f"wrote {folder}", soft_wrap=True)
    if not narrow(console):
        console.print(f"  best.safetensors, run.json  what xpnet predict {folder} DATA answers with", soft_wrap=True)
        console.print("  last.safetensors            what --resume goes on from\n  learning_curve.svg")
        console.print(f"xpnet report {folder} writes a page about it", soft_wrap=True)


def compared(trainer: Trainer, data: Dataset) -> tuple[list[str], dict[str, list[str]]]:
    """Return a table with the accuracy or errors of the network, of the majority or the mean, and of a linear model."""
    parts = data.validation or data.train
    (x, t), (y, s) = ([to_numpy(array) for array in pair[:2]] for pair in (data.train, parts))
    scores = to_numpy(trainer.network.predict(parts[0]))
    linear = linear_scores(x, t, y, data.outputs)
    if data.classes is not None:
        most = np.bincount(t, minlength=data.outputs).argmax()
        answers = {
            f"always {data.classes[most]}": np.full(len(s), most),
            "linear": linear.argmax(axis=1),
            "network": scores.argmax(axis=1),
        }
        return ["accuracy"], {name: [f"{np.mean(found == s):.2%}"] for name, found in answers.items()}
    targets = data.encoding.targets
    std = targets.std if isinstance(targets, Numbers) else 1.0
    found = {"the mean": np.zeros_like(s), "linear": linear, "network": scores}
    spread = np.sum((s - s.mean()) ** 2) or 1.0
    rows = {}
    for name, values in found.items():
        error = (values - s).astype(np.float64)
        r2 = 1.0 - np.sum(error**2) / spread
        rows[name] = [digits(std * np.abs(error).mean()), digits(std * np.sqrt((error**2).mean())), f"{r2:.4f}"]
    return ["mean error", "root of mean square", "R²"], rows


def linear_scores(x: Any, t: Any, y: Any, outputs: int) -> Any:
    """Return the scores of rows y by least squares on x with a small penalty, on numbers or on one-hot classes."""
    ones = [np.concatenate([part.reshape(len(part), -1), np.ones((len(part), 1))], axis=1) for part in (x, y)]
    wanted = np.eye(outputs)[t] if t.ndim == 1 else t
    inner, products = ones[0].T @ ones[0], ones[0].T @ wanted
    if len(inner) > len(x):  # many pixels: the smaller system
        outer = ones[0] @ ones[0].T
        return ones[1] @ (ones[0].T @ np.linalg.solve(outer + np.eye(len(outer)), wanted))
    return ones[1] @ np.linalg.solve(inner + 1e-3 * len(x) * np.eye(len(inner)), products)


def kinds_of(given: tuple[str, ...]) -> dict[str, str]:
    """Return the options ``--kind NAME=KIND`` as a dict.

    Raises: ``ArgumentError``.
    """
    found = {}
    for text in given:
        name, sign, kind = text.rpartition("=")
        if not sign or not name:
            raise ArgumentError("train", "--kind must be NAME=KIND", repr(text), "such as --kind zip=category")
        found[name] = kind
    return found


def own_optimizer(make: Any, lr: float | None) -> Optimizer:
    """Return the chosen optimizer, or Adam."""
    made: Optimizer = Adam(lr or 1e-3) if make is None else make(lr) if lr else make()
    return made


def refuse_for_own(path: Path, names: list[str], what: str = "a CSV or Parquet file, or a folder of images") -> None:
    """Raise for options that belong to the data that ship, and for data that is missing."""
    if names:
        must, got = "options of the built-in data sets must not be given with DATA", ", ".join(names)
        raise ArgumentError("train", must, got, "leave them out")
    if not path.exists():
        must, remedy = f"{path} must be {what}", "look at its name"
        raise DataError("train", must, "nothing of that name", remedy)
