"""The batches of a stream, in the form that a training takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import Backend, array_namespace, dtype_kind, get_backend, is_array, library_of
from xpnet.backend.several import each, first_of, flat, in_form, is_several, rows_of
from xpnet.datasets import Stream
from xpnet.datasets.prefetch import prefetched
from xpnet.errors import ArgumentError, DataError, DtypeError, ShapeError, XpnetError
from xpnet.layers import SigmoidWithLoss
from xpnet.layers.loss import Loss, takes_classes
from xpnet.optimizers.state import copied
from xpnet.random import Generator
from xpnet.training.rows import Preparation, Rows

USUAL = 100
"""The default batch size of a Trainer."""

POSITION = "position"
"""The name of a stream's position in the metadata of a file."""

NAMES = ("x", "t", "weights")


class Streamed:
    """The batches of a stream, checked and in the form that the network takes; it has the interface of ``Batches``.

    Batches on the host are made ahead, in threads, as copies, because a loader may reuse the memory. Arrays of the
    network's own library are taken unchanged, when they are needed, and their values are not checked. If ``share`` is
    set, it is called with the number of rows of a batch and returns the slice of them that is taken.

    Raises: ``DataError``, ``DtypeError``, ``ShapeError`` and ``ArgumentError`` naming epoch, batch and row.
    """

    def __init__(self, make: Preparation, stream: Stream, name: str) -> None:
        self.stream, self.make = stream, make
        self.length: int | None = stream.batches
        self.rows: int | None = None
        self.share: Callable[[int], slice] | None = None
        self.classes: int | None = None
        self._axes: int | None = None
        if stream.encoding is not None:
            make.encoding = stream.encoding
        item = stream.first()
        self.several = isinstance(item, tuple | list) and has_several(item)
        converted = self._converted(1, 1, item)
        self.on_disk = not self._is_own(first_of(converted[0]))
        placed = tuple([each(self._placed, part) for part in converted])
        self.first = make.rows(name, placed)
        self._axes, self.batch_size = self.first.t.ndim, self.first.count
        self._last = self.batch_size
        self._find_classes()

    @property
    def backend(self) -> Backend:
        """The backend on which the network computes."""
        return self.make.backend or get_backend()

    def _placed(self, part: Any) -> Any:
        return part if self._is_own(part) else self.backend.asarray(part)

    @property
    def parts(self) -> tuple[Any, ...]:
        """The pair ``(x, t)`` or the triple ``(x, t, weights)`` of the first batch."""
        return self.first.arrays

    @property
    def options(self) -> dict[str, Any]:
        """The options that determine, with the source, the batches of an epoch."""
        return {"number of batches in an epoch": self.stream.batches}

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of rows in the last epoch and in its last batch; before any epoch, those of the first batch."""
        return self.rows or self.batch_size, self._last

    def __len__(self) -> int:
        """Return the number of batches in an epoch.

        Raises: ``DataError`` before an epoch has ended, if the stream has no number of batches.
        """
        if self.length is None:
            must, remedy = "the length of a stream must be known", "train an epoch, or give Stream(source, batches=…)"
            raise DataError("Stream", must, "one of unknown length", remedy)
        return self.length

    def __repr__(self) -> str:
        return f"{self.stream!r} in batches of {self.batch_size}"

    @property
    def position(self) -> dict[str, str]:
        """The position of a stream with epochs of a fixed number of batches, as metadata of a checkpoint."""
        return {} if self.stream.batches is None else {POSITION: " ".join(map(str, self.stream.position))}

    def go_on(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Move the stream to the position in a checkpoint.

        Raises: ``DataError`` for a checkpoint of other data; errors of ``Stream.go_to``.
        """
        if self.stream.batches is None:
            return
        place = metadata.get(POSITION, "").split()
        if len(place) != 2 or not all(map(str.isdecimal, place)):
            remedy = "give the data of that training"
            raise DataError(self.make.who, f"{path} must contain the position of its stream", "none", remedy)
        self.stream.go_to(*map(int, place))

    def step(self, number: int, done: int) -> int:
        """Return a number that identifies a step, whatever the length of an epoch."""
        return (number << 32) + done

    def epoch(self, number: int) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of an epoch, counted from 1."""
        rows = done = last = 0
        with closing(prefetched(self._made(number), self.stream.ahead if self.on_disk else 0)) as batches:  # type: ignore[type-var]
            for batch in batches:
                last = int(first_of(batch[0]).shape[0])
                rows, done = rows + last, done + 1
                if self.share is not None:
                    own = self.share(last)
                    # copies, because a loader may reuse the memory
                    batch = tuple([each(copied, rows_of(part, own)) for part in batch])
                yield batch
        self.rows, self.length, self._last = rows, done, last

    def _made(self, number: int) -> Iterator[Any]:
        """Yield batches, or functions that make them."""
        for done, item in enumerate(self.stream.epoch(number - 1), 1):
            make = partial(self._converted, number, done, item)
            yield make if callable(item) else make()

    def _converted(self, number: int, done: int, item: Any) -> tuple[Any, ...]:
        """Return a batch, converted and checked."""
        who = f"{self.make.who}, batch {done} of epoch {number}"
        if callable(item):
            item = item()
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            got = f"{type(item).__name__} of {len(item)}" if isinstance(item, tuple | list) else type(item).__name__
            raise DtypeError(who, "a batch must be (x, t) or (x, t, weights)", got, "let the source yield x, t")
        x, t, *weights = item
        try:
            if self.stream.encoding is not None:
                x, t = self.stream.encoding.x(x), self.stream.encoding.t(t)
            made = each(self._array, tuple(x)) if self.several else self._array(x)
            parts = (made, self._targets(t), *[self._array(part, float) for part in weights])
        except XpnetError as error:
            error.set_who(who)
            raise
        self._check(who, parts)
        return parts

    def _is_own(self, part: Any) -> bool:
        """Return whether this is an array of the network's library, other than NumPy."""
        library = self.backend.library
        return library.name != "numpy" and is_array(part) and library_of(array_namespace(part)) is library

    def _array(self, part: Any, dtype: Any = None) -> Any:
        """Return numbers on the host in the dtype of the network; an array of its own library is unchanged."""
        if self._is_own(part):
            return part
        host, _ = self.backend.on_host(part, dtype)
        own = host.base is None and host is not part
        return host if own or not self.stream.ahead else np.array(host)

    def _targets(self, t: Any) -> Any:
        """Return targets in the dtype and shape that the loss takes."""
        last = self.make.network.last_layer
        if not self._is_own(t):
            try:
                t = self._array(t)
            except DtypeError as error:
                remedy = "number the classes, or give the encoding of a Dataset of some rows, Stream(…, encoding=…)"
                raise DtypeError("Stream", "t must be numbers", error.got, remedy) from None
        shares = dtype_kind(t) == "bool" and t.ndim > 1 and t.shape[-1] > 1
        if takes_classes(last) and not shares:
            if dtype_kind(t) == "bool":
                t = array_namespace(t).astype(t, array_namespace(t).int64)
        elif dtype_kind(t) in ("bool", "integer"):
            t = self.make.cast(t, last) if self._is_own(t) else self._array(t, float)
        if self._axes == 1 and t.ndim == 2 and t.shape[1] == 1:
            return t[:, 0]
        return t[:, None] if self._axes == 2 and t.ndim == 1 else t

    def _check(self, who: str, parts: tuple[Any, ...]) -> None:
        """Raise for rows that do not belong together and, on the host, for values from which nothing can be learnt."""
        arrays = flat(parts)
        shapes = " and ".join(str(tuple(part.shape)) for part in arrays)
        if any(part.ndim < 1 for part in arrays) or len({part.shape[0] for part in arrays}) > 1:
            raise ShapeError(who, "x and t must have the same number of rows", f"shapes {shapes}", "check the source")
        if not arrays[0].shape[0]:
            raise ShapeError(who, "a batch must have rows", "none", "leave it out of the source")
        named = zip(NAMES, parts, strict=False)
        for name, part in [(name, array) for name, arrays in named for array in flat((arrays,))]:
            if isinstance(part, np.ndarray) and part.dtype.kind in "fc":
                fine = np.isfinite(part) if name != "weights" else np.isfinite(part) & (part >= 0.0)
                refuse_rows(who, name, "finite" if name != "weights" else "finite and not negative", part, fine)
        t = parts[1]
        if self.classes is not None and isinstance(t, np.ndarray) and t.dtype.kind in "iu":
            known = (t >= 0) & (t < self.classes)
            known = known if self._ignored is None else known | (t == self._ignored)
            refuse_rows(who, "t", f"class indices from 0 to {self.classes - 1}", t, known)

    def _find_classes(self) -> None:
        """Find the number of classes that integer targets may have."""
        last = self.make.network.last_layer
        self._ignored = getattr(last, "ignore_index", None)
        if dtype_kind(self.first.t) == "integer" and not isinstance(last, SigmoidWithLoss):
            y = self.make.network.predict(self.make.first(self.first.x))
            count = last.classes_of(y) if isinstance(last, Loss) else int(y.shape[-1])
            self.classes = count if takes_classes(last) or count > 1 else None


