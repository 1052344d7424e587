"""``xpnet train``: check the gradients, train, verify, show the result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from xpnet import __version__
from xpnet.backend import Backend, get_backend, make_backend, use_backend
from xpnet.cli import options
from xpnet.cli.console import make_console, narrow
from xpnet.cli.own_data import SIDE, kinds_of, own_optimizer, train_own
from xpnet.cli.own_text import train_text
from xpnet.cli.ranks import ranks
from xpnet.datasets import check_data
from xpnet.datasets.catalogue import CATALOGUE, TEXT
from xpnet.datasets.texts import KINDS
from xpnet.distributed import Group
from xpnet.drawing.curves import learning_curve
from xpnet.errors import ArgumentError, DataError
from xpnet.files import make_folder, written_in_place
from xpnet.gradcheck import gradient_check
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, Optimizer, RMSprop
from xpnet.random import Generator
from xpnet.training import Epoch, Trainer, load, save

if TYPE_CHECKING:
    from rich.console import Console

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion)
}
OF_DATA = ("target", "kinds", "task", "validation", "size")
"""The options that apply only to a user's own data."""

TEXT_SHARE = 0.1
"""The share of a text that is kept apart."""

CHECKED_IMAGES = 3
CHECKED_WEIGHTS = 50_000  # of more, random directions are checked and not every one
HUGE = 1e5  # losses above this are written with an exponent


@dataclass(frozen=True)
class Recipe:
    """The settings for a data set: 97 % on the digits in two seconds, the book's 10,000 steps on MNIST.

    ``lr`` is that of SGD.
    """

    hidden: int
    batch_size: int
    lr: float
    epochs: int
    optimizer: str = "sgd"


LIKE_MNIST = Recipe(50, 100, 0.1, 17)
OF_COLOURS = Recipe(256, 100, 0.05, 10, "adam")
RECIPES = {
    "digits": Recipe(100, 10, 0.5, 20),
    **dict.fromkeys(("mnist", "fashion-mnist", "kmnist"), LIKE_MNIST),
    **dict.fromkeys(("cifar10", "cifar100"), OF_COLOURS),
}


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


def recipe_for(dataset: str, chosen: dict[str, Any]) -> Recipe:
    """Return the recipe of a data set with the given options."""
    recipe = replace(RECIPES[dataset], **{name: value for name, value in chosen.items() if value})
    if chosen["lr"] or recipe.optimizer == "sgd":
        return recipe
    if recipe.optimizer in ("momentum", "nesterov"):
        return replace(recipe, lr=recipe.lr / 10)
    own: Any = OPTIMIZERS[recipe.optimizer]().lr
    return replace(recipe, lr=own)


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


def refuse_done(done: int, epochs: int) -> None:
    """Raise ArgumentError if no epochs are left to train."""
    if done >= epochs:
        remedy = f"ask for more, such as --epochs {2 * done}"
        raise ArgumentError("train", f"--epochs must be above the {done} that are done", epochs, remedy)


def train_in(
    folder: Path,
    settings: dict[str, Any],
    resume: Path | None,
    console: Console,
    group: Group | None = None,
) -> None:
    """Train and verify, in one process or in all of a group, and write all results to the folder."""
    from rich.text import Text

    with use_backend(get_backend(), dtype=settings["dtype"]) as current:
        console.print(Text.assemble((f"xpnet {__version__}", "bold"), f" on {current}"))
        saved: list[Epoch] = []
        try:
            trainer = prepare(console, settings, group)
            if resume is not None:
                go_on(console, trainer, settings["epochs"], resume)
            run(console, trainer, folder, {"backend": str(current), **settings, "measure": trainer.measure}, saved)
            if group is None or group.rank == 0:
                verify(console, trainer, folder)
        except KeyboardInterrupt:
            kept = f"weights and history of epoch {len(saved)} are in {folder}" if saved else "no epoch had finished"
            raise KeyboardInterrupt(kept) from None


