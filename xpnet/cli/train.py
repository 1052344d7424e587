"""``xpnet train``: check the gradients, train, verify, show the result."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xpnet import __version__
from xpnet.backend import get_backend, use_backend
from xpnet.cli import options
from xpnet.datasets import check_data, load_digits, load_mnist
from xpnet.drawing.curves import learning_curve
from xpnet.errors import DataError
from xpnet.files import make_folder, written_in_place
from xpnet.gradcheck import gradient_check
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Epoch, Trainer, load, save

if TYPE_CHECKING:
    from rich.console import Console

LOADERS = {"digits": load_digits, "mnist": load_mnist}
CLASSES = 10
CHECKED_IMAGES = 3


@dataclass(frozen=True)
class Recipe:
    """The settings that suit a data set: 97 % on the digits in two seconds, the book's 10,000 steps on MNIST."""

    hidden: int
    batch_size: int
    lr: float
    epochs: int


RECIPES = {"digits": Recipe(100, 10, 0.5, 20), "mnist": Recipe(50, 100, 0.1, 17)}


@click.command()
@click.option("--dataset", type=click.Choice(list(LOADERS)), default="digits", show_default=True, help="What to learn.")
@options.backend()
@options.device
@options.dtype("float32")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training images.  [default: 20, mnist 17]")
@click.option("--batch-size", type=click.IntRange(1), help="Images per step.  [default: 10, mnist 100]")
@click.option("--lr", type=click.FloatRange(0.0, min_open=True), help="Learning rate.  [default: 0.5, mnist 0.1]")
@click.option("--hidden", type=click.IntRange(1), help="Hidden units.  [default: 100, mnist 50]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Names all random numbers.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/DATASET-TIME]")
def train(
    dataset: str,
    backend: str | None,
    device: str | None,
    dtype: str,
    seed: int,
    out: Path | None,
    **chosen: Any,
) -> None:
    """Train the book's network: check its gradients, train it, verify it, and write it to a folder."""
    recipe = Recipe(**{name: chosen[name] or default for name, default in vars(RECIPES[dataset]).items()})
    folder = out or Path("runs") / f"{dataset}-{time.strftime('%Y%m%d-%H%M%S')}"
    make_folder("train", folder)
    try:
        train_in(folder, dataset, recipe, backend or get_backend(), device, dtype, seed)
    finally:
        with suppress(OSError):  # nothing came of it, or else it is not empty
            folder.rmdir()


def train_in(
    folder: Path, dataset: str, recipe: Recipe, backend: object, device: str | None, dtype: str, seed: int
) -> None:
    """Train and verify on a backend, leaving all that comes of it in the folder."""
    from rich.console import Console

    with use_backend(backend, device=device, dtype=dtype) as current:
        console = Console(highlight=False)
        console.print(f"[bold]xpnet {__version__}[/] on {current}")
        settings = {"dataset": dataset, "backend": str(current), "seed": seed, **vars(recipe)}
        saved: list[Epoch] = []
        try:
            trainer = prepare(console, dataset, recipe, seed)
            run(console, trainer, recipe.epochs, folder, settings, saved)
            verify(console, trainer, recipe, folder)
        except KeyboardInterrupt:
            kept = f"weights and history of epoch {len(saved)} are in {folder}" if saved else "no epoch had finished"
            console.print(f"stopped: {kept}", soft_wrap=True)
            raise SystemExit(130) from None


def prepare(console: Console, dataset: str, recipe: Recipe, seed: int) -> Trainer:
    """The data, and a network whose gradients have been checked on the first images."""
    training, test = LOADERS[dataset]()
    check_data(*training, CLASSES)
    (x, t), pixels = training, training[0].shape[1]
    console.print(f"{dataset}: {x.shape[0]:,} training and {test[0].shape[0]:,} test images of {pixels} pixels\n")
    network = TwoLayerNet(pixels, recipe.hidden, CLASSES, rng=Generator(seed))
    with console.status("checking the gradients"):
        report = gradient_check(network, x[:CHECKED_IMAGES, ...], t[:CHECKED_IMAGES])
    console.print(report)
    report.raise_if_failed()
    console.print("[green]every gradient agrees with numerical differentiation[/]\n")
    return Trainer(network, SGD(recipe.lr), training, test, recipe.batch_size, Generator(seed))


def run(
    console: Console, trainer: Trainer, epochs: int, folder: Path, settings: dict[str, Any], saved: list[Epoch]
) -> None:
    """Train, with a line and a saved state per epoch, so that Ctrl-C loses only the epoch it breaks."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("training", total=len(trainer.batches) * epochs)
        for record in trainer.run(epochs, on_batch=lambda _: progress.advance(bar)):
            save(folder / "weights.safetensors", trainer.network)
            trainer.history.save(folder / "history.json", settings)
            with written_in_place(folder / "learning_curve.svg") as part:
                part.write_text(learning_curve(trainer.history.to_dicts()), encoding="utf-8")
            saved.append(record)
            progress.console.print(line(record, epochs))


def line(record: Epoch, epochs: int) -> str:
    return (
        f"epoch {record.epoch:>{len(str(epochs))}}/{epochs}  loss {record.loss:.4f}  "
        f"train {record.train_accuracy:7.2%}  test {record.test_accuracy:7.2%}  "
        f"{record.samples_per_second:>9,.0f} samples/s"
    )


def verify(console: Console, trainer: Trainer, recipe: Recipe, folder: Path) -> None:
    """Read the weights back into a new network and ask for the same accuracy."""
    x, t = trainer.test or trainer.train
    again = TwoLayerNet(x.shape[1], recipe.hidden, CLASSES, rng=Generator(1))
    load(folder / "weights.safetensors", again)
    accuracy, expected = again.accuracy(x, t), trainer.history[-1].test_accuracy
    if accuracy != expected:
        got = f"{accuracy:.2%} for {expected:.2%}"
        raise DataError("train", "the saved weights must give the accuracy of the trained", got, "train again")
    seconds = sum(record.seconds for record in trainer.history)
    console.print(f"[bold green]test accuracy {accuracy:.2%}[/] after {seconds:.1f} s of training")
    console.print(f"wrote [bold]{folder}[/]", soft_wrap=True)
    console.print("  weights.safetensors  (read back: the same accuracy)\n  history.json\n  learning_curve.svg")
