"""One page about a training: its curves, its network and weights, and where it is wrong; it opens without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from xpnet.backend import to_numpy
from xpnet.datasets import Classes, Images
from xpnet.drawing.plot import Panel, histogram, plot
from xpnet.drawing.text import FONT, escape_xml
from xpnet.layers import Convolution
from xpnet.layers.base import leaves
from xpnet.training.history import Epoch
from xpnet.training.progress import measured, number
from xpnet.training.runs import Run

MOST = 8
"""So many histograms, mistakes and filters in a row are shown."""


def report(run: Run, rows: Any = None, labels: Any = None) -> str:
    """The HTML of a page about a run.

    With ``rows`` and their ``labels``, as a user has them, it shows the confusion matrix and the worst mistakes of
    classes, of images as pictures, or the predicted numbers beside the right ones.
    """
    parts = [heading(run), curves(run), weights(run)]
    if rows is not None and labels is not None:
        scores = run.scores(rows)
        if isinstance(run.encoding.targets, Classes):
            parts.append(confusion(run.encoding.targets, scores, labels))
            parts.append(mistakes(run, rows, scores, labels))
        else:
            parts.append(numbers(run, scores, labels))
    title = escape_xml(run.folder.resolve().name)
    body = "\n".join(part for part in parts if part)
    return _PAGE.replace("%FONT%", FONT).replace("%TITLE%", title).replace("%BODY%", body)


def table(head: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table of HTML."""
    first = "".join(f"<th>{escape_xml(str(cell))}</th>" for cell in head)
    lines = ["".join(f"<td>{escape_xml(str(cell))}</td>" for cell in row) for row in rows]
    return f"<table><tr>{first}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def section(title: str, inside: str) -> str:
    return f"<section><h2>{escape_xml(title)}</h2>\n{inside}\n</section>"


def heading(run: Run) -> str:
    """What was trained, how, and what it came to."""
    rows = [(name.replace("_", " "), value) for name, value in run.settings.items()]
    best = min(run.history, key=lambda record: record.watched) if run.history else None
    found = [] if best is None else [("best epoch", f"{best.epoch} of {len(run.history)}"), *told(best, run.measure)]
    network = f"<pre>{escape_xml(run.network.summary())}</pre>"
    return section("Result", table(("", ""), found) + table(("", ""), rows)) + section("Network", network)


def told(record: Epoch, measure: str | None) -> list[tuple[str, str]]:
    """The numbers of a record by their names."""
    named: dict[str, float | None] = {"loss": record.loss, "validation loss": record.test_loss}
    if measure is not None:
        named |= {f"train {measure}": record.train_accuracy, f"validation {measure}": record.test_accuracy}
    named |= record.metrics
    return [(name, measured(name, value)) for name, value in named.items() if value is not None]


def curves(run: Run) -> str:
    """The loss, the measure and the metrics over the epochs."""
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
    return section("Curves", plot(panels, "Each epoch", min(len(panels), 2)))


def pair_panel(title: str, train: list[tuple[float, float]], apart: list[tuple[float, float]]) -> Panel:
    """A panel of what was measured on the rows of training and on those apart, of which there may be none."""
    series = {"training": train, "validation": apart}
    shown = {name: points for name, points in series.items() if any(value == value for _, value in points)}
    return Panel(title, shown or {"training": train}, x="epoch")


def weights(run: Run) -> str:
    """Histograms of the first parameters, and the filters of a first convolution."""
    arrays = {name: to_numpy(array).astype(np.float64) for name, array in run.network.params.items()}
    chosen = [name for name, array in arrays.items() if array.ndim > 1][:MOST]
    panels = []
    for name in chosen:
        widest = float(np.abs(arrays[name]).max()) or 1.0
        panels.append(histogram(name, arrays[name].reshape(-1), -widest, widest))
    found = section("Weights", plot(panels, "The share of values", min(len(panels), 4))) if panels else ""
    first = next((layer for layer in leaves(run.network).values() if layer.parameters), None)
    if isinstance(first, Convolution):
        W = to_numpy(first.W)
        pictures = [picture(shaded(filters), 8) for filters in W[: 4 * MOST]]
        found += section("Filters of the first layer", f'<div class="row">{"".join(pictures)}</div>')
    return found


def shaded(values: Any) -> Any:
    """An image ``(C, H, W)`` of any numbers as shades from 0 to 1."""
    low, high = float(values.min()), float(values.max())
    return (values - low) / ((high - low) or 1.0)


def picture(pixels: Any, side: int = 4, title: str = "") -> str:
    """An image ``(C, H, W)`` from 0 to 1 as SVG, a square for each pixel; of other than three channels the mean."""
    if pixels.shape[0] != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    _, height, width = pixels.shape
    levels = np.clip(np.round(255 * pixels), 0, 255).astype(int)
    squares = [
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="#{levels[0, y, x]:02x}{levels[1, y, x]:02x}'
        f'{levels[2, y, x]:02x}"/>'
        for y in range(height)
        for x in range(width)
    ]
    size = (
        f'width="{side * width}" height="{side * height}" viewBox="0 0 {width} {height}" shape-rendering="crispEdges"'
    )
    label = f"<title>{escape_xml(title)}</title>" if title else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{label}{"".join(squares)}</svg>'


