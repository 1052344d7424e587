"""Batches from any source: a generator, a loader of another library, an endless source."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xpnet.arguments import check_size, is_whole
from xpnet.backend import is_array
from xpnet.datasets.encoding import Encoding
from xpnet.datasets.prefetch import AHEAD
from xpnet.datasets.tables import Table
from xpnet.errors import ArgumentError, DataError, DtypeError

END = object()
"""The marker that follows the last batch."""


class Stream:
    """Batches ``(x, t)`` or ``(x, t, weights)`` from a source, for a Trainer.

    ``source`` is anything that yields batches in a loop: a list of them, a loader of torch, a generator; or a function
    that returns one of these, which is called for every pass, with the number of the pass from 0 if it takes one. A
    generator can be read once; a function that makes it, as often as needed. A batch may itself be a function that
    makes it: several are called at once, in threads.

    An epoch is a pass, of any length. With ``batches`` it is that many batches, continuing where the last epoch ended;
    the source restarts when it ends. The position in the source is kept in the checkpoints of a training.

    ``encoding`` converts the batches to x and t, for instance that of a ``Dataset`` of some of the rows. ``ahead`` is
    the number of batches made in the background during training; with 0 each is made when it is needed.

    Raises: ``DtypeError`` for a source without batches; ``ArgumentError`` for numbers that are not positive.

    >>> def batches(k):  # called for every pass
    ...     for i in range(3):
    ...         yield np.full((2, 4), i, dtype="float32"), np.array([0, 1])
    >>> history = Trainer(TwoLayerNet(4, 3, 2), SGD(0.1), Stream(batches)).fit(2)
    >>> len(history)
    2
    """

    def __init__(
        self, source: Any, batches: int | None = None, encoding: Encoding | None = None, ahead: int = AHEAD
    ) -> None:
        if not is_source(source):
            remedy = "give a function that yields batches (x, t), a list of them, or a loader"
            raise DtypeError("Stream", "source must give batches in a loop", type(source).__name__, remedy)
        if batches is not None:
            check_size("Stream", "batches", batches)
        if not is_whole(ahead, 0):
            raise ArgumentError("Stream", "ahead must be a whole number from 0", repr(ahead), "try 2")
        self.source, self.batches, self.encoding, self.ahead = source, batches, encoding, int(ahead)
        self.once = not callable(source) and iter(source) is source
        self.passes = self.place = 0
        self._iterator: Iterator[Any] | None = None
        self._held: list[Any] = []
        self._numbered = callable(source) and takes_number(source)

    @property
    def position(self) -> tuple[int, int]:
        """The current pass, and the number of batches that were taken from it."""
        return self.passes, self.place

    def first(self) -> Any:
        """Return the first batch without consuming it.

        Raises: ``DataError`` for a source without batches.
        """
        if not self._held:
            batch = self._next()
            if batch is END:
                self._refuse("the source must give batches", "none")
            self._held, self.place = [batch() if callable(batch) else batch], self.place - 1
        return self._held[0]

    def epoch(self, k: int) -> Iterator[Any]:
        """Yield the batches of epoch k, counted from 0, in the order of the source.

        Raises: ``DataError`` if there are none.
        """
        if self.batches is None:
            self.go_to(k, 0)
        done = 0
        while self.batches is None or done < self.batches:
            batch = self._next()
            if batch is not END:
                done += 1
                yield batch
                continue
            if self.batches is None or self.once:
                break
            if not self.place:
                self._refuse(f"pass {self.passes + 1} of the source must give batches", "none")
            self._turn()
        if self.batches is None:
            self._turn()
        if not done:
            self._refuse(f"epoch {k + 1} must have batches", "a source that has ended" if self.once else "none")

    def go_to(self, passes: int, place: int) -> None:
        """Continue in a pass after some of its batches, which are read and skipped.

        Raises: ``DataError`` if it has fewer batches, or if the source can be read only once.
        """
        if self.once and (passes != self.passes or place < self.place):
            self._refuse(f"epoch {passes + 1} must have batches", "a source that can be read once")
        if not self.once and self.position != (passes, place):
            self._turn(passes)
        while self.place < place:
            if self._next() is END:
                self._refuse(f"the source must have the {place} batches that were trained on", self.place)

    def _next(self) -> Any:
        """Return the next batch of the pass, or END."""
        if self._held:
            batch = self._held.pop()
        else:
            if self._iterator is None:
                self._iterator = self._opened()
            batch = next(self._iterator, END)
        self.place += batch is not END
        return batch

    def _opened(self) -> Iterator[Any]:
        """Return an iterator over the source from its beginning."""
        made = self.source
        if callable(made):
            made = made(self.passes) if self._numbered else made()
            if not isinstance(made, Iterable):
                must, remedy = "the function must return batches to loop over", "let it yield them"
                raise DtypeError("Stream", must, type(made).__name__, remedy)
        return iter(made)

    def _turn(self, passes: int | None = None) -> None:
        """Begin the next pass, or the given one."""
        close = getattr(self._iterator, "close", None)
        if close is not None and not self.once:
            close()
        self.passes, self.place = self.passes + 1 if passes is None else passes, 0
        self._held = []
        if not self.once:
            self._iterator = None

    def _refuse(self, must: str, got: object) -> None:
        remedy = "give a function that yields the batches again" if self.once else "check the source"
        raise DataError("Stream", must, got, remedy)

    def __repr__(self) -> str:
        name = getattr(self.source, "__qualname__", type(self.source).__name__)
        return f"Stream({name})" if self.batches is None else f"Stream({name}, batches={self.batches})"


def is_source(data: Any) -> bool:
    """Return whether this is a source of batches and not a table, an array or rows."""
    if isinstance(data, list):
        return bool(data) and all(map(is_batch, data))
    if isinstance(data, type | tuple | str | bytes | Mapping | Table) or is_array(data):
        return False
    if hasattr(data, "columns") or hasattr(data, "shape"):
        return False
    return callable(data) or isinstance(data, Iterable)


def is_batch(item: Any) -> bool:
    """Return whether an item of a list is a batch of rows, or a function that makes one."""
    if callable(item):
        return True
    return isinstance(item, tuple) and len(item) in (2, 3) and all(is_array(part) and part.ndim for part in item)


def takes_number(function: Any) -> bool:
    """Return whether a function takes the number of a pass.

    Raises: ``DtypeError`` for a function that needs more arguments.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a function written in C
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    wanted = [each for each in parameters if each.default is each.empty and each.kind not in kinds]
    if len(wanted) > 1 or any(each.kind is each.KEYWORD_ONLY for each in wanted):
        got = f"one that wants {', '.join(each.name for each in wanted)}"
        must, remedy = "the function must take nothing, or the number of the pass", "wrap it, lambda: batches(…)"
        raise DtypeError("Stream", must, got, remedy)
    return bool(wanted)
