"""Replica: a network that every rank has, each training it on its own rows."""

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
from xpnet.layers import Layer
from xpnet.layers.base import leaves
from xpnet.layers.drawn import drawing_in
from xpnet.networks import Network
from xpnet.networks.low_precision import Gradients, changed
from xpnet.typing import Array


class Replica:
    """The work of a rank for one network: it combines the gradients of all ranks, ``dW = Σᵣ nᵣ dWᵣ / Σᵣ nᵣ``.

    nᵣ is the weight of the rows of rank r in the mean of the loss: their number, or the sum of their weights, without
    ignored rows. For losses that are sums, the gradients are added. Backward begins with the derivative nᵣ divided by
    the sum of the step before, so that a gradient leaves backward already weighted and need not wait for the sum; if it
    differs in this step, the result is corrected by the quotient of the two. In low precision, where gradients are sent
    after backward, the sum is waited for.

    All ranks begin with the arrays of rank 0. If ``scatter`` is True, a rank gets only its slices of the gradients.

    Raises: ``StateError`` if the networks of the ranks differ.
    """

    def __init__(
        self, communicator: Communicator, network: Network, bucket_bytes: int | None, wire: str | None
    ) -> None:
        self.communicator, self.network = communicator, network
        self.bucket_bytes, self.wire = bucket_bytes, wire
        self.scatter = False
        self.running, self.last, self.rows = False, True, 0
        self.before: Any = None  # the weight of all rows in the step before
        self.counted: Any = None
        self.own_loss: Any = None
        self.sums: Sums | None = None
        self.flat: list[Any] = []
        self._forget()
        self._refuse_rows()
        self._compare()
        self._begin_alike()
        self.names, self.buckets = list[str](), list[Bucket]()
        network.share(self)

    def _forget(self) -> None:
        self.held: dict[str, Array] = {}
        self.held_pair: Any = 0.0

    def _refuse_rows(self) -> None:
        """Raise ArgumentError for a layer whose gradient is one of rows: those of the ranks differ."""
        for name, layer in {**leaves(self.network), "loss": self.network.last_layer}.items():
            if getattr(layer, "by_rows", False):
                must, remedy = "gradients must be arrays to be added over the ranks", "make it with by_rows=False"
                raise ArgumentError("distributed", must, f"{name} with by_rows=True", remedy)

    def _compare(self) -> None:
        params = self.network.params
        told = {f"shape and dtype of {name}": f"{tuple(W.shape)} {W.dtype}" for name, W in params.items()}
        told |= {f"stream of {name}": layer.drawn for name, layer in drawing_in(self.network).items()}
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
        """Enter a context in which gradients are combined over the ranks or, without ``last``, stored for later."""
        precision = self.network.precision
        if not last and precision is not None and precision.loss_scale is not None:
            must, remedy = "gradients with a loss scale must not be stored", 'compute in "bfloat16", or leave last out'
            raise ArgumentError("distributed", must, "last=False", remedy)
        self.lay_out()
        self.running, self.last, self.rows = True, last, rows
        try:
            yield
        finally:
            self.running = False

    def lay_out(self) -> None:
        """Lay out the buckets, again if layers were frozen since; ``own`` has this rank's slices."""
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
        """True if the loss is a sum over the rows instead of a mean."""
        return getattr(self.network.last_layer, "reduction", "mean") == "sum"

    def begin(self, loss: Array) -> Any:
        """Start the sum of the weights and losses of the rows; return the factor of this rank's gradients."""
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
        """Return the weight of all rows, or that of the step before if it is 0 now."""
        total, before = self.pair[0], 1.0 if self.before is None else self.before
        if is_on_device(total):
            return array_namespace(total).where(total == 0.0, before + 0.0 * total, total)
        return float(total) or before

    def _gradient_of(self, name: str) -> Array:
        layer, attribute = self.network.params.place(name)
        dW: Array = getattr(layer, f"d{attribute}")
        return dW + self.held[name] if name in self.held else dW

    def _let_go(self, names: Iterable[str]) -> None:
        """Release the memory of gradients that were added, if no rank gets their whole sum."""
        if self.scatter:
            for name in names:
                layer, attribute = self.network.params.place(name)
                setattr(layer, f"d{attribute}", None)

    def took(self, layers: tuple[Layer, ...]) -> None:
        """Start the buckets that are full, while backward continues; in low precision, all start after backward."""
        if self.running and self.last and self.sums is not None and self.network.precision is None:
            self.sums.took([name for layer in layers for name in self.names_of.get(id(layer), ())])

    def agree(self, finite: Array) -> Array:
        """Return whether the gradients of all ranks are finite."""
        if not self.running:
            return finite
        xp = array_namespace(finite)
        found: Array = sum_of(self.communicator, xp.astype(xp.logical_not(finite), xp.float32)) == 0.0
        return found

    def end(self, loss: Array) -> Array:
        """Return the loss of all rows; the gradients are then on the layers, or this rank's slices in ``flat``."""
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
        """Return the gradients of the trained parameters, or this rank's slices of them."""
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
    """Reductions of numbers that each rank has computed from its part of the gradients."""

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator

    def total(self, number: Array) -> Array:
        """Return the sum of a number over the ranks."""
        return sum_of(self.communicator, number)

    def largest(self, number: Array) -> Array:
        """Return the largest of a number over the ranks."""
        own = sendable(number)
        xp = array_namespace(own)
        return returned(xp.max(self.communicator.allgather(xp.reshape(own, (1,)))), number)


def in_axes(flat: Array, like: Array) -> Array:
    """Return a flat part of an array with as many axes as the array."""
    return array_namespace(flat).reshape(flat, (-1,) + (1,) * (like.ndim - 1)) if like.ndim > 1 else flat


def is_on_device(value: Any) -> bool:
    """Return whether a value is a CuPy array, which a communicator takes directly and the host should not wait for."""
    return (
        is_array(value)
        and not isinstance(value, np.ndarray | np.generic)
        and library_name(array_namespace(value)) == "cupy"
    )


def as_pair(*numbers: Any) -> Any:
    """Return numbers in one float64 array, on the device of a CuPy array among them, or else on the host."""
    for number in numbers:
        if is_on_device(number):
            xp = array_namespace(number)
            return xp.stack([xp.asarray(each, dtype=xp.float64) for each in numbers])
    return np.asarray([float(each) for each in numbers])
