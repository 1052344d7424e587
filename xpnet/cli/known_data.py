"""Training of the book's network on a data set that is known by name: check its gradients, train it, verify it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet import __version__
from xpnet.backend import get_backend, to_numpy, use_backend
from xpnet.cli.console import narrow
from xpnet.datasets import Classes, Encoding, Images, check_data
from xpnet.datasets.catalogue import CATALOGUE, Known
from xpnet.datasets.images import STUDIED
from xpnet.distributed import Group
from xpnet.drawing.curves import learning_curve
from xpnet.errors import ArgumentError, DataError
from xpnet.files import written_in_place
from xpnet.gradcheck import gradient_check
from xpnet.languages import say
from xpnet.networks import TwoLayerNet
from xpnet.optimizers.by_name import OPTIMIZERS
from xpnet.random import Generator
from xpnet.training import Epoch, Trainer, load, save
from xpnet.training.runs import write_run

if TYPE_CHECKING:
    from rich.console import Console

CHECKED_IMAGES = 3
CHECKED_WEIGHTS = 50_000  # of more, random directions are checked and not every one
HUGE = 1e5  # losses above this are written with an exponent


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
        console.print(Text.assemble((f"xpnet {__version__}", "bold"), say(f" on {current}")))
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
    with console.status(Text(say("checking the gradients"))):
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
    trainer.encoding = encoding_of(CATALOGUE[settings["dataset"]], trainer.train[0])
    console.print(f"train and test are the {trainer.measure} on the images of each")
    to_do = epochs - len(saved)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(say("training"), total=len(trainer.batches) * to_do)
        for record in trainer.run(to_do, on_batch=lambda _: progress.advance(bar)):
            trainer.save(folder / "checkpoint.safetensors")
            if trainer.writes:
                save(folder / "weights.safetensors", trainer.network)
                trainer.history.save(folder / "history.json", settings)
                encoding = trainer.kept_encoding
                write_run(folder, trainer.network, settings, trainer.measure, encoding, trainer.history)
                curve = learning_curve(trainer.history.to_dicts(), measure=trainer.measure)
                with written_in_place(folder / "learning_curve.svg") as part:
                    part.write_text(curve, encoding="utf-8")
            saved.append(record)
            progress.console.print(line(record, epochs, narrow(console)))


def encoding_of(known: Known, x: Any) -> Encoding:
    """Return the encoding of images that were trained on as rows of shades from 0 to 1, ``x (N, C H W)``."""
    channels, height, width = known.shape
    pixels = (
        np.round(255.0 * to_numpy(x[: min(STUDIED, x.shape[0]), ...]))
        .astype(np.uint8)
        .reshape(-1, channels, height, width)
    )
    images = Images.like(pixels, [0.0] * channels, [1.0] * channels, flat=True)
    return Encoding(images, Classes(list(known.names), "text" if known.labels else "integer"))


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
    console.print(
        Text.assemble((say(f"test accuracy {accuracy:.2%}"), "bold green"), say(f" after {seconds:.1f} s of training"))
    )
    console.print(Text.assemble(say("wrote "), (str(folder), "bold")), soft_wrap=True)
    console.print("  weights.safetensors  (read back: the same accuracy)", soft_wrap=True)
    console.print("  checkpoint.safetensors  (what --resume needs)\n  history.json\n  learning_curve.svg")
    console.print(f"  run.json  (with the weights, what xpnet predict {folder} IMAGE answers with)", soft_wrap=True)
