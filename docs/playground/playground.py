"""The part of the page that is Python: it runs the text of a network, and trains, steps through and checks it.

``events(ask, text, options)`` yields what there is to show as JSON; an error of the text is such an event, too.
"""

from __future__ import annotations

import json
import linecache
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import xpnet as xn
from xpnet.backend import dtype_kind, to_numpy
from xpnet.drawing.expansion import Expansion
from xpnet.drawing.plot import Panel, plot
from xpnet.random import DEFAULT
from xpnet.training import Trainer

FILE = "network.py"
ROWS = 3  # of training images in a gradient check
LARGEST = 4096  # values of an array that is shown
EVERY = 0.2  # seconds between two reports of the batches of an epoch
KINDS = {"net": "a network", "train": "the training data", "optimizer": "an optimizer"}

Event = dict[str, Any]


class MissingNameError(Exception):
    """A name that the text has to give is missing."""


class Playground:
    """The text that was run last, and what it has made; ``tell`` is called with events of a batch."""

    def __init__(self, tell: Callable[[str], Any]) -> None:
        self.tell = tell
        self.text: str | None = None
        self.names: dict[str, Any] = {}
        self.asked = {"train": self.train, "step": self.step, "check": self.check}

    def events(self, ask: str, text: str, options: str = "{}") -> Iterator[str]:
        """Yield the events of a question as JSON; whatever the text raises is the last one."""
        try:
            for event in self.asked[ask](text, **json.loads(options)):
                yield json.dumps(event)
        except GeneratorExit:
            raise
        except BaseException as error:
            if ask == "train":
                self.text = None  # a network that has stopped halfway is made anew
            yield json.dumps({"kind": "error", **explained(error)})

    def run(self, text: str, anew: bool = False) -> None:
        """Run the text, unless what it has made is still there."""
        if text == self.text and not anew:
            return
        self.text, self.names = None, {"__name__": "network"}
        linecache.cache[FILE] = (len(text), None, text.splitlines(keepends=True), FILE)
        xn.set_backend("numpy", dtype="float32")
        DEFAULT.index = 0
        exec(compile(text, FILE, "exec"), self.names)
        self.text = text

    def named(self, name: str) -> Any:
        if name not in self.names:
            raise MissingNameError(f"The text must make {KINDS[name]} and name it {name}.")
        return self.names[name]

    def train(self, text: str, width: float = 320.0) -> Iterator[Event]:
        """Yield the curves of loss and accuracy after every epoch of a new training."""
        self.run(text, anew=True)
        batch_size, epochs = self.names.get("batch_size", 30), self.names.get("epochs", 10)
        net, optimizer, train = self.named("net"), self.named("optimizer"), self.named("train")
        metric = accuracy if dtype_kind(train[1]) == "integer" else None
        trainer = Trainer(net, optimizer, train, self.names.get("test"), batch_size, metric=metric)
        said = time.monotonic()

        def heard(batch: int) -> None:
            nonlocal said
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                done = (batch - 1) % trainer.batches.length + 1
                self.tell(json.dumps({"kind": "batch", "done": done, "of": trainer.batches.length}))

        for epoch in trainer.run(epochs, on_batch=heard):
            history = trainer.history.columns()

            def curve(name: str, values: Any = history) -> list[tuple[float, float]]:
                return list(zip(values["epoch"], values[name], strict=True))

            loss = Panel("", {"loss": curve("loss")}, "epoch")
            measured = {name: curve(f"{name}_accuracy") for name in ("train", "test")}
            shares = {name: values for name, values in measured.items() if np.isfinite(values[-1][1])}
            pictures = [plot([loss], "Loss", width=width)]
            if shares:
                pictures.append(plot([Panel("", shares, "epoch", bounds=(0.0, 1.0))], "Accuracy", width=width))
            numbers = {"loss": epoch.loss, "train": epoch.train_accuracy, "test": epoch.test_accuracy}
            yield {"kind": "epoch", "epoch": epoch.epoch, "of": epochs, "pictures": pictures, **numbers}

    def step(self, text: str, row: int = 0) -> Iterator[Event]:
        """Yield the page that steps through the graph of one image, and the arrays of each step."""
        self.run(text)
        part = "test" if self.names.get("test") is not None else "train"
        x, t = self.named(part)
        row %= x.shape[0]
        net = self.named("net")
        loss = net.loss(xn.Variable(x[row : row + 1, ...], name="x"), t[row : row + 1, ...])
        loss.backward()
        label = f", a {int(t[row])}" if dtype_kind(t) == "integer" else ""
        title = f"Row {row} of {part}{label}"
        yield {"kind": "graph", "html": xn.draw(loss, title=title).html(), "arrays": arrays(loss), "row": row}

    def check(self, text: str) -> Iterator[Event]:
        """Yield the report of a gradient check of the network on a few training images."""
        self.run(text)
        x, t = self.named("train")
        report = xn.gradient_check(self.named("net"), x[:ROWS, ...], t[:ROWS, ...], mode="directions")
        failed = [row for row in report.rows if row.status == "fail"]
        causes = dict.fromkeys(cause for row in failed for cause in row.causes or ("no known pattern",))
        rows = [
            {
                "name": row.name,
                "shape": " x ".join(map(str, row.shape)),
                "difference": row.max_rel,
                "status": row.status,
            }
            for row in report.rows
        ]
        yield {"kind": "report", "ok": report.ok, "rows": finite(rows), "causes": list(causes), "images": ROWS}


