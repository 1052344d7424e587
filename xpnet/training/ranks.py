"""The ranks of a training: each has its part of the rows, steps, scores and statistics, and rank 0 has the files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from xpnet.backend import Backend, array_namespace, device_of, to_numpy
from xpnet.backend.several import each, first_of, flat, rows_of
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
"""The number of rows at either end of the data that are compared between ranks."""


class Ranks:
    """The ranks that train one network, each on its rows of every batch.

    Rank 0 writes the files, prints, and runs callbacks; all ranks have the same history. Each rank takes its rows when
    the batches are made or, with ``whole``, from the complete batches. ``accumulate`` batches give one update, for
    which the ranks add their gradients once. If a batch has fewer rows than there are ranks, those without any compute
    its first row with a weight of 0.

    Raises: ``ArgumentError`` for batches without a row for each rank, also for a last one if weights of 0 do not remove
    a row from the loss, and for accumulated gradients of float16; ``StateError`` if the ranks differ in network, data
    or ``options``.
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
        data = {f"data, part {at}": fingerprint(part) for at, part in enumerate(flat(batches.parts))}
        agree(self.communicator, {**data, **batches.options, "accumulate": accumulate, **options})
        self.counts: deque[int] = deque()  # the numbers of rows of batches that were cut and not yet trained on
        self.rows, self.last = 0, True
        self.bad = ""  # the place where a loss was not finite, of gradients that were stored
        if not whole:
            batches.share = self._cut

    def _check_rows(self, count: int) -> None:
        """Raise ArgumentError unless a batch has a row for each rank."""
        if count < self.group.size:
            must, got = f"every batch must have a row for each of {self.group.size} ranks", f"one of {count} rows"
            raise ArgumentError(self.who, must, got, "give larger batches, drop_last=True, or start fewer ranks")

    @property
    def first(self) -> bool:
        """True on rank 0."""
        return self.group.rank == 0

    @property
    def fewest(self) -> int:
        """The smallest number of rows that a rank has in the last batch."""
        return self.batches.sizes[1] // self.group.size

    def together(self) -> AbstractContextManager[None]:
        """Return a context in which all ranks compute the same step, so that layers may exchange values."""
        return in_step(self.communicator)

    def own(self, n: int) -> slice:
        """Return the rows of this rank among n."""
        if self.group.rank >= n:
            return slice(0, 1)
        first, count = share_of(n, self.group.rank, self.group.size)
        return slice(first, first + count)

    def _cut(self, n: int) -> slice:
        """Return the rows of this rank in a batch of n that is to be trained on."""
        self.counts.append(n)
        return self.own(n)

    def steps(self, batches: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of an epoch for ``step``, each when it is known whether another one follows.

        Raises: ``StateError`` if the streams of the ranks have different batches.
        """
        self.counts.clear()
        self.bad = ""
        done, coming = 0, next(batches, None)
        while coming is not None:
            batch, done = coming, done + 1
            if self.whole:
                rows = self._cut(first_of(batch[0]).shape[0])
                batch = tuple([rows_of(part, rows) for part in batch])
            self.rows = self.counts.popleft()
            self._compare(done, self.rows)
            coming = next(batches, None)
            self.last = coming is None or done % self.accumulate == 0
            yield batch
        self._compare(done + 1, 0)

    def _compare(self, done: int, rows: int) -> None:
        """Raise StateError if a stream has not given the same number of rows to all ranks."""
        if isinstance(self.batches, Streamed):
            agree(self.communicator, {f"number of rows in batch {done}": rows})
            if rows and not self.takes_out:
                self._check_rows(rows)

    def step(self, x: Any, t: Array, weights: Array | None = None) -> tuple[Array, Any, Mapping[str, Array] | None]:
        """Return the loss, weight and gradients of a step; the latter two are None if stored for a later step."""
        self.group.begin_rows(self.rows)
        if self.group.rank >= self.rows:
            like = first_of(x)
            weights = array_namespace(like).zeros((like.shape[0],), dtype=self.dtype, device=device_of(like))
        loss, gradients = self.group.loss_and_gradient(self.network, x, t, weights, self.last)
        if self.last:
            return loss, self.group.replica(self.network).counted, gradients
        if not self.bad and readable(loss) and not math.isfinite(loss):
            self.bad = cause(self.network, x)
        return loss, None, None

    def named(self, where: Callable[[], str]) -> str:
        """Return the place where a loss was first not finite, with its rank; every rank checks its own rows."""
        own = self.group.replica(self.network).own_loss
        bad = not np.isfinite(to_numpy(own)).all()
        told = self.communicator.gather_objects(self.bad or (where() if bad else ""))
        rank = next((rank for rank, text in enumerate(told) if text), None)
        return where() if rank is None else f"{told[rank]} of rank {rank}"

    def follow(self) -> None:
        """Average the running statistics, which each rank has from its own rows, over the ranks."""
        for layer in leaves(self.network).values():
            if isinstance(layer, BatchNormalization) and not isinstance(layer, SynchronizedBatchNormalization):
                for name in layer.state:
                    setattr(layer, name, sum_of(self.communicator, getattr(layer, name)) / self.group.size)

    def scores(self, network: Network, x: Any, backend: Backend | None) -> Array:
        """Return the scores of ``predict``, of which every rank computes a part."""
        n, size = first_of(x).shape[0], self.group.size
        if n < size:
            return scores_of(network, x, backend)
        rows = self.own(n)
        y = scores_of(network, each(partial(some_rows, rows=rows), x), backend)
        own, most = sendable(y), -(-n // size)
        xp = array_namespace(own)
        part = xp.zeros((most, *own.shape[1:]), dtype=own.dtype)
        part[: own.shape[0], ...] = own
        whole = xp.reshape(self.communicator.allgather(xp.reshape(part, (-1,))), (size, *part.shape))
        shares = [share_of(n, rank, size)[1] for rank in range(size)]
        return returned(xp.concat([whole[rank, :count, ...] for rank, count in enumerate(shares)]), y)

    @contextmanager
    def copied(self, path: Path) -> Iterator[Path]:
        """Enter a context in which every rank has the files of rank 0: the originals, or copies of them."""
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


def some_rows(part: Any, rows: slice) -> Any:
    """Return rows of an array; rows of a file stay on disk."""
    return part.take(np.arange(part.shape[0])[rows]) if isinstance(part, RowsOnDisk) else part[rows, ...]


def fingerprint(part: Any) -> str:
    """Return the shape and dtype of rows, and sums of the bits of the first and of the last of them."""
    n = part.shape[0]
    ends = (part[: min(n, COMPARED), ...], part[max(0, n - COMPARED) :, ...])
    sums = [as_text(sum_of_bits(np.ascontiguousarray(to_numpy(rows)).reshape(-1).view(np.uint8))) for rows in ends]
    return f"{tuple(part.shape)} {part.dtype} {' '.join(sums)}"
