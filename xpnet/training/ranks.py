"""What the ranks of a group share of a training: rows, steps, scores, statistics, and what is in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from xpnet.training.updates import Updates
from xpnet.training.weights_file import as_text, sum_of_bits
from xpnet.typing import Array

COMPARED = 1024
"""The rows at either end of the data that are compared between ranks."""


class Ranks:
    """The ranks that train one network, each on its rows of every batch.

    Rank 0 writes the files, prints, and calls whoever is to be called; all ranks have the same history. Where a last
    batch has fewer rows than there are ranks, those that have none compute its first row with a weight of 0.

    Raises: ``ArgumentError`` for batches that have not a row for each rank, a last one too where weights of 0 do not
    take a row out; ``StateError`` where the ranks differ in data, seed or options.
    """

    def __init__(self, who: str, group: Group, network: Network, batches: Batches, updates: Updates) -> None:
        self.who, self.group, self.network = who, group, network
        self.batches, self.updates = batches, updates
        self.communicator = group.communicator
        self.dtype = next(iter(network.params.values())).dtype
        self.done = 0
        kinds = [network.last_layer, *leaves(network).values()]
        takes_out = isinstance(kinds[0], Loss) and not any(isinstance(k, SynchronizedBatchNormalization) for k in kinds)
        smallest = min(batches.batch_size, *([] if takes_out else batches.sizes[1:]), batches.sizes[0])
        if smallest < group.size:
            must, got = f"every batch must have a row for each of {group.size} ranks", f"one of {smallest} rows"
            raise ArgumentError(who, must, got, "give larger batches, drop_last=True, or start fewer ranks")
        group.replica(network)

    @property
    def first(self) -> bool:
        """Whether this is rank 0."""
        return self.group.rank == 0

    def together(self) -> AbstractContextManager[None]:
        """A time in which all ranks compute the same, and layers may ask the others."""
        return in_step(self.communicator)

    def compare(self, optimizer: Any, options: dict[str, Any]) -> None:
        """Raise StateError where the ranks do not train alike."""
        parts = (self.batches.x, self.batches.t, self.batches.weights)
        data = {f"data, part {at}": fingerprint(part) for at, part in enumerate(parts) if part is not None}
        agree(self.communicator, {**data, "optimizer": optimizer, **options})

    def own(self, n: int) -> slice:
        """The rows of this rank among n."""
        if self.group.rank >= n:
            return slice(0, 1)
        first, count = share_of(n, self.group.rank, self.group.size)
        return slice(first, first + count)

    def cut(self, batches: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The rows of this rank of whole batches."""
        for batch in batches:
            rows = self.own(batch[0].shape[0])
            yield tuple([part[rows, ...] for part in batch])

    def step(self, x: Array, t: Array, weights: Array | None = None) -> tuple[Array, Any, dict[str, Array]]:
        """The loss of a step, what it counts, and the gradients; none where it is held for one that comes."""
        size, rows = self.batches.batch_size, self.batches.sizes[0]
        total = min(size, rows - self.done * size)
        self.group.begin_rows(total)
        if self.group.rank >= total:
            weights = array_namespace(x).zeros((x.shape[0],), dtype=self.dtype, device=device_of(x))
        self.done += 1
        last = self.done % self.updates.accumulate == 0 or self.done == len(self.batches)
        loss, gradients = self.group.loss_and_gradient(self.network, x, t, weights, last)
        if not last:
            return loss * 0.0, 0.0, gradients
        return loss, self.group.replica(self.network).counted, gradients

    def named(self, where: Callable[[], str]) -> str:
        """Where a loss is not finite first, and on which rank: every rank looks at its rows."""
        own = self.group.replica(self.network).own_loss
        bad = not np.isfinite(to_numpy(own)).all()
        told = self.communicator.gather_objects(where() if bad else "")
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