def confusion(classes: Classes, scores: Any, labels: Any) -> str:
    """How often each class was taken for each."""
    t, found = classes.encode(labels), answered(scores)
    counts = np.zeros((len(classes.names),) * 2, dtype=int)
    np.add.at(counts, (t, found), 1)
    right = np.trace(counts) / max(counts.sum(), 1)
    lines = []
    for k, name in enumerate(classes.names):
        cells = [
            f'<td class="{"right" if k == j else "wrong" if count else ""}" '
            f'style="--share:{count / max(counts[k].sum(), 1):.2f}">{count}</td>'
            for j, count in enumerate(counts[k])
        ]
        lines.append(f"<tr><th>{escape_xml(name)}</th>{''.join(cells)}</tr>")
    head = "".join(f"<th>{escape_xml(name)}</th>" for name in classes.names)
    text = f"<p>{right:.2%} of {counts.sum():,} rows are right; rows are what is so, columns what was answered.</p>"
    whole = f'<table class="confusion"><tr><th></th>{head}</tr>{"".join(lines)}</table>'
    return section("Confusion matrix", f'{text}<div class="wide">{whole}</div>')


def answered(scores: Any) -> Any:
    """The places of the classes that scores answer."""
    if scores.ndim == 1 or scores.shape[-1] == 1:
        return (scores.reshape(len(scores)) > 0.0).astype(int)
    return scores.argmax(axis=-1)


def mistakes(run: Run, rows: Any, scores: Any, labels: Any) -> str:
    """The rows that are most surely wrong: images as pictures, rows of a table by their numbers."""
    classes, images = run.encoding.targets, run.encoding.inputs
    if not isinstance(classes, Classes) or scores.ndim != 2 or scores.shape[1] < 2:
        return ""
    t, found = classes.encode(labels), answered(scores)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    order = [int(i) for i in np.argsort(shares[np.arange(len(t)), t]) if found[i] != t[i]][:MOST]
    if not order:
        return section("Mistakes", "<p>None: every row is right.</p>")
    texts = [f"{classes.names[t[i]]}, taken for {classes.names[found[i]]} ({shares[i, found[i]]:.0%})" for i in order]
    if isinstance(images, Images):
        x = images([rows[i] for i in order] if isinstance(rows, list | tuple) else rows[np.asarray(order)])
        shown = [
            f"<figure>{picture(shaded(pixels), 4, text)}<figcaption>{escape_xml(text)}</figcaption></figure>"
            for pixels, text in zip(x, texts, strict=True)
        ]
        return section("Worst mistakes", f'<div class="row">{"".join(shown)}</div>')
    return section("Worst mistakes", table(("row", "mistake"), zip(order, texts, strict=True)))


def numbers(run: Run, scores: Any, labels: Any) -> str:
    """The predicted numbers beside the right ones, and their errors."""
    found = run.encoding.answers(scores)
    t = np.asarray(to_numpy(labels) if hasattr(labels, "dtype") else labels, dtype=np.float64).reshape(-1)
    error = found - t
    order = np.argsort(t)
    panel = Panel(
        "sorted by the right number",
        {
            "predicted": list(zip(range(len(t)), found[order], strict=True)),
            "right": list(zip(range(len(t)), t[order], strict=True)),
        },
        x="row",
    )
    spread = float(np.abs(error).max()) or 1.0
    panels = [panel, histogram("error", error, -spread, spread)]
    facts: Mapping[str, float] = {"mean error": np.abs(error).mean(), "root of mean square": np.sqrt((error**2).mean())}
    rows = [(name, number(float(value))) for name, value in facts.items()]
    return section("Predictions", table(("", ""), rows) + plot(panels, "Predictions", 2))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%TITLE%</title>
<style>
body { font: 15px/1.5 %FONT%; margin: 0 auto; padding: 1.5rem; max-width: 64rem; color: #1d2730; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #d5dbe1 }
table { border-collapse: collapse; margin: 0 2rem 1rem 0; display: inline-table; vertical-align: top }
th, td { padding: .2rem .7rem; text-align: left } td:not(:first-child) { font-variant-numeric: tabular-nums }
.confusion td { text-align: right; background: color-mix(in srgb, #fff, #d9580d calc(var(--share) * 60%)) }
.confusion td.right { background: color-mix(in srgb, #fff, #1f6fb4 calc(var(--share) * 55%)) }
pre { overflow-x: auto; font-size: 13px } .wide { overflow-x: auto }
.row { display: flex; flex-wrap: wrap; gap: .8rem } figure { margin: 0; max-width: 10rem; font-size: 13px }
section > svg { max-width: 100%; height: auto }
</style>
</head>
<body>
<h1>%TITLE%</h1>
%BODY%
</body>
</html>
"""
