"""The loss and the metrics of rows, as ``predict`` computes them, read from the device once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xpnet.backend import Backend, array_namespace, is_array, library_of, size_of, to_numpy
from xpnet.backend.several import each, first_of, rows_of
from xpnet.datasets import RowsOnDisk
from xpnet.datasets.array_files import on_disk
from xpnet.errors import DtypeError
from xpnet.layers.checks import is_number
from xpnet.networks import Network
from xpnet.networks.low_precision import cast_like
from xpnet.networks.measures import Measure, measure_for
from xpnet.training.metrics import Metric
from xpnet.typing import Array

AT_ONCE = 1024
"""The number of rows on disk that are read at once."""


def scores_of(network: Network, x: Any, backend: Backend | None) -> Array:
    """Return the scores of ``predict``, computed part by part for rows on disk."""
    if backend is None or not on_disk((x,)):
        y: Array = network.predict(x)
        return y
    slices = [slice(i, i + AT_ONCE) for i in range(0, first_of(x).shape[0], AT_ONCE)]
    parts = [network.predict(each(backend.asarray, rows_of(x, rows))) for rows in slices]
    whole: Array = parts[0] if len(parts) == 1 else array_namespace(*parts).concat(parts, axis=0)
    return whole


def accuracy_of(network: Network, parts: Sequence[Any], y: Array, t: Array) -> float:
    """Return the accuracy of scores, by the network's own method if it has one."""
    if type(network).accuracy is not Network.accuracy and not on_disk(parts[:1]):
        return network.accuracy(*parts[:2])
    measured: float = measure_for(type(network).__name__, network.last_layer, y, t).of(y, t)
    return measured


def beside(part: Any, backend: Backend | None) -> Any:
    """Return targets or weights on the device of the scores."""
    if isinstance(part, RowsOnDisk) and backend is not None:
        return backend.asarray(part[...])
    if backend is not None and is_array(part) and library_of(array_namespace(part)) is not backend.library:
        return backend.asarray(part)
    return part


def measured(
    who: str,
    network: Network,
    parts: Sequence[Any],
    backend: Backend | None,
    summed: bool,
    measure: Measure | None,
    metrics: Mapping[str, Metric],
    with_loss: bool = True,
    scores: Callable[[Network, Any, Backend | None], Array] = scores_of,
) -> tuple[float | None, float | None, dict[str, float]]:
    """Return the loss, the measure and the metrics of rows ``(x, t)`` or ``(x, t, weights)``; a sum is divided by N.

    The scores are computed once, by ``scores``, unless the network has a loss method of its own, which is called.
    """
    x, *rest = parts
    targets = [beside(part, backend) for part in rest]
    plain = type(network).loss is Network.loss
    y: Any = scores(network, x, backend) if measure or metrics or plain else None
    loss: Any = None
    if with_loss:
        if plain and network.last_layer is not None:
            loss = network.last_layer.predict(y, *[cast_like(y, part) for part in targets])
        else:
            weights = targets[1] if len(targets) > 1 else None
            loss = network.loss(x, targets[0], predict=True, weights=weights)
    found = {name: metric(y, targets[0]) for name, metric in metrics.items()}
    numbers = read(who, ([loss] if with_loss else []) + list(found.values()))
    value = numbers.pop(0) if with_loss else None
    if value is not None and summed:
        value /= first_of(x).shape[0]
    accuracy = None if measure is None else measure.of(y, targets[0])
    named = dict(zip(found, numbers, strict=True))
    return value, None if accuracy is None or math.isnan(accuracy) else accuracy, named


def read(who: str, values: Sequence[Any]) -> list[float]:
    """Return numbers and arrays of one value as floats, read in one transfer.

    Raises: ``DtypeError`` for a metric that did not return a number.
    """
    arrays = {}
    for place, value in enumerate(values):
        if is_array(value) and not is_number(value) and size_of(value) == 1:
            arrays[place] = value
        elif not is_number(value):
            must, remedy = "metric must return one number", "return a float, or an array of one value"
            raise DtypeError(who, must, type(value).__name__, remedy)
    if not arrays:
        return [float(value) for value in values]
    xp = array_namespace(*arrays.values())
    like = next((array for array in arrays.values() if "float" in str(array.dtype)), None)
    dtype = xp.float32 if like is None else like.dtype
    stacked = xp.stack([xp.astype(xp.reshape(array, ()), dtype) for array in arrays.values()])
    numbers = dict(zip(arrays, to_numpy(stacked).tolist(), strict=True))
    return [numbers[place] if place in numbers else float(value) for place, value in enumerate(values)]
