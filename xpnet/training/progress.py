"""The progress of a training: a bar with the present loss and the time left, and a line for each epoch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xpnet.backend.threads import has_threads
from xpnet.training.history import Epoch
from xpnet.training.shown import measured, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

EVERY = 0.5
"""The seconds after which the present loss is read from the device."""


class Progress:
    """A bar for the batches of all epochs, and a line for each epoch that is done.

    The bar is drawn only in terminals and notebooks, and disappears when the training ends; a file gets whole lines
    without control codes.
    """

    def __init__(self, console: Any, first: int, last: int, batches: int | None, loss: Callable[[], float]) -> None:
        self.console: Console = make_console() if console is True else console
        self.first, self.last, self.batches, self.loss = first, last, batches, loss
        self.epoch, self.read = first, time.monotonic()
        self.bar: Bar | None = None

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        if self.console.is_terminal or self.console.is_jupyter:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
            self.bar = Bar(*columns, console=self.console, transient=True, auto_refresh=has_threads())
            total = None if self.batches is None else self.batches * (self.last - self.first + 1)
            self.task = self.bar.add_task(self._text(), total=total)
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def batch(self) -> None:
        """Advance the bar by one batch."""
        if self.bar is None:
            return
        now = time.monotonic()
        if now - self.read > EVERY:
            self.read = now
            self.bar.update(self.task, description=f"{self._text()}  loss {number(self.loss())}", refresh=True)
        self.bar.advance(self.task)

    def record(self, record: Epoch, measure: str | None) -> None:
        """Print the line of an epoch that is done."""
        width = self.console.width if self.console.is_terminal else None
        self.console.print(line(record, self.last, measure, width), soft_wrap=True)
        self.epoch = record.epoch + 1
        if self.bar is not None:
            self.bar.update(self.task, description=self._text())

    def _text(self) -> str:
        return f"epoch {min(self.epoch, self.last)}/{self.last}"


def line(record: Epoch, last: int, measure: str | None, width: int | None = None) -> str:
    """Return the results of an epoch as a line, shortened to the width if one is given."""
    parts = [f"epoch {record.epoch:>{len(str(last))}}/{last}", f"loss {number(record.loss)}"]
    if record.test_loss is not None:
        parts.append(f"validation loss {number(record.test_loss)}")
    if measure is not None:
        shown = record.train_accuracy if record.test_loss is None else record.test_accuracy
        parts.append(f"{measure} {'-' if shown is None else measured(measure, shown)}")
    metrics = [(name, value) for name, value in record.metrics.items() if not name.startswith("train ")]
    parts += [f"{name} {measured(name, value)}" for name, value in metrics]
    parts.append(f"{record.seconds:.1f} s")
    text = parts[0]
    for part in parts[1:]:
        if width is not None and len(text) + 2 + len(part) > width:
            break
        text += f"  {part}"
    return text


def make_console() -> Console:
    """Return a console that prints brackets unchanged, and without colours if ``NO_COLOR`` is set."""
    from rich.console import Console

    colours = None if os.environ.get("NO_COLOR") else "auto"
    return Console(color_system=colours, markup=False, highlight=False, emoji=False)  # type: ignore[arg-type]
