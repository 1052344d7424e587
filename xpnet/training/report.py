"""A page about a training: its curves, its network and weights, and its mistakes; it opens offline."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import get_backend, to_numpy
from xpnet.drawing.plot import Panel, histogram
from xpnet.drawing.text import escape_xml
from xpnet.layers import Convolution
from xpnet.layers.base import leaves
from xpnet.networks.summary import count, rows_of
from xpnet.training.answers import WIDE, answers
from xpnet.training.history import Epoch
from xpnet.training.insides import MOST, NARROW, first_of, insides
from xpnet.training.page import cards, figure, page, row, section, shaded, table
from xpnet.training.rows import Preparation
from xpnet.training.runs import Run
from xpnet.training.shown import measured

FILTERS = 32
"""The number of filters of the first layer that are shown."""

LOOKED_AT = 256
"""The number of rows whose activations and gradients are shown."""


def report(run: Run, rows: Any = None, labels: Any = None, of: str = "") -> str:
    """Return the HTML of a page about a run.

    With ``rows`` and their ``labels``, as a user has them, it shows the confusion matrix and the worst mistakes of
    classes, as pictures for images, or predicted next to right numbers; and the outputs, gradients and attention of
    the layers. ``of`` describes the rows.
    """
    parts = [heading(run), curves(run), weights(run)]
    if rows is not None and labels is not None:
        x = run.encoding.x(rows)
        x = to_numpy(x) if not isinstance(x, np.ndarray) else x
        scores = to_numpy(run.network.predict(get_backend().asarray(x)))
        parts.append(section("Rows", f"<p>{escape_xml(of)}</p>") if of else "")
        parts += answers(run.network, run.encoding, x, scores, labels)
        make = Preparation("report", run.network, run.encoding)
        t = run.encoding.t(labels)[:LOOKED_AT]
        few = make.rows("rows", (get_backend().asarray(x[:LOOKED_AT]), get_backend().asarray(t)))
        parts += insides(run.network, few.x, few.t)
    return page(run.folder.resolve().name, parts)


def heading(run: Run) -> str:
    """Return the sections with settings, results and the network."""
    rows = [(name.replace("_", " "), value) for name, value in run.settings.items()]
    best = min(run.history, key=lambda record: record.watched) if run.history else None
    found = [] if best is None else [("best epoch", f"{best.epoch} of {len(run.history)}"), *told(best, run.measure)]
    lines = [(name.replace("  ", "\u00a0\u00a0\u00a0"), *others) for name, *others in rows_of(run.network)]
    network = table(("layer", "kind", "parameters", "count"), [*lines, ("total", "", "", f"{count(run.network):,}")])
    return section("Result", row([table(("", ""), found), table(("", ""), rows)])) + section("Network", network)


def told(record: Epoch, measure: str | None) -> list[tuple[str, str]]:
    """Return the numbers of a record by their names."""
    named: dict[str, float | None] = {"loss": record.loss, "validation loss": record.test_loss}
    if measure is not None:
        named |= {f"train {measure}": record.train_accuracy, f"validation {measure}": record.test_accuracy}
    named |= record.metrics
    return [(name, measured(name, value)) for name, value in named.items() if value is not None]


def curves(run: Run) -> str:
    """Return the section with the loss, the measure and the metrics over the epochs."""
    if not run.history:
        return ""

    def points(of: Any) -> list[tuple[float, float]]:
        found = [(record.epoch, of(record)) for record in run.history]
        return [(epoch, float("nan") if value is None else value) for epoch, value in found]

    panels = [pair_panel("loss", points(lambda r: r.loss), points(lambda r: r.test_loss))]
    if run.measure is not None:
        train, apart = points(lambda r: r.train_accuracy), points(lambda r: r.test_accuracy)
        panels.append(pair_panel(run.measure, train, apart))
    for name in [name for name in run.history[-1].metrics if not name.startswith("train ")]:
        apart = points(lambda r, name=name: r.metrics.get(name))
        panels.append(pair_panel(name, points(lambda r, name=name: r.metrics.get(f"train {name}")), apart))
    return section("Curves", cards(panels, WIDE))


def pair_panel(title: str, train: list[tuple[float, float]], apart: list[tuple[float, float]]) -> Panel:
    """Return a panel with the values on the training rows and, if there are any, on the validation rows."""
    series = {"training": train, "validation": apart}
    shown = {name: points for name, points in series.items() if any(value == value for _, value in points)}
    return Panel(title, shown or {"training": train}, x="epoch")


def weights(run: Run) -> str:
    """Return histograms of the first parameters, and the filters if the first layer is a convolution."""
    arrays = {name: to_numpy(array).astype(np.float64) for name, array in run.network.params.items()}
    panels = []
    matrices = [name for name, array in arrays.items() if array.ndim > 1]
    of_all = first_of(len(matrices))
    for name in matrices[:MOST]:
        widest = float(np.abs(arrays[name]).max()) or 1.0
        panels.append(histogram(name, arrays[name].reshape(-1), -widest, widest))
    found = section("Weights", f"<p>The share of values{of_all}.</p>{cards(panels, NARROW)}") if panels else ""
    first = next((layer for layer in leaves(run.network).values() if layer.parameters), None)
    if isinstance(first, Convolution) and first.axes == 2:
        W = to_numpy(first.W)[:FILTERS]
        side = max(4, 48 // W.shape[3])
        found += section(
            "Filters of the first layer", f'<div class="filters">{row(figure(shaded(w), "", side) for w in W)}</div>'
        )
    return found