def prepare(console: Console, settings: dict[str, Any], group: Group | None = None) -> Trainer:
    """Load the data, make a network, and check its gradients on the first images."""
    from rich.text import Text

    dataset, seed, lr = settings["dataset"], settings["seed"], settings["lr"]
    optimizer, known = OPTIMIZERS[settings["optimizer"]](lr), CATALOGUE[dataset]
    if group is not None:
        group.on_first(lambda: known.load() and None)  # it may download what the others then find
    training, test = known.load()
    check_data(*training, known.classes)
    (x, t), pixels = training, training[0].shape[1]
    console.print(f"{dataset}: {x.shape[0]:,} training and {test[0].shape[0]:,} test images of {pixels} pixels\n")
    network = TwoLayerNet(pixels, settings["hidden"], known.classes, rng=Generator(seed))
    with console.status(Text("checking the gradients")):
        mode = "every" if pixels * settings["hidden"] <= CHECKED_WEIGHTS else "directions"
        report = gradient_check(network, x[:CHECKED_IMAGES, ...], t[:CHECKED_IMAGES], mode=mode)
    console.print(report)
    report.raise_if_failed()
    console.print("every gradient agrees with numerical differentiation\n", style="green")
    rng, alone = Generator(seed), group is None
    return Trainer(network, optimizer, training, test, settings["batch_size"], rng, distributed=not alone)


def go_on(console: Console, trainer: Trainer, epochs: int, folder: Path) -> None:
    """Bring the Trainer to the point at which the training in the folder stopped."""
    trainer.resume(folder / "checkpoint.safetensors")
    refuse_done(len(trainer.history), epochs)
    console.print(f"going on after epoch {len(trainer.history)}")


def run(console: Console, trainer: Trainer, folder: Path, settings: dict[str, Any], saved: list[Epoch]) -> None:
    """Train, with a line and a saved state per epoch, so that Ctrl-C loses only the current epoch."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    epochs, saved[:] = settings["epochs"], trainer.history
    console.print(f"train and test are the {trainer.measure} on the images of each")
    to_do = epochs - len(saved)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("training", total=len(trainer.batches) * to_do)
        for record in trainer.run(to_do, on_batch=lambda _: progress.advance(bar)):
            trainer.save(folder / "checkpoint.safetensors")
            if trainer.writes:
                save(folder / "weights.safetensors", trainer.network)
                trainer.history.save(folder / "history.json", settings)
                curve = learning_curve(trainer.history.to_dicts(), measure=trainer.measure)
                with written_in_place(folder / "learning_curve.svg") as part:
                    part.write_text(curve, encoding="utf-8")
            saved.append(record)
            progress.console.print(line(record, epochs, narrow(console)))


def line(record: Epoch, epochs: int, narrow: bool = False) -> str:
    """Return a line about an epoch; a narrow one omits the training accuracy and the speed."""
    loss = f"{record.loss:.4f}" if record.loss < HUGE else f"{record.loss:.4e}"
    start = f"epoch {record.epoch:>{len(str(epochs))}}/{epochs}  loss {loss}"
    if narrow:
        return f"{start}  test {record.test_accuracy:7.2%}"
    accuracies = f"train {record.train_accuracy:7.2%}  test {record.test_accuracy:7.2%}"
    return f"{start}  {accuracies}  {record.samples_per_second:>9,.0f} samples/s"


def verify(console: Console, trainer: Trainer, folder: Path) -> None:
    """Read the weights back into a new network, and check that the accuracy is the same."""
    from rich.text import Text

    x, t = (trainer.validation or trainer.train)[:2]
    hidden, classes = trainer.network.params["W2"].shape
    again = TwoLayerNet(x.shape[1], hidden, classes, rng=Generator(1))
    load(folder / "weights.safetensors", again)
    accuracy, expected = again.accuracy(x, t), trainer.history[-1].test_accuracy
    if accuracy != expected:
        got = f"{accuracy:.2%} for {expected:.2%}"
        raise DataError("train", "the saved weights must give the accuracy of the trained ones", got, "train again")
    seconds = sum(record.seconds for record in trainer.history)
    console.print(Text.assemble((f"test accuracy {accuracy:.2%}", "bold green"), f" after {seconds:.1f} s of training"))
    console.print(Text.assemble("wrote ", (str(folder), "bold")), soft_wrap=True)
    console.print("  weights.safetensors  (read back: the same accuracy)", soft_wrap=True)
    console.print("  checkpoint.safetensors  (what --resume needs)\n  history.json\n  learning_curve.svg")
