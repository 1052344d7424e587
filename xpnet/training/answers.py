"""The mistakes of a network: its answers for rows next to the right ones, as sections of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xpnet.backend import to_numpy
from xpnet.datasets import Classes, Numbers, Symbols
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.drawing.plot import Panel, histogram
from xpnet.drawing.text import escape_xml
from xpnet.layers import SigmoidWithLoss, SoftmaxWithLoss
from xpnet.networks import Network
from xpnet.training.page import cards, figure, row, section, shaded, table
from xpnet.training.shown import digits

MOST = 8
"""The number of mistakes that are shown."""

WIDE = 497.0


def answers(network: Network, encoding: Any, x: Any, scores: Any, labels: Any) -> list[str]:
    """Return the sections on rows x and their scores, on the host, next to labels as the user has them."""
    if isinstance(encoding.inputs, Symbols | BytePairs):
        return [texts(encoding.inputs, scores, np.asarray(labels))]
    classes = classes_of(network, encoding.targets, scores, labels)
    if classes is None:
        return [numbers(encoding, scores, labels)]
    shares = shares_of(scores)
    t = classes.encode(labels)
    return [confusion(classes, shares, t), mistakes(classes, x, shares, t)]


def classes_of(network: Network, targets: Any, scores: Any, labels: Any) -> Classes | None:
    """Return the classes that are learnt, numbered if they have no names, or None if numbers are learnt."""
    if isinstance(targets, Classes | Numbers):
        return targets if isinstance(targets, Classes) else None
    indices = np.asarray(labels).dtype.kind in "iub" and np.ndim(labels) == 1
    if not indices or scores.ndim > 2 or not isinstance(network.last_layer, SoftmaxWithLoss | SigmoidWithLoss):
        return None
    return Classes([str(k) for k in range(max(shares_of(scores).shape[1], 2))])


def shares_of(scores: Any) -> Any:
    """Return the share of each class, ``(N, K)``, by the softmax of scores, or by the sigmoid of a single score."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim == 1 or scores.shape[-1] == 1:
        one = scores.reshape(-1, 1)
        scores = np.concatenate([np.zeros_like(one), one], axis=1)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Any = powers / powers.sum(axis=-1, keepdims=True)
    return found


def confusion(classes: Classes, shares: Any, t: Any) -> str:
    """Return the section with the confusion matrix."""
    counts = np.zeros((len(classes.names),) * 2, dtype=int)
    np.add.at(counts, (t, shares.argmax(axis=1)), 1)
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
    text = f"<p>{right:.2%} of {counts.sum():,} rows are right; rows are the true classes, columns the answers.</p>"
    whole = f'<table class="confusion"><tr><th></th>{head}</tr>{"".join(lines)}</table>'
    return section("Confusion matrix", f'{text}<div class="wide">{whole}</div>')


def mistakes(classes: Classes, x: Any, shares: Any, t: Any) -> str:
    """Return the section with the rows whose right answer has the smallest share, as pictures if they are images."""
    found = shares.argmax(axis=1)
    order = [int(i) for i in np.argsort(shares[np.arange(len(t)), t]) if found[i] != t[i]][:MOST]
    if not order:
        return section("Mistakes", "<p>None: every row is right.</p>")
    texts = [f"{classes.names[t[i]]}, taken for {classes.names[found[i]]} ({shares[i, found[i]]:.0%})" for i in order]
    if x.ndim == 4:
        side = max(1, 120 // x.shape[3])
        pictures = [figure(shaded(x[i]), text, side) for i, text in zip(order, texts, strict=True)]
        return section("Worst mistakes", row(pictures))
    return section("Worst mistakes", table(("row", "mistake"), zip(order, texts, strict=True)))


def numbers(encoding: Any, scores: Any, labels: Any) -> str:
    """Return the section that compares predicted with right numbers and shows the errors."""
    found: Any = np.asarray(encoding.answers(scores), dtype=np.float64).reshape(-1)
    t = np.asarray(to_numpy(labels) if hasattr(labels, "dtype") else labels, dtype=np.float64).reshape(-1)
    error = found - t
    ends = [(float(t.min()), float(t.min())), (float(t.max()), float(t.max()))]
    dots = {"predicted": list(zip(t, found, strict=True))}
    panel = Panel("predicted over right", {**dots, "right": ends}, x="right", dots=tuple(dots))
    spread = float(np.abs(error).max()) or 1.0
    facts: Mapping[str, float] = {"mean error": np.abs(error).mean(), "root of mean square": np.sqrt((error**2).mean())}
    rows = [(name, digits(float(value))) for name, value in facts.items()]
    panels = [panel, histogram("error", error, -spread, spread)]
    return section("Predictions", table(("", ""), rows) + cards(panels, WIDE))


def texts(symbols: Symbols | BytePairs, scores: Any, t: Any) -> str:
    """Return the section on the next symbols of a text: how likely the network finds them, and where least."""
    shares = np.take_along_axis(shares_of(scores), t[..., None], axis=-1)[..., 0]
    losses = -np.log(np.maximum(shares, 1e-30))
    right = (scores.argmax(axis=-1) == t).mean()
    facts = [
        ("perplexity", digits(float(np.exp(losses.mean())))),
        ("symbols that were the likeliest", f"{right:.2%}"),
        ("symbols", f"{t.size:,}"),
    ]
    hardest = np.argsort(shares, axis=None)[:MOST]
    lines = []
    for n, i in zip(*np.unravel_index(hardest, t.shape), strict=True):
        before, own = symbols.text(t[n, max(0, i - 24) : i]), symbols.text(t[n, i : i + 1])
        guess = symbols.text(scores[n, i].argmax(keepdims=True))
        lines.append((f"… {visible(before)}", visible(own), visible(guess), digits(shares[n, i])))
    head = ("after", "came", "likeliest", "share of what came")
    return section("Text", table(("", ""), facts) + table(head, lines))


def visible(text: str) -> str:
    """Return a text in which newlines, and a single space, are visible."""
    return text.replace("\n", "⏎").replace(" ", "␣") if len(text) < 2 else text.replace("\n", "⏎")
