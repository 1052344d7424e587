"""Group: the ranks of a job, and their common work in training."""

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
    """All ranks of a job, seen from one of them, with number ``rank`` of ``size``.

    Every rank makes the same calls in the same order, each with its own rows.

    >>> with xn.distributed() as group:
    ...     group.rank, group.size  # of a process that mpiexec has not started
    (0, 1)
    """

    def __init__(self, communicator: Communicator, bucket_bytes: int | None = None, wire: str | None = None) -> None:
        self.communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size
        self.bucket_bytes, self.wire = bucket_bytes, wire
        self.replicas: WeakKeyDictionary[Network, Replica] = WeakKeyDictionary()
        self._part: tuple[int, int] | None = None

    def rows(self, n: int) -> slice:
        """Return the rows of this rank in a batch of n, contiguous and almost equally many, ``x[group.rows(len(x))]``.

        The masks of a dropout are drawn for these rows as a single process draws them for the whole batch.

        Raises: ``ArgumentError`` if there is not at least one row for each rank.
        """
        check_size("group.rows", "n", n)
        if n < self.size:
            must = f"a batch must have a row for each of {self.size} ranks"
            raise ArgumentError("group.rows", must, f"{n} rows", "make it larger, or start fewer ranks")
        return self.begin_rows(n)

    def begin_rows(self, n: int) -> slice:
        """Return the rows of this rank as ``rows`` does, but allow ranks without any."""
        first, count = self._part = share_of(n, self.rank, self.size)
        return slice(first, first + count)

    def replica(self, network: Network) -> Replica:
        """Return this rank's replica of a network, which gets the arrays of rank 0 when it is first trained."""
        found = self.replicas.get(network)
        if found is None:
            found = self.replicas[network] = Replica(self.communicator, network, self.bucket_bytes, self.wire)
        return found

    def gradient(self, network: Network, x: Any, t: Any, weights: Any = None, last: bool = True) -> dict[str, Array]:
        """Return the gradient of the loss of a batch, of which each rank has its rows, by name and equal on all ranks.

        Parameters of frozen layers are left out. See ``loss_and_gradient``.
        """
        return self.loss_and_gradient(network, x, t, weights, last)[1]

    def loss_and_gradient(
        self, network: Network, x: Any, t: Any, weights: Any = None, last: bool = True
    ) -> tuple[Array, dict[str, Array]]:
        """Return the loss of a batch, of which each rank has its rows, and its gradient, as for a single process.

        The ranks may have different numbers of rows; each row counts as in the mean of the loss. With ``last=False``
        nothing is sent: the loss is that of these rows, the gradient is stored and the dict is empty; the next gradient
        with ``last=True`` is that of all rows since. If the optimizer of the network is sharded with stage 2, the
        gradient consists of this rank's slices.

        Raises: ``StateError`` if the networks of the ranks differ.
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
        """Return the optimizer with its state, and in stage 2 the gradients, divided among the ranks (see ``Sharded``).

        Raises: ``ArgumentError`` for another stage, and in stage 2 for a network that changes its gradients itself.
        """
        if stage not in (1, 2):
            raise ArgumentError("group.sharded", "stage must be 1 or 2", repr(stage), "1 divides only the state")
        replica = self.replica(network)
        plain = type(network).loss_and_gradient is Network.loss_and_gradient and type(network).grads is Network.grads
        if stage == 2 and not plain:
            who, must = type(network).__name__, "gradients in slices must be those of the layers"
            raise ArgumentError(who, must, "a network that adds to them", "choose stage=1")
        replica.lay_out()
        replica.scatter = stage == 2
        return Sharded(optimizer, replica)

    def on_first(self, run: Callable[[], Found]) -> Found:
        """Return the result of a function that only rank 0 runs; its ``XpnetError`` is raised on every rank."""
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
        """Enter a context in which ``Trainer(…, distributed=True)`` uses this group; at its end, release networks."""
        token = _open.set(self)
        try:
            yield
        finally:
            _open.reset(token)
            for network in self.replicas:
                network.share(None)
            self.replicas.clear()


def share_of(n: int, rank: int, size: int) -> tuple[int, int]:
    """Return the first row and the number of rows of a rank, of n contiguous rows; the first ranks have one more."""
    each, more = divmod(n, size)
    return rank * each + min(rank, more), each + (rank < more)


def group_of_the_job() -> Group:
    """Return the group of the innermost ``with xn.distributed()``, or else one that is open until the job ends."""
    group = _open.get()
    if group is None:
        group = Group(connect(get_backend()))
        _open.set(group)
    return group


@contextmanager
def distributed(timeout: float = 60.0, bucket_bytes: int | None = None, wire: str | None = None) -> Iterator[Group]:
    """Train with the other processes that ``mpiexec`` has started: ``with xn.distributed() as group:``.

    ``group.gradient(net, x, t)`` of the rows of each rank is the gradient of all rows, equal on every rank, and can be
    given to any optimizer. Gradients are sent in buckets of ``bucket_bytes``, each when backward has computed the last
    of them: by default an eighth of all gradients, from 256 kB to 4 MB. ``wire`` is ``"float16"`` or ``"bfloat16"`` to
    send values in 16 bits. A job ends if nothing has been heard of a rank for ``timeout`` seconds. A single process is
    a group of one.

    Raises: ``ArgumentError`` for options out of range.

    >>> net, x, t = TwoLayerNet(2, 3, 2), np.eye(2, dtype="float32"), np.array([0, 1])
    >>> with xn.distributed() as group:
    ...     grads = group.gradient(net, x, t)  # of the rows of all ranks; here is one
    >>> group.size, np.allclose(grads["b2"], net.gradient(x, t)["b2"])
    (1, True)
    """
    if bucket_bytes is not None:
        check_size(WHO, "bucket_bytes", bucket_bytes)
    check_wire(wire)
    communicator = connect(get_backend(), timeout)
    group = Group(communicator, bucket_bytes, wire)
    with use_backend(communicator.backend), group.opened():
        yield group
    communicator.close()