def accuracy(scores: Any, t: Any) -> float:
    """Return the share of rows whose highest score is that of their label."""
    return float(np.mean(np.argmax(to_numpy(scores), axis=-1) == to_numpy(t)))


def finite(rows: list[Event]) -> list[Event]:
    """Return the rows with None for a difference that is none, since JSON has no NaN."""
    return [row if np.isfinite(row["difference"]) else row | {"difference": None} for row in rows]


def arrays(loss: xn.Variable) -> list[Event]:
    """Return the arrays on the arrows of the graph, with the step in which each value and derivative becomes known.

    The steps are those of the page: the inputs, each layer forward, the derivative of the loss, each layer backward.
    """
    tape = Expansion(loss.node, expand=False)
    *nodes, _ = tape.nodes()
    working = [node for node in (*nodes, loss.node) if node.rule is not None]
    place = {id(node): step for step, node in enumerate(working, start=1)}
    last, found = len(working), []
    for node in nodes:
        used = min(place[id(user)] for user in working if any(node is operand for operand in tape.inputs(user)))
        value, derivative = (None if each is None else to_numpy(each) for each in (node.value, node.gradient))
        if value is not None and value.size <= LARGEST:
            steps = {"forward": place.get(id(node), 0), "backward": 2 * last + 2 - used}
            shown = {"value": listed(value), "derivative": [] if derivative is None else listed(derivative)}
            found.append({"name": node.name or "x", **steps, **shown})
    return found


def listed(values: Any) -> list[float]:
    """Return the values as a list, with 0 for those that are not finite, since JSON has none."""
    return [float(f"{value:.4g}") for value in np.nan_to_num(np.ravel(values), posinf=0.0, neginf=0.0).tolist()]


def explained(error: BaseException) -> Event:
    """Return an error as a person reads it: what it says, and the line of the text that it comes from."""
    line, place = None, ""
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line, words = error.lineno, f"{error.msg[:1].upper()}{error.msg[1:]}."
    else:
        own = [(at, frame) for frame, at in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == FILE]
        if own:
            line, frame = own[-1]
            place = "" if frame.f_code.co_name == "<module>" else frame.f_code.co_qualname
        kind = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
        words = str(error) if isinstance(error, MissingNameError) else f"{kind}: {error}" if str(error) else kind
        words = "The text has ended Python, by exit() or the like." if isinstance(error, SystemExit) else words
    return {"text": words, "line": line, "place": place}


def versions() -> str:
    return f"Python {platform.python_version()}, NumPy {np.__version__}, xpnet {xn.__version__}"
