"""The insides of a network for some rows: the outputs of its layers, their attention, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import dtype_kind, is_array, to_numpy
from xpnet.drawing.plot import Panel, histogram
from xpnet.layers import Layer, MultiHeadAttention
from xpnet.networks import Network
from xpnet.networks.summary import listen
from xpnet.training.page import cards, figure, row, section, table
from xpnet.training.shown import digits
from xpnet.training.trouble import put_back

MOST = 12
"""The number of layers that are shown."""

HEADS = 8
"""The number of heads of a layer that are shown."""

NARROW = 327.0


def insides(network: Network, x: Any, t: Any) -> list[str]:
    """Return the sections of a page on the outputs and gradients of rows in a network; t may be None."""
    panels: list[Panel] = []
    maps: list[str] = []
    heard = 0

    def note(path: str, layer: Layer, inputs: tuple[Any, ...], y: Any) -> None:  # noqa: ARG001
        nonlocal heard
        if is_array(y) and dtype_kind(y) == "real":
            heard += 1
            panels.extend([of_values(path, y)] if len(panels) < MOST else [])
        if isinstance(layer, MultiHeadAttention) and len(maps) < MOST:
            shares = to_numpy(getattr(layer, "p"))[0][:HEADS]  # noqa: B009 (what its forward keeps)
            maps.extend(attention(f"{path}, head {head + 1}", of_head) for head, of_head in enumerate(shares))

    listen(network, x, note)
    text = f"<p>{TOLD}{first_of(heard)}.</p>"
    found = [section("Activations", text + cards(panels, NARROW))] if panels else []
    if maps:
        found.append(section("Attention", f"<p>{ATTENDED}</p>{row(maps)}"))
    return [*found, *([] if t is None else [gradients(network, x, t)])]


TOLD = "What each layer gives for these rows, as in prediction; the share of its values"
ATTENDED = (
    "Of the first row: where each position, from above to below, attends to, from left to right;"
    " the darkest is the most of its line."
)


def first_of(count: int) -> str:
    """Return a note for the case that not all panels are shown, or an empty text."""
    return f", of the first {MOST} of {count}" if count > MOST else ""


def of_values(name: str, y: Any) -> Panel:
    """Return a histogram of an array."""
    values = to_numpy(y).astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return histogram(name, finite, *((low, high) if high > low else (low - 0.5, low + 0.5)))


def attention(name: str, shares: Any) -> str:
    """Return a picture of the shares ``(L, L)`` of a head."""
    most = np.max(shares, axis=-1, keepdims=True)
    return figure(1.0 - (shares / np.where(most > 0.0, most, 1.0))[None], name, max(2, 160 // len(shares)))


def gradients(network: Network, x: Any, t: Any) -> str:
    """Return the section with the norms of the weights of each layer, and of their gradients."""
    before = dict(network.states)
    found = {name: to_numpy(dW).astype(np.float64) for name, dW in network.gradient(x, t).items()}
    put_back(network, before)
    norms = [(name, norm(to_numpy(network.params[name])), norm(dW)) for name, dW in found.items()]
    largest = max((size for *_, size in norms if np.isfinite(size)), default=0.0) or 1.0
    lines = [(name, digits(weight), digits(size), (min(size / largest, 1.0),)) for name, weight, size in norms]
    text = "<p>Norms of the weights, and of the gradient of the loss on these rows.</p>"
    return section("Gradients", text + table(("parameter", "weights", "gradient", ""), lines)) if lines else ""


def norm(values: Any) -> float:
    return float(np.sqrt(np.sum(np.square(values.astype(np.float64)))))
