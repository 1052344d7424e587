"""Replica: a network that every rank has, each training it on rows of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, is_array, library_name
from xpnet.distributed.agreement import agree
from xpnet.distributed.buckets import Bucket, Sums, in_buckets
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.sending import returned, same_for_all, sendable, sum_of
from xpnet.errors import ArgumentError
from xpnet.layers import Dropout, Layer
from xpnet.layers.base import leaves
from xpnet.networks import Network
from xpnet.networks.low_precision import Gradients, changed
from xpnet.typing import Array


class Replica:
    """What a rank does for one network: gradients of its rows in, those of all rows out, ``dW = Σᵣ nᵣ dWᵣ / Σᵣ nᵣ``.

    nᵣ is what the rows of rank r count in the mean of the loss: their number, or the sum of their weights without those
    that are ignored. Of losses that are sums the gradients are added. The derivative of the loss begins with nᵣ over
    the sum of the step before, so that a gradient leaves backward as its share of the mean and nobody waits for the
    sum; where it is another in this step, the result is corrected by the quotient of the two. In low precision, where
    all is sent after backward, the sum is waited for.

    All ranks begin with the arrays of rank 0. Where ``scatter`` is True, a rank gets its slices of the gradients alone.

    Raises: ``StateError`` where the ranks have not the same network.
    """

    def __init__(
        self, communicator: Communicator, network: Network, bucket_bytes: int | None, wire: str | None
    ) -> None:
        self.communicator, self.network = communicator, network
        self.bucket_bytes, self.wire = bucket_bytes, wire
        self.scatter = False
        self.running, self.last, self.rows = False, True, 0
        self.before: Any = None  # what all rows counted in the step before
        self.counted: Any = None
        self.own_loss: Any = None
        self.sums: Sums | None = None
        self.flat: list[Any] = []
        self._forget()
        self._compare()
        self._begin_alike()
        self.names, self.buckets = list[str](), list[Bucket]()
        network.share(self)

    def _forget(self) -> None:
        self.held: dict[str, Array] = {}
        self.held_pair: Any = 0.0

    def _compare(self) -> None:
        params = self.network.params
        told = {f"shape and dtype of {name}": f"{tuple(W.shape)} {W.dtype}" for name, W in params.items()}
        drawing = {name: layer for name, layer in leaves(self.network).items() if isinstance(layer, Dropout)}
        told |= {f"stream of {name}": layer.drawn for name, layer in drawing.items()}
        agree(self.communicator, {**told, "plan": str(self.network.plan()), "frozen": sorted(params.frozen)})

    def _begin_alike(self) -> None:
        if self.communicator.size == 1:
            return
        params, states = self.network.params, self.network.states
        for name, W in params.items():
            params[name] = same_for_all(self.communicator, W)
        numbers = {name: value for name, value in states.items() if not is_array(value)}
        for name, value in self.communicator.broadcast_object(numbers).items():
            states[name] = value
        for name in [name for name in states if name not in numbers]:
            states[name] = same_for_all(self.communicator, states[name])

    @contextmanager
    def step(self, rows: int, last: bool) -> Iterator[None]:
        """A time in which a gradient is that of all ranks; where it is not the last, it is held for one that comes."""
        precision = self.network.precision
        if not last and precision is not None and precision.loss_scale is not None:
            must, remedy = "gradients with a loss scale must not be held", 'compute in "bfloat16", or leave last out'
            raise ArgumentError("distributed", must, "last=False", remedy)
        self.lay_out()
        self.running, self.last, self.rows = True, last, rows
        try:
            yield
        finally:
            self.running = False

    def lay_out(self) -> None:
        """Lay out the buckets, anew where layers were frozen since; ``own`` is where this rank's slices are."""
        params = self.network.params
        frozen = params.frozen
        names = [name for name in params if name not in frozen]
        if names != self.names:
            self.names = names
            trained = {name: params[name] for name in names}
            self.buckets = in_buckets(trained, self.bucket_bytes, self.communicator.size)
            rank, size = self.communicator.rank, self.communicator.size
            self.own = {name: where for bucket in self.buckets for name, (where, _) in bucket.own(rank, size).items()}
            self.names_of: dict[int, list[str]] = {}
            for name in names:
                self.names_of.setdefault(id(params.place(name)[0]), []).append(name)

    @property
    def summed(self) -> bool:
        """Whether the loss is a sum, to which every row adds."""
        return getattr(self.network.last_layer, "reduction", "mean") == "sum"

    def begin(self, loss: Array) -> Any:
        """Start the sums of what the rows count and of their losses; return the share of the rows of this rank."""
        if not self.running:
            return 1.0
        counted = getattr(self.network.last_layer, "counted", self.rows)
        self.own_loss = loss
        self.pair = self.held_pair + as_pair(counted, loss if self.summed else counted * loss)
        if self.before is None and not self.last:
            self.before = 1.0
        if self.last:
            self.total = self.communicator.allreduce(self.pair)
            if self.before is None or self.network.precision is not None:
                self.total.wait()
                self.before = self._counted_now()
            self.sums = Sums(self.communicator, self.buckets, self._gradient_of, self.wire, self.scatter, self._let_go)
        if self.summed:
            return 1.0
        share = counted / self.before
        return array_namespace(share).astype(share, loss.dtype) if is_on_device(share) else float(share)

    def _counted_now(self) -> Any:
        """What all rows count, or what they counted before where it is nothing now."""
        total, before = self.pair[0], 1.0 if self.before is None else self.before
        if is_on_device(total):
            return array_namespace(total).where(total == 0.0, before + 0.0 * total, total)
        return float(total) or before

    def _gradient_of(self, name: str) -> Array:
        layer, attribute = self.network.params.place(name)
        dW: Array = getattr(layer, f"d{attribute}")
        return dW + self.held[name] if name in self.held else dW

    def _let_go(self, names: Iterable[str]) -> None:
        """Leave the memory of gradients that were added, where nobody is to get the sum of them all."""
        if self.scatter:
            for name in names:
                layer, attribute = self.network.params.place(name)
                setattr(layer, f"d{attribute}", None)

    def took(self, layers: tuple[Layer, ...]) -> None:
        """Start the buckets that are full, while backward goes on; those of a loss scale are divided by it first."""
        if self.running and self.last and self.sums is not None and self.network.precision is None:
            self.sums.took([name for layer in layers for name in self.names_of.get(id(layer), ())])

    def agree(self, finite: Array) -> Array:
        """Whether the gradients of all ranks are finite."""
        if not self.running:
            return finite
        xp = array_namespace(finite)
        found: Array = sum_of(self.communicator, xp.astype(xp.logical_not(finite), xp.float32)) == 0.0
        return found

    def end(self, loss: Array) -> Array:
        """The loss of all rows; their gradients are on the layers then, or in ``flat`` the slices of this rank."""
        if not self.running:
            return loss
        if not self.last or self.sums is None:
            self.held = {name: self._gradient_of(name) for name in self.names}
            self.held_pair = self.pair
            return loss
        self.flat = self.sums.end()
        self.sums = None
        self.total.wait()
        self._forget()
        now = self._counted_now()
        if not self.summed and (is_on_device(now) or now != self.before):
            for flat in self.flat:
                flat *= array_namespace(flat).asarray(self.before / now, dtype=flat.dtype)
        self.before, self.counted = now, self.pair[0]
        if not self.scatter:
            params = self.network.params
            for bucket, flat in zip(self.buckets, self.flat, strict=True):
                for name, part in bucket.parts(flat).items():
                    layer, attribute = params.place(name)
                    setattr(layer, f"d{attribute}", returned(part, params[name]))
            self.flat = []
        mean = self.pair[1] if self.summed else self.pair[1] / now
        return returned(array_namespace(self.pair).asarray(mean), loss)

    def chosen(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """The gradients of what is trained, or the slices of them that this rank has."""
        if not self.scatter:
            return changed(gradients, {name: gradients[name] for name in self.names})
        pieces: dict[str, Array] = {}
        params = self.network.params
        for bucket, flat in zip(self.buckets, self.flat, strict=True):
            for name, (_, place) in bucket.own(self.communicator.rank, self.communicator.size).items():
                pieces[name] = returned(in_axes(flat[place], params[name]), params[name])
        finite = getattr(gradients, "finite", None)
        return Gradients({name: pieces[name] for name in self.names}, finite, Parts(self.communicator))


class Parts:
    """Numbers of gradients of which every rank has a part."""

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator

    def total(self, number: Array) -> Array:
        """The sum of a number of each rank."""
        return sum_of(self.communicator, number)

    def largest(self, number: Array) -> Array:
        """The largest of a number of each rank."""
        own = sendable(number)
        xp = array_namespace(own)
        return returned(xp.max(self.communicator.allgather(xp.reshape(own, (1,)))), number)


def in_axes(flat: Array, like: Array) -> Array:
    """A part of the values of an array in one axis, in as many axes as it has."""
    return array_namespace(flat).reshape(flat, (-1,) + (1,) * (like.ndim - 1)) if like.ndim > 1 else flat


def is_on_device(value: Any) -> bool:
    """Whether a number is in an array that a communicator takes as it is, and the host would have to wait for."""
    return (
        is_array(value)
        and not isinstance(value, np.ndarray | np.generic)
        and library_name(array_namespace(value)) == "cupy"
    )


def as_pair(*numbers: Any) -> Any:
    """Numbers in float64 in one array: on their device where one is there, else on the host."""
    for number in numbers:
        if is_on_device(number):
            xp = array_namespace(number)
            return xp.stack([xp.asarray(each, dtype=xp.float64) for each in numbers])
    return np.asarray([float(each) for each in numbers])
