"""Group: the ranks of a job, and what they do together for the one who trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from xpnet.backend import get_backend, use_backend
from xpnet.distributed.communicator import Communicator
from xpnet.distributed.connection import connect
from xpnet.distributed.current import in_step
from xpnet.distributed.replica import Replica
from xpnet.distributed.sharding import Sharded
from xpnet.distributed.wire import check_wire
from xpnet.errors import ArgumentError, XpnetError
from xpnet.initializers import check_size
from xpnet.networks import Network
from xpnet.optimizers import Optimizer
from xpnet.random import part_of_a_batch
from xpnet.typing import Array

Found = TypeVar("Found")
WHO = "distributed"


_open: ContextVar[Group | None] = ContextVar("xpnet_distributed_group", default=None)


class Group:
    """All ranks of a job, seen from one of them; ``rank`` is its number, ``size`` how many there are.

    Every rank makes the same calls in the same order, each with its own rows.
    """

    def __init__(self, communicator: Communicator, bucket_bytes: int | None = None, wire: str | None = None) -> None:
        self.communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size
        self.bucket_bytes, self.wire = bucket_bytes, wire
        self.replicas: WeakKeyDictionary[Network, Replica] = WeakKeyDictionary()
        self._part: tuple[int, int] | None = None

    def rows(self, n: int) -> slice:
        """The rows of this rank in a batch of n, in order and of equal number to one, ``x[group.rows(len(x))]``.

        The masks of a dropout are drawn by them, as one process draws them for the whole batch.

        Raises: ``ArgumentError`` where there is not a row for each rank.
        """
        check_size("group.rows", "n", n)
        if n < self.size:
            must = f"a batch must have a row for each of {self.size} ranks"
            raise ArgumentError("group.rows", must, f"{n} rows", "make it larger, or start fewer ranks")
        return self.begin_rows(n)

    def begin_rows(self, n: int) -> slice:
        """The same, where some ranks may have none."""
        first, count = self._part = share_of(n, self.rank, self.size)
        return slice(first, first + count)

    def replica(self, network: Network) -> Replica:
        """What this rank does for a network, which all ranks give the arrays of rank 0 when they first train it."""
        found = self.replicas.get(network)
        if found is None:
            found = self.replicas[network] = Replica(self.communicator, network, self.bucket_bytes, self.wire)
        return found

    def gradient(self, network: Network, x: Any, t: Any, weights: Any = None, last: bool = True) -> dict[str, Array]:
        """The gradient of the loss of a batch of which each rank gives its rows, name -> array, equal on all ranks.

        Parameters of frozen layers are left out. See ``loss_and_gradient``.
        """
        return self.loss_and_gradient(network, x, t, weights, last)[1]

    def loss_and_gradient(
        self, network: Network, x: Any, t: Any, weights: Any = None, last: bool = True
    ) -> tuple[Array, dict[str, Array]]:
        """The loss of a batch of which each rank gives its rows, and its gradient, as one process has them of it all.

        The ranks may have different numbers of rows: each counts as it does in the mean of the loss. With ``last``
        False nothing is sent: the loss is that of these rows, the gradient is held and has no names, and the next
        one that is the last is that of all the rows since. Where the optimizer of the network is sharded by stage 2,
        the gradient is this rank's slices of it.

        Raises: ``StateError`` where the ranks have not the same network.
        """
        replica = self.replica(network)
        count = x.shape[0]
        part = self._part if self._part is not None and self._part[1] == count else (self.rank * count, count)
        with replica.step(count, last), in_step(self.communicator), part_of_a_batch(*part):
            if weights is None:
                loss, gradients = network.loss_and_gradient(x, t)
            else:
                loss, gradients = network.loss_and_gradient(x, t, weights)
        if not last:
            return loss, {}
        return loss, replica.chosen(gradients)

    def sharded(self, optimizer: Optimizer, network: Network, stage: int = 1) -> Sharded:
        """The optimizer with its state spread over the ranks; by stage 2 gradients are, too (see ``Sharded``).

        Raises: ``ArgumentError`` for another stage, and by stage 2 for a network that changes its gradients itself.
        """
        if stage not in (1, 2):
            raise ArgumentError("group.sharded", "stage must be 1 or 2", repr(stage), "1 spreads the state alone")
        replica = self.replica(network)
        plain = type(network).loss_and_gradient is Network.loss_and_gradient and type(network).grads is Network.grads
        if stage == 2 and not plain:
            who, must = type(network).__name__, "gradients in slices must be those that the layers have"
            raise ArgumentError(who, must, "a network that adds to them", "choose stage=1")
        replica.lay_out()
        replica.scatter = stage == 2
        return Sharded(optimizer, replica)

    def on_first(self, run: Callable[[], Found]) -> Found:
        """What a function returns that rank 0 alone runs; an ``XpnetError`` of it is raised on every rank."""
        found: Any = None
        error: XpnetError | None = None
        if self.rank == 0:
            try:
                found = run()
            except XpnetError as raised:
                error = raised
        answer, error = self.communicator.broadcast_object((found, error))
        if error is not None:
            raise error
        result: Found = answer
        return result

    @contextmanager
    def opened(self) -> Iterator[None]:
        """A time in which it is that of a ``Trainer(…, distributed=True)``; at its end it gives up its networks."""
        token = _open.set(self)
        try:
            yield
        finally:
            _open.reset(token)
            for network in self.replicas:
                network.share(None)
            self.replicas.clear()


def share_of(n: int, rank: int, size: int) -> tuple[int, int]:
    """The first row and the number of rows of a rank, of n that come in order; the first ranks have one more."""
    each, more = divmod(n, size)
    return rank * each + min(rank, more), each + (rank < more)


def group_of_the_job() -> Group:
    """The group of the innermost ``with xn.distributed()``; without one, that of this job until it ends."""
    group = _open.get()
    if group is None:
        group = Group(connect(get_backend()))
        _open.set(group)
    return group


@contextmanager
def distributed(timeout: float = 60.0, bucket_bytes: int | None = None, wire: str | None = None) -> Iterator[Group]:
    """Train with the other processes that ``mpiexec`` has started: ``with xn.distributed() as group:``.

    ``group.gradient(net, x, t)`` of the rows of each rank is the gradient of all of them, equal on every rank, and
    goes to any optimizer as it is. Gradients are sent in buckets of ``bucket_bytes``, each as soon as backward has
    given the last of it: by default an eighth of them all, from 256 kB to 4 MB. ``wire`` is ``"float16"`` or
    ``"bfloat16"`` for values that are sent in 16 bits. A job in which a rank has not been heard of for ``timeout``
    seconds ends. One process alone is a group of one.

    Raises: ``ArgumentError`` for options out of range.
    """
    if bucket_bytes is not None:
        check_size(WHO, "bucket_bytes", bucket_bytes)
    check_wire(wire)
    communicator = connect(get_backend(), timeout)
    group = Group(communicator, bucket_bytes, wire)
    with use_backend(communicator.backend), group.opened():
        yield group
    communicator.close()
