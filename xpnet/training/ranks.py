"""What the ranks of a group share of a training: rows, steps, scores, statistics, and what is in files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from xpnet.backend import Backend, array_namespace, device_of, to_numpy
from xpnet.datasets import Batches, RowsOnDisk
from xpnet.distributed import Group, agree
from xpnet.distributed.current import in_step
from xpnet.distributed.group import share_of
from xpnet.distributed.normalization import SynchronizedBatchNormalization
from xpnet.distributed.sending import returned, sendable, sum_of
from xpnet.errors import ArgumentError
from xpnet.layers import BatchNormalization
from xpnet.layers.base import leaves
from xpnet.layers.loss import Loss
from xpnet.networks import Network
from xpnet.training.measuring import scores_of
from xpnet.training.runs import BEST, LAST
from xpnet.training.streamed import Streamed
from xpnet.training.trouble import cause, readable
from xpnet.training.updates import refuse_in_float16
from xpnet.training.weights_file import as_text, sum_of_bits
from xpnet.typing import Array

COMPARED = 1024
"""The rows at either end of the data that are compared between ranks."""


class Ranks:
    """The ranks that train one network, each on its rows of every batch.

    Rank 0 writes the files, prints, and calls whoever is to be called; all ranks have the same history. Each takes its
    rows where the batches are made, or with ``whole`` out of what was made of all of them. Of ``accumulate`` batches
    one update is made, for which the ranks add their gradients once. Where a batch has fewer rows than there are ranks,
    those that have none compute its first row with a weight of 0.

    Raises: ``ArgumentError`` for batches that have not a row for each rank, a last one too where weights of 0 do not
    take a row out, and for gradients of float16 that are accumulated; ``StateError`` where the ranks differ in network,
    data or ``options``.
    """

    def __init__(
        self,
        who: str,
        group: Group,
        network: Network,
        batches: Batches | Streamed,
        accumulate: int,
        options: Mapping[str, Any],
        whole: bool,
    ) -> None:
        self.who, self.group, self.network, self.batches = who, group, network, batches
        self.accumulate, self.whole = accumulate, whole
        self.communicator = group.communicator
        self.dtype = next(iter(network.params.values())).dtype
        kinds = [network.last_layer, *leaves(network).values()]
        self.takes_out = isinstance(kinds[0], Loss) and not any(
            isinstance(layer, SynchronizedBatchNormalization) for layer in kinds
        )
        rows, last = batches.sizes
        self._check_rows(min(batches.batch_size, rows))
        if not self.takes_out:
            self._check_rows(last)
        if accumulate > 1 and network.precision is not None and network.precision.loss_scale is not None:
            refuse_in_float16(who, accumulate)
        group.replica(network)
        data = {f"data, part {at}": fingerprint(part) for at, part in enumerate(batches.parts)}
        agree(self.communicator, {**data, **batches.options, "accumulate": accumulate, **options})
        self.counts: deque[int] = deque()  # the rows of batches that were cut and are still to be trained on
        self.rows, self.last = 0, True
        self.bad = ""  # where a loss was not finite, of gradients that were held
        if not whole:
            batches.share = self._cut

    def _check_rows(self, count: int) -> None:
        """Raise ArgumentError unless a batch has a row for each rank."""
        if count < self.group.size:
            must, got = f"every batch must have a row for each of {self.group.size} ranks", f"one of {count} rows"
            raise ArgumentError(self.who, must, got, "give larger batches, drop_last=True, or start fewer ranks")

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.group.rank == 0

    @property
    def fewest(self) -> int:
        """The rows that a rank has, but for those that have one more, in the last batch."""
        return self.batches.sizes[1] // self.group.size

    def together(self) -> AbstractContextManager[None]:
        """A time in which all ranks compute the same, and layers may ask the others."""
        return in_step(self.communicator)

    def own(self, n: int) -> slice:
        """The rows of this rank among n."""
        if self.group.rank >= n:
            return slice(0, 1)
        first, count = share_of(n, self.group.rank, self.group.size)
        return slice(first, first + count)

    def _cut(self, n: int) -> slice:
        """The same, of the rows of a batch that is to be trained on."""
        self.counts.append(n)
        return self.own(n)

    def steps(self, batches: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, each for ``step``, when it is known whether another one comes.

        Raises: ``StateError`` where the ranks have not streams of the same batches.
        """
        self.counts.clear()
        self.bad = ""
        done, coming = 0, next(batches, None)
        while coming is not None:
            batch, done = coming, done + 1
            if self.whole:
                rows = self._cut(batch[0].shape[0])
                batch = tuple([part[rows, ...] for part in batch])
            self.rows = self.counts.popleft()
            self._compare(done, self.rows)
            coming = next(batches, None)
            self.last = coming is None or done % self.accumulate == 0
            yield batch
        self._compare(done + 1, 0)

    def _compare(self, done: int, rows: int) -> None:
        """Raise StateError where a stream has not given the same number of rows to all ranks."""
        if isinstance(self.batches, Streamed):
            agree(self.communicator, {f"number of rows in batch {done}": rows})
            if rows and not self.takes_out:
                self._check_rows(rows)

    def step(self, x: Array, t: Array, weights: Array | None = None) -> tuple[Array, Any, Mapping[str, Array] | None]:
        """The loss of a step, what it counts, and the gradients; None where they are held for a step that comes."""
        self.group.begin_rows(self.rows)
        if self.group.rank >= self.rows:
            weights = array_namespace(x).zeros((x.shape[0],), dtype=self.dtype, device=device_of(x))
        loss, gradients = self.group.loss_and_gradient(self.network, x, t, weights, self.last)
        if self.last:
            return loss, self.group.replica(self.network).counted, gradients
        if not self.bad and readable(loss) and not math.isfinite(loss):
            self.bad = cause(self.network, x)
        return loss, None, None

    def named(self, where: Callable[[], str]) -> str:
        """Where a loss is not finite first, and on which rank: every rank looks at its rows."""
        own = self.group.replica(self.network).own_loss
        bad = not np.isfinite(to_numpy(own)).all()
        told = self.communicator.gather_objects(self.bad or (where() if bad else ""))
        rank = next((rank for rank, text in enumerate(told) if text), None)
        return where() if rank is None else f"{told[rank]} of rank {rank}"

    def follow(self) -> None:
        """Bring the running statistics, of the rows of each rank, to their mean over the ranks."""
        for layer in leaves(self.network).values():
            if isinstance(layer, BatchNormalization) and not isinstance(layer, SynchronizedBatchNormalization):
                for name in layer.state:
                    setattr(layer, name, sum_of(self.communicator, getattr(layer, name)) / self.group.size)

    def scores(self, network: Network, x: Any, backend: Backend | None) -> Array:
        """The scores of ``predict``, of which every rank computes those of some rows."""
        n, size = x.shape[0], self.group.size
        if n < size:
            return scores_of(network, x, backend)
        rows = self.own(n)
        y = scores_of(network, x.take(np.arange(n)[rows]) if isinstance(x, RowsOnDisk) else x[rows, ...], backend)
        own, most = sendable(y), -(-n // size)
        xp = array_namespace(own)
        part = xp.zeros((most, *own.shape[1:]), dtype=own.dtype)
        part[: own.shape[0], ...] = own
        whole = xp.reshape(self.communicator.allgather(xp.reshape(part, (-1,))), (size, *part.shape))
        shares = [share_of(n, rank, size)[1] for rank in range(size)]
        return returned(xp.concat([whole[rank, :count, ...] for rank, count in enumerate(shares)]), y)

    @contextmanager
    def copied(self, path: Path) -> Iterator[Path]:
        """A time in which every rank has the files of a training that rank 0 has: here, or copies of them."""
        names = (LAST, BEST) if self.group.on_first(path.is_dir) else (path.name,)
        folder = path if self.group.on_first(path.is_dir) else path.parent
        found = self.group.on_first(lambda: {n: (folder / n).read_bytes() for n in names if (folder / n).is_file()})
        if self.first:
            yield path
            return
        with TemporaryDirectory() as here:
            for name, content in found.items():
                (Path(here) / name).write_bytes(content)
            yield Path(here) if folder == path else Path(here) / path.name


def fingerprint(part: Any) -> str:
    """What rows are like, and the sums of the bits of the first and of the last of them."""
    n = part.shape[0]
    ends = (part[: min(n, COMPARED), ...], part[max(0, n - COMPARED) :, ...])
    sums = [as_text(sum_of_bits(np.ascontiguousarray(to_numpy(rows)).reshape(-1).view(np.uint8))) for rows in ends]
    return f"{tuple(part.shape)} {part.dtype} {' '.join(sums)}"
