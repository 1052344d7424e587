"""Many perturbed networks or layers in one forward.

A function of one array is given a batch of arrays, by ``vmap``. In a network that is a chain there is a shorter way:
output unit j of an Affine depends on column j of W alone. So one layer of Q units, each a copy of some unit with one
weight changed, computes Q perturbed outputs at once; they are put into Q copies of the rest of the output, and the
layers behind see Q batches as one. Every value is computed by the layers' own ``forward``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.autodiff import vmap
from xpnet.backend import Backend, array_namespace, backend_of, device_of, is_array, size_of, to_numpy
from xpnet.gradcheck.numerical import Evaluate, Host
from xpnet.layers.base import Layer
from xpnet.layers.containers import in_a_row
from xpnet.layers.loss import Loss
from xpnet.typing import Array

VALUES_AT_ONCE = 2**19


def in_batches(f: Callable[[Any], Any], point: Callable[[int, float], Host], size: int, backend: Backend) -> Evaluate:
    """Return an Evaluate of ``f(point(index, move))``, many values at once; ``size`` is that of the largest array."""
    of_batch, most = vmap(f), max(1, VALUES_AT_ONCE // size)

    def evaluate(indices: Host, moves: Host) -> Host:
        points = [point(index, move) for index, row in zip(indices, moves, strict=True) for move in row]
        parts = [chunk(points[i : i + most]) for i in range(0, len(points), most)]
        return np.concatenate([*parts, np.empty(0)]).reshape(moves.shape)

    def chunk(points: list[Host]) -> Host:
        with np.errstate(all="ignore"):
            return to_numpy(of_batch(backend.asarray(np.stack(points))))

    return evaluate


def side_by_side(network: Any, origin: tuple[Layer, str], x: Any, t: Any) -> Evaluate | None:
    """Return an Evaluate of the loss in one parameter, many values at once, or None if layer or loss do not allow it.

    Samples that are side by side must not interact: neither this layer nor one behind it may have lasting state
    (statistics of the batch, noise that counts its steps); the state of layers before it may change. Layers on a path
    that branches are left out.
    """
    layer, attribute = origin
    last = network.last_layer
    if attribute not in layer.units or not isinstance(last, Loss) or type(last).forward is not Loss.forward:
        return None
    nodes = list(in_a_row(network).values())
    depth = next((i for i, node in enumerate(nodes) if node is layer), None)
    if depth is None or any(node.states for node in nodes[depth:]):
        return None
    layers = [node.copy() for node in nodes]
    loss = last.copy()
    for node in layers[:depth]:
        x = node.forward(x)
    units_first = {
        name: np.ascontiguousarray(np.moveaxis(to_numpy(getattr(layer, name)), axis, 0))
        for name, axis in layer.units.items()
    }
    shape = getattr(layer, attribute).shape
    y = layers[depth].forward(x)
    h = y
    for node in layers[depth + 1 :]:
        h = node.forward(h)
    loss.forward(h, t)
    divisor = float(to_numpy(loss.N)) if is_array(loss.N) else loss.N  # depends on t alone
    most = max(1, VALUES_AT_ONCE // max(size_of(y), *(values[0].size for values in units_first.values())))

    def evaluate(indices: Host, moves: Host) -> Host:
        elements, flat = np.repeat(indices, moves.shape[1]), moves.reshape(-1)
        parts = [chunk(elements[i : i + most], flat[i : i + most]) for i in range(0, flat.size, most)]
        return np.concatenate([*parts, np.empty(0)]).reshape(moves.shape)

    def chunk(elements: Host, moves: Host) -> Host:
        position = list(np.unravel_index(elements, shape))
        unit = position.pop(layer.units[attribute])
        many = layer.copy()
        for name, axis in layer.units.items():
            values = units_first[name][unit]
            if name == attribute:
                values[(np.arange(unit.size), *position)] += moves
            setattr(many, name, backend_of(getattr(layer, name)).asarray(np.moveaxis(values, 0, axis)))
        return losses(many.forward(x), unit)

    def losses(outputs: Array, unit: Host) -> Host:
        xp = array_namespace(outputs)
        count = unit.size
        columns = xp.arange(y.shape[1], device=device_of(y))
        units = xp.asarray(unit, device=device_of(y))
        trailing = (1,) * (y.ndim - 2)
        here = xp.reshape(units[:, None] == columns[None, :], (count, 1, y.shape[1], *trailing))
        moved = xp.expand_dims(xp.moveaxis(outputs, 1, 0), axis=2)
        stack = xp.where(here, moved, xp.expand_dims(y, axis=0))
        h = xp.reshape(stack, (count * y.shape[0], *y.shape[1:]))
        for node in layers[depth + 1 :]:
            h = node.forward(h)
        repeats = (count,) + (1,) * (t.ndim - 1)
        each = to_numpy(loss.per_sample(h, xp.tile(t, repeats)))
        sums: Host = np.sum(each.reshape(count, -1).astype(np.float64), axis=1)
        return sums / divisor

    return evaluate
