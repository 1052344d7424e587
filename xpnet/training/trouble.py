"""Diagnosis of a training: the first step, layer and row that were not finite, and signs that it goes badly."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xpnet.backend import array_namespace, dtype_kind, is_array, library_of, to_numpy
from xpnet.backend.several import flat
from xpnet.layers import Layer, Relu
from xpnet.layers.containers import in_a_row
from xpnet.layers.row_gradient import values_of
from xpnet.networks import Network
from xpnet.training.history import Epoch

LARGE = 1e4
"""Parameters from this size on are far from where networks learn."""

STILL = 5
"""The number of epochs after which a loss should have changed."""

MOST = 0.8  # the share of dead units of a layer that is reported
SOME = 10
"""The smallest number of units of a layer that is checked; with fewer, most of them may well be 0."""

LOOKED_AT = 256
"""The number of rows on which dead units are looked for."""


def readable(array: Any) -> bool:
    """Return whether a value of an array can be read without waiting."""
    return library_of(array_namespace(array)).readable(array)


def bad_arrays(arrays: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the names of arrays that are not finite, and of those beyond ``LARGE``, with one transfer."""
    values = {name: values_of(array) for name, array in arrays.items()}
    real = {name: a for name, a in values.items() if is_array(a) and dtype_kind(a) == "real" and 0 not in a.shape}
    if not real:
        return [], []
    xp = array_namespace(*real.values())
    largest = [xp.astype(xp.max(xp.abs(array)), xp.float32) for array in real.values()]
    finite = [xp.astype(xp.all(xp.isfinite(array)), xp.float32) for array in real.values()]
    numbers = to_numpy(xp.stack([*finite, *largest])).tolist()
    pairs = list(zip(real, numbers[: len(real)], numbers[len(real) :], strict=True))
    return [name for name, good, _ in pairs if not good], [name for name, good, size in pairs if good and size > LARGE]


def outputs(network: Network, x: Any, training: bool) -> Iterator[tuple[str, Layer, Any]]:
    """Yield the output of each layer in a sequence, with its path; yield nothing if the network is another graph.

    The layers are copied and their state is restored, so that nothing changes.
    """
    before, (x, *beside) = dict(network.states), x if isinstance(x, tuple) else (x,)
    try:
        for name, layer in in_a_row(network).items():
            if layer is network:  # a graph of layers, not a sequence
                return
            given = (x, *beside) if "mask" in layer.inputs else (x,)  # as a chain gives it
            x = layer.copy().forward(*given) if training and not layer.is_container else layer.predict(*given)
            yield name, layer, x
    finally:
        put_back(network, before)


def first_bad_row(y: Any) -> int | None:
    """Return the first row of an array that is not finite, or None."""
    xp = array_namespace(y)
    if dtype_kind(y) != "real" or not y.ndim:
        return None
    bad = to_numpy(xp.any(xp.reshape(~xp.isfinite(y), (y.shape[0], -1)), axis=1)).tolist()
    return bad.index(True) if True in bad else None


def cause(network: Network, x: Any, rows: str = "") -> str:
    """Return the origin of a loss that is not finite: a parameter, a row of x, the output of a layer, or the loss.

    ``rows`` describes rows other than a batch in training, which are computed as ``predict`` does.

    Of several parameters, the last in the order of computation is named, since backward proceeds from there.
    """
    if spoilt := bad_arrays(network.params)[0]:
        return f"{spoilt[-1]} has it from the step before, whose gradient was not finite"
    for part in flat((x,)):
        row = first_bad_row(part)
        if row is not None:
            return f"x holds it in row {row} of {rows or 'the batch'}"
    for name, layer, y in outputs(network, x, training=not rows):
        row = first_bad_row(y)
        if row is not None:
            return f"first in the output of {name} ({type(layer).__name__}), in row {row} of {rows or 'the batch'}"
    return "first in the loss"


