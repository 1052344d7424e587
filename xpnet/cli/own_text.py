"""``xpnet train --dataset text``: a small language model of the text that Python ships, or of a user's own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.backend import get_backend, to_numpy
from xpnet.cli.own_data import Recipe, begin, refuse_for_own, with_options
from xpnet.datasets import Dataset, load_text
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.symbols import Symbols
from xpnet.distributed import Group
from xpnet.drawing.curves import learning_curve
from xpnet.files import written_in_place
from xpnet.networks import TransformerLM
from xpnet.optimizers import Optimizer
from xpnet.random import Generator
from xpnet.training import Trainer
from xpnet.training.runs import LAST

if TYPE_CHECKING:
    from rich.console import Console

CONTEXT = 64
HEADS = 4
LAYERS = 2
WRITTEN = 300
"""The symbols that a trained model writes."""

RECIPE = Recipe((64,), 32, 3, 3)


def train_text(
    console: Console,
    path: Path | None,
    symbols: str,
    validation: float,
    chosen: dict[str, Any],
    optimizer: Optimizer,
    seed: int,
    folder: Path | None,
    overwrite: bool,
    resume: bool,
    group: Group,
) -> None:
    """Train a Transformer on a text, measure it beside what comes most often, and let it write."""
    from rich.text import Text

    if path is not None:
        refuse_for_own(path, [], "a file of text")
    data = load_text("python" if path is None else path, CONTEXT, validation, symbols)
    recipe = with_options(RECIPE, chosen)
    made: Any = data.encoding.inputs
    place = group.on_first(partial(begin, path or Path("text"), folder, overwrite, resume))
    network = TransformerLM(made.width, CONTEXT, recipe.hidden[0], HEADS, LAYERS, rng=Generator(seed))
    tell(console, path, data)
    rng = Generator(seed)
    trainer = Trainer(network, optimizer, data, None, recipe.batch_size, rng, distributed=group.size > 1)
    if path is not None:
        trainer.source = {"data": str(path.resolve())}
    try:
        trainer.fit(recipe.epochs, patience=recipe.patience, folder=place, resume=resume, progress=console)
    except KeyboardInterrupt:
        kept = f"what was trained is in {place}" if (place / LAST).is_file() else "no epoch had finished"
        raise KeyboardInterrupt(kept) from None
    if not trainer.writes:
        return
    with written_in_place(place / "learning_curve.svg") as part:
        part.write_text(learning_curve(trainer.history.to_dicts(), measure=trainer.measure or ""), encoding="utf-8")
    _, t = data.validation or data.train
    loss = min(record.watched for record in trainer.history)
    console.print(f"\n{loss:.3f} nats a symbol, as if one of {np.exp(loss):.1f} came next; without looking at what was")
    console.print(f"before it, {nats(to_numpy(data.train[1]), to_numpy(t), made.width):.3f}. It writes:\n")
    console.print(Text(written(network, made, made.text(to_numpy(t)[0]), seed)), soft_wrap=True)
    console.print(f"\nwrote {place}", soft_wrap=True)


def tell(console: Console, path: Path | None, data: Dataset) -> None:
    """Print the sizes of the data and the kind of its symbols."""
    rows, apart = (0 if part is None else part[0].shape[0] for part in (data.train, data.validation))
    name = "the text that Python ships" if path is None else path
    console.print(f"{name}: {rows:,} rows of {CONTEXT} symbols for training, {apart:,} of its end for validation")
    console.print(f"  {data.encoding.inputs}\n")


def nats(train: Any, other: Any, width: int) -> float:
    """Return the cross-entropy of symbols when each is predicted by its frequency in training."""
    counts = np.bincount(train.reshape(-1), minlength=width) + 1.0
    return float(-np.log(counts / counts.sum())[other.reshape(-1)].mean())


def written(network: TransformerLM, symbols: Symbols | BytePairs, prompt: str, seed: int, count: int = WRITTEN) -> str:
    """Return the text, continued by the network."""
    row = symbols([prompt])[0]
    made = network.generate(get_backend().asarray(row), count, temperature=0.7, rng=Generator(seed))
    return symbols.text(made)
