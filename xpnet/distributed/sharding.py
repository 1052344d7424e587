"""Sharded: an optimizer whose state is divided among the ranks, each of which updates its slices of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, is_array
from xpnet.backend.moving import Change, Destination, Movable
from xpnet.distributed.replica import Replica, in_axes
from xpnet.distributed.sending import returned, sendable
from xpnet.errors import ArgumentError
from xpnet.networks.low_precision import Gradients
from xpnet.optimizers import Optimizer
from xpnet.optimizers.base import Rate
from xpnet.typing import Array


class Sharded(Movable):
    """An optimizer over the ranks: each holds the state of its slices, updates them, and receives those of the others.

    It updates parameters exactly as the optimizer does, including groups and schedules. ``state`` is the whole state,
    gathered from all ranks, so every rank must read it at the same time. When it is assigned, each rank keeps its
    slices, so that a file does not depend on the number of ranks.

    Raises: ``ArgumentError`` for an optimizer whose formula has norms or products of whole arrays.
    Source: Rajbhandari et al., 2020, "ZeRO: memory optimizations toward training trillion parameter models", stage 1;
    with gradients in slices, stage 2.

    >>> net, x, t = TwoLayerNet(2, 3, 2), np.eye(2, dtype="float32"), np.array([0, 1])
    >>> with xn.distributed() as group:
    ...     optimizer = group.sharded(Adam(0.1), net)
    ...     optimizer.update(net.params, group.gradient(net, x, t))
    >>> optimizer.steps
    1
    """

    def __init__(self, optimizer: Optimizer, replica: Replica) -> None:
        if not optimizer.elementwise:
            must, got = "a sharded optimizer must treat every value by itself", type(optimizer).__name__
            raise ArgumentError("group.sharded", must, got, "set elementwise = True if it does, or choose AdamW")
        self.optimizer = optimizer
        self.replica = replica

    @property
    def lr(self) -> Rate:
        """The learning rate of the optimizer."""
        return self.optimizer.lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        self.optimizer.lr = lr

    @property
    def steps(self) -> int:
        """The number of updates so far."""
        return self.optimizer.steps

    def observe(self, loss: float) -> None:
        """Pass the loss of an epoch to a schedule that watches it."""
        self.optimizer.observe(loss)

    def update(self, params: MutableMapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Update every parameter by one step, on every rank; the gradients are whole, or the slices of this rank.

        Raises: errors of ``Optimizer.update``.
        """
        self.replica.lay_out()
        pieces = {name: self._piece(name, W, W) for name, W in params.items()}
        sliced = getattr(grads, "across", None) is not None
        own = {
            name: grads[name] if sliced and name in grads else self._piece(name, grads.get(name, W), W)
            for name, W in params.items()
        }
        finite = getattr(grads, "finite", None)
        self.optimizer.update(pieces, own if finite is None else Gradients(own, finite))
        for name, whole in self._whole(pieces).items():
            W = params[name]
            if isinstance(W, np.ndarray) and W.flags.writeable:
                W[...] = whole  # in place, so that other references see the update
            else:
                params[name] = returned(whole, W)

    def _piece(self, name: str, array: Array, W: Array) -> Array:
        """Return this rank's slice of a whole array, as a view if the library has views; it is empty if frozen."""
        flat = array_namespace(array).reshape(array, (-1,))
        return in_axes(flat[self.replica.own.get(name, slice(0, 0))], W)

    def _whole(self, pieces: Mapping[str, Array]) -> dict[str, Any]:
        """Return whole arrays of the trained parameters, gathered from the slices of all ranks."""
        communicator, found = self.replica.communicator, dict[str, Any]()
        for bucket in self.replica.buckets:
            first = sendable(pieces[next(iter(bucket.places))])
            part = array_namespace(first).zeros(bucket.length // communicator.size, dtype=first.dtype)
            for name, (_, place) in bucket.own(communicator.rank, communicator.size).items():
                part[place] = sendable(pieces[name]).reshape(-1)
            found |= bucket.parts(communicator.allgather(part))
        return found

    @property
    def state(self) -> dict[str, Any]:
        """The state between steps, as the optimizer alone would have it; every rank must read it at the same time."""
        own = self.optimizer.state
        found = {name: value for name, value in own.items() if name == "skipped" or not is_array(value)}
        for slot in self.optimizer.slots:
            if all(f"{name}.{slot}" in own for name in self.replica.own):
                pieces = {name: own[f"{name}.{slot}"] for name in self.replica.own}
                whole = self._whole(pieces)
                found |= {f"{name}.{slot}": returned(whole[name], piece) for name, piece in pieces.items()}
        return found

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        params = self.replica.network.params
        own = {}
        for name, value in state.items():
            of = name.rpartition(".")[0]
            own[name] = self._piece(of, value, params[of]) if of in params and is_array(value) else value
        self.optimizer.state = own

    def shapes_of_state(self, params: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the arrays in the whole state (see ``Optimizer.shapes_of_state``)."""
        return self.optimizer.shapes_of_state(params)

    def changes(self, destination: Destination) -> list[Change]:
        return self.optimizer.changes(destination)

    def __repr__(self) -> str:
        return f"Sharded({self.optimizer!r})"
