"""The insides of a network for one row: the outputs of its layers, and the gradient of the answer by the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.autodiff import vjp
from xpnet.backend import array_namespace, backend_of, dtype_kind, is_array, to_numpy
from xpnet.layers import Layer
from xpnet.networks import Network
from xpnet.networks.summary import listen

MAPS = 32
"""The number of channels that are shown of a layer."""

SIDE = 64
"""The largest side of a map; larger ones are shown by some of their values."""

VALUES = 512
"""The number of values that are shown of a layer without maps."""


def activations(network: Network, x: Any) -> list[dict[str, Any]]:
    """Return the outputs of the layers for the first row of x, as in prediction, as maps or as rows of values."""
    found: list[dict[str, Any]] = []

    def note(path: str, layer: Layer, inputs: tuple[Any, ...], y: Any) -> None:  # noqa: ARG001
        if is_array(y) and dtype_kind(y) == "real" and y.ndim > 1:
            kind, shape = type(layer).__name__, list(y.shape[1:])
            found.append({"name": path, "kind": kind, "shape": shape, "maps": maps_of(to_numpy(y)[0])})

    listen(network, x, note)
    return found


def maps_of(values: Any) -> list[list[list[float]]]:
    """Return values as maps ``(C, H, W)``, some of them if there are many: a vector is one map of one line."""
    if values.ndim == 1:
        return [[rounded(values[:VALUES])]]
    maps = values[None] if values.ndim == 2 else values.reshape(-1, *values.shape[-2:])
    steps = [max(1, -(-length // SIDE)) for length in maps.shape[1:]]
    return [[rounded(line) for line in one] for one in maps[:MAPS, :: steps[0], :: steps[1]]]


def rounded(values: Any) -> list[float]:
    """Return values with four digits, and 0 for what is not finite."""
    return [float(f"{value:.4g}") for value in np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)]


def gradient(network: Network, x: Any, output: int) -> Any:
    """Return the gradient of a score of the first row by its input, on the host: how the answer changes with it.

    Shapes: ``x (1, ...)``, result as a row of x.
    """
    inferring = network.inferring()

    def score(x: Any) -> Any:
        y = inferring.compute_scores(x)
        xp = array_namespace(y)
        return xp.reshape(y, (-1,))[output]

    y, pullback = vjp(score, x)
    found = pullback(backend_of(y).asarray(1.0))
    return to_numpy(found[0] if isinstance(found, tuple) else found)[0]
