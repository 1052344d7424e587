"""Mini-batches: the rows of an epoch, in the order of that epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from xpnet.backend import array_namespace, backend_of
from xpnet.datasets.array_files import RowsOnDisk
from xpnet.datasets.check import count_rows
from xpnet.errors import ArgumentError, DataError, DtypeError, ShapeError
from xpnet.initializers import check_size
from xpnet.layers.checks import check_flags
from xpnet.typing import Array


class Shuffler(Protocol):
    """A source of the order of an epoch, such as ``xpnet.random.Generator``."""

    def permutation(self, count: int, name: str, step: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]: ...


class Batches:
    """Mini-batches of rows, ``x[order[i : i + B]], t[order[i : i + B]]`` with B the batch size.

    The order of epoch k is ``rng.permutation(N, "shuffle", step=k)``: it depends on the seed and on k alone, so that an
    epoch can be repeated and a training resumed. Without ``rng`` the rows keep their order, and batches are views if
    the library has views. The last batch holds the remaining rows and may be shorter; with ``drop_last`` a shorter one
    is left out, with other rows in each epoch. With ``weights`` of the rows a batch is ``(x, t, weights)``.

    Rows on disk (see ``load_array``) are read for each batch, on the host, and the other arrays must be on the host
    too. A batch of them that is not finite raises with the row of the file. If ``share`` is set, it is called with the
    number of rows of a batch and returns the slice of them that is taken, or read.

    Shapes: ``x (N, ...)``, ``t (N, ...)``, ``weights (N,)``; of any library, on any device, where the batches stay.
    Raises: ``ShapeError`` and ``LibraryError`` of ``check.count_rows``; ``ArgumentError`` for a batch size below 1, or
    with ``drop_last`` above the number of rows; ``DtypeError`` for an ``rng`` that is not a Generator.

    >>> batches = Batches(np.arange(5.0), np.arange(5), batch_size=2)
    >>> [x.tolist() for x, t in batches.epoch(0)]
    [[0.0, 1.0], [2.0, 3.0], [4.0]]
    >>> batches = Batches(np.arange(5.0), np.arange(5), batch_size=2, rng=Generator(0))
    >>> [x.tolist() for x, t in batches.epoch(0)]  # the same whenever it is asked for
    [[3.0, 2.0], [1.0, 4.0], [0.0]]
    """

    def __init__(
        self,
        x: Array | RowsOnDisk,
        t: Array | RowsOnDisk,
        batch_size: int,
        rng: Shuffler | None = None,
        drop_last: bool = False,
        weights: Array | None = None,
    ) -> None:
        self.rows = count_rows("Batches", x, t)
        if weights is not None and tuple(weights.shape[:1]) != (self.rows,):
            must, remedy = f"weights must be ({self.rows},)", "give one for each row of x"
            raise ShapeError("Batches", must, tuple(weights.shape), remedy)
        check_size("Batches", "batch_size", batch_size)
        # NumPy's own generators also have a permutation, but one without a name and a step
        if rng is not None and (not hasattr(rng, "permutation") or type(rng).__module__.startswith("numpy.")):
            got = f"{type(rng).__module__}.{type(rng).__qualname__}"
            raise DtypeError("Batches", "rng must be a Generator of xpnet", got, "pass xpnet.random.Generator(seed)")
        check_flags("Batches", drop_last=drop_last)
        if drop_last and batch_size > self.rows:
            got = f"{batch_size} of {self.rows} rows"
            raise ArgumentError(
                "Batches", "batch_size must not be above the number of rows with drop_last", got, "choose a smaller one"
            )
        self.x, self.t, self.weights = x, t, weights
        self.batch_size = int(batch_size)
        self.rng = rng
        self.drop_last = bool(drop_last)
        self.share: Callable[[int], slice] | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch, ``⌈N / B⌉``, or ``⌊N / B⌋`` with ``drop_last``."""
        return self.rows // self.batch_size if self.drop_last else -(-self.rows // self.batch_size)

    @property
    def parts(self) -> tuple[Any, ...]:
        """The pair ``(x, t)`` or the triple ``(x, t, weights)`` of all rows."""
        return (self.x, self.t) if self.weights is None else (self.x, self.t, self.weights)

    @property
    def options(self) -> dict[str, Any]:
        """The options that determine, with the rows and the generator, the rows of each batch."""
        return {"batch_size": self.batch_size, "drop_last": self.drop_last, "shuffle": self.rng is not None}

    @property
    def length(self) -> int:
        """The number of batches in an epoch, a property that streams have too, where it may be unknown."""
        return len(self)

    def step(self, number: int, done: int) -> int:
        """Return the number of a step, counted from 1, after ``done`` batches of epoch ``number``."""
        return (number - 1) * len(self) + done

    @property
    def sizes(self) -> tuple[int, int]:
        """The number of rows in an epoch and in its last batch."""
        rows = min(len(self) * self.batch_size, self.rows)
        return rows, rows - (len(self) - 1) * self.batch_size

    @property
    def on_disk(self) -> bool:
        """True if rows are read from a file, batch by batch."""
        return isinstance(self.x, RowsOnDisk) or isinstance(self.t, RowsOnDisk)

    def epoch(self, k: int) -> Iterator[tuple[Any, ...]]:
        """Yield the batches ``(x, t)`` or ``(x, t, weights)`` of epoch k."""
        parts = self.parts
        # the standard leaves a slice past the end undefined
        slices = [
            slice(start, min(start + self.batch_size, self.rows))
            for start in range(0, len(self) * self.batch_size, self.batch_size)
        ]
        if self.share is not None:
            slices = [part_of(rows, self.share(rows.stop - rows.start)) for rows in slices]
        if self.rng is None:
            for rows in slices:
                yield tuple([checked(part, rows) if self.on_disk else part[rows, ...] for part in parts])
            return
        order: Any = self.rng.permutation(self.rows, name="shuffle", step=k)
        if self.on_disk:
            for rows in slices:
                yield tuple([checked(part, order[rows]) for part in parts])
            return
        xp = array_namespace(self.x)
        # one transfer for each epoch; a slice of it stays on the device
        order = backend_of(self.x).asarray(order)
        for rows in slices:
            yield tuple([xp.take(part, order[rows], axis=0) for part in parts])

    def __repr__(self) -> str:
        return f"Batches({self.rows} rows in {len(self)} batches of {self.batch_size})"


def part_of(rows: slice, own: slice) -> slice:
    """Return a part of a slice of rows, given by a slice that counts from its first row."""
    return slice(rows.start + own.start, rows.start + own.stop)


def checked(part: Any, rows: Any) -> Any:
    """Return rows of an array; rows of a file must be finite.

    Raises: ``DataError`` naming the row of the file.
    """
    found = part[rows]
    if isinstance(part, RowsOnDisk) and found.dtype.kind == "f":
        bad = ~np.isfinite(np.reshape(found, (len(found), -1))).all(axis=1)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            own = (rows.start or 0) + first if isinstance(rows, slice) else int(rows[first])
            got = f"NaN or infinity in row {part.place(own)}"
            raise DataError("Batches", f"{part.path} must hold finite numbers", got, "clean it, or leave the row out")
    return found