class StreamedRows(Rows):
    """The first batch of a stream, which represents its rows when training is measured."""

    def __init__(self, streamed: Streamed) -> None:
        first = streamed.first
        super().__init__(first.x, first.t, first.weights)
        self.streamed = streamed

    def batches(self, batch_size: int, rng: Generator | None, drop_last: bool) -> Any:  # noqa: ARG002
        """Return the stream itself.

        Raises: ``ArgumentError`` for options that the source determines.
        """
        who = self.streamed.make.who
        for name, given in (("batch_size", batch_size not in (USUAL, self.count)), ("drop_last", drop_last)):
            if given:
                must, got = f"{name} must be left out with a stream", batch_size if name == "batch_size" else True
                raise ArgumentError(who, must, got, "let the source make the batches")
        return self.streamed


def streamed_rows(make: Preparation, source: Any) -> StreamedRows:
    """Return the first rows of a stream, or of another source of batches."""
    return StreamedRows(Streamed(make, source if isinstance(source, Stream) else Stream(source), "train"))


def rows_of_stream(make: Preparation, source: Any) -> Rows:
    """Return all rows of a stream, in memory."""
    streamed = Streamed(make, source if isinstance(source, Stream) else Stream(source), "validation")
    batches = list(streamed.epoch(1))
    columns = list(zip(*map(flat, batches), strict=True))
    join: Callable[..., Any] = array_namespace(columns[0][0]).concat
    return Rows(*in_form(batches[0], [streamed.backend.asarray(join(column, axis=0)) for column in columns]))


def has_several(item: Any) -> bool:
    """Return whether x of a batch is several inputs: a tuple, or a list of arrays that a loader makes of one.

    In such a list every array has the rows of t; as many arrays as t has rows are rows.
    """
    if len(item) < 2 or not isinstance(item[0], list) or not item[0] or not all(map(is_array, item[0])):
        return len(item) > 1 and is_several(item[0])
    rows = getattr(item[1], "shape", ())[:1]
    return (len(item[0]),) != rows and all(part.shape[:1] == rows for part in item[0])


def refuse_rows(who: str, name: str, must: str, part: Any, fine: Any) -> None:
    """Raise ArgumentError with the first row in which not all values are fine."""
    if not fine.all():
        row = int(np.flatnonzero(~fine.reshape(len(fine), -1).all(axis=1))[0])
        value = part[row][~fine[row]].flat[0] if part.ndim > 1 else part[row]
        raise ArgumentError(who, f"{name} must be {must}", f"{value} in row {row}", "correct it, or leave the row out")