def reached_last(network: Network) -> str:
    """Return the first trained parameter with one axis: nearly every nan or inf in backward reaches it.

    Empty where there is none, and in low precision, where gradients are looked at anyway.
    """
    if network.precision is not None:
        return ""
    places = network.params.places
    return next((name for name, W in network.params.items() if W.ndim == 1 and not places[name][0].frozen), "")


def cause_of_gradient(network: Network, batch: Sequence[Any], spoilt: Sequence[str]) -> str:
    """Return the place where the gradient of a finite loss is first not finite: a layer's backward, and the row of x.

    Of a network that is no row of layers, the parameter that backward came to first, among those that are ``spoilt``.
    """
    (x, *beside), *rest = batch if isinstance(batch[0], tuple) else ((batch[0],), *batch[1:])
    last, before, passed = network.last_layer, dict(network.states), list[tuple[str, Layer]]()
    rows = in_a_row(network)
    try:
        if last is None or network in rows.values() or network.precision is not None:
            return f"first in the gradient of {spoilt[-1]}"
        for name, layer in rows.items():
            passed.append((name, layer.copy()))
            x = passed[-1][1].forward(*((x, *beside) if "mask" in layer.inputs else (x,)))
        passed.append(("the loss", last.copy()))
        passed[-1][1].forward(x, *rest)
        dout: Any = 1.0
        for name, layer in reversed(passed):
            dout = layer.backward(dout)
            row = first_bad_row(dout) if is_array(dout) else None
            kind = "" if layer is passed[-1][1] else f" ({type(layer).__name__})"
            if row is not None:
                return f"first in the backward of {name}{kind}, in row {row} of the batch"
            if bad_arrays(layer.grads)[0]:
                return f"first in the gradient of {name}.{bad_arrays(layer.grads)[0][0]}{kind}"
        return f"first in the gradient of {spoilt[-1]}"
    finally:
        put_back(network, before)


def put_back(network: Network, states: Mapping[str, Any]) -> None:
    """Give a network the state that it had."""
    for name, value in states.items():
        owner, attribute = network.states.place(name)
        setattr(owner, attribute, value)


def advise(who: str, network: Network, history: Sequence[Epoch], x: Any, large: Sequence[str], told: set[str]) -> None:
    """Warn, once each, of a loss that does not change, of units that are always 0, and of parameters that are large."""
    last = history[-1]
    if "still" not in told and last.epoch == STILL:
        losses = [record.loss for record in history[-STILL:]]
        if max(losses) - min(losses) <= 1e-4 * abs(losses[0]):
            told.add("still")
            dead = "; ".join(dead_units(network, x))
            text = f"{who}: the loss has not moved in {STILL} epochs, it is {last.loss:.4g}"
            remedy = "raise the learning rate, scale x to values near 1, or check that t belongs to x"
            warnings.warn(f"{text}; {f'{dead}; ' if dead else ''}{remedy}", stacklevel=2)
    if "dead" not in told and "still" not in told and last.epoch == 1 and (dead_layers := dead_units(network, x)):
        told.add("dead")
        remedy = 'lower the learning rate, or start with init="he"'
        warnings.warn(f"{who}: {dead_layers[0]} after the first epoch; {remedy}", stacklevel=2)
    if large and "large" not in told:
        told.add("large")
        text = f"{who}: {', '.join(large)} beyond {LARGE:g} after epoch {last.epoch}"
        warnings.warn(f"{text}; lower the learning rate, or give clip_norm=1.0 to the Trainer", stacklevel=2)


def dead_units(network: Network, x: Any) -> list[str]:
    """Return descriptions of the ReLU layers in which four fifths of the units are 0 for every row."""
    found = []
    for name, layer, y in outputs(network, x, training=False):
        if isinstance(layer, Relu) and y.ndim > 1:
            xp = array_namespace(y)
            axes = tuple(axis for axis in range(y.ndim) if axis != 1)
            dead = to_numpy(xp.all(y <= 0.0, axis=axes))
            if dead.size >= SOME and dead.mean() >= MOST:
                found.append(f"{int(dead.sum())} of {dead.size} units of {name} are 0 for every row")
    return found
