"""The preparation of the data that a Trainer trains and measures on."""

from __future__ import annotations

from typing import Any

from xpnet.backend import dtype_kind, is_array, to_numpy
from xpnet.datasets import Dataset, Encoding, Stream, split
from xpnet.datasets.streams import is_source
from xpnet.errors import ArgumentError
from xpnet.networks import Network
from xpnet.random import Generator
from xpnet.training.class_weights import weighted
from xpnet.training.rows import Preparation, Rows
from xpnet.training.streamed import StreamedRows, rows_of_stream, streamed_rows


def prepared(
    who: str, network: Network, train: Any, validation: Any, rng: Generator, class_weight: Any = None
) -> tuple[Rows | StreamedRows, Rows | None, Encoding | None]:
    """Return the training rows, or the stream, the validation rows, and their encoding.

    ``validation`` is a pair, a stream, the share of the training rows, taken from every class, or None.

    Raises: errors of ``Preparation.rows``, ``Streamed`` and ``split``.
    """
    encoding = None
    if isinstance(train, Dataset):
        encoding = train.encoding
        if validation is None:
            validation = train.validation
        train = train.train
    if isinstance(validation, Dataset):
        validation = validation.train
    make = Preparation(who, network, encoding)
    share = isinstance(validation, float | int) and not isinstance(validation, bool)
    if isinstance(train, Stream) or is_source(train):
        if share:
            must, remedy = (
                "validation must be separate rows with a stream",
                "give a pair (x, t), or leave it out",
            )
            raise ArgumentError(who, must, f"a share, {validation}", remedy)
        if class_weight is not None:
            must, remedy = "class_weight must be left out with a stream", "let its batches be (x, t, weights)"
            raise ArgumentError(who, must, repr(class_weight), remedy)
        stream = streamed_rows(make, train)
        return stream, apart_of(make, validation), make.encoding
    rows = make.rows("train", train)
    apart: Rows | None
    if share:
        labels = to_numpy(rows.t) if is_array(rows.t) and dtype_kind(rows.t) == "integer" and rows.t.ndim == 1 else None
        kept, held = split(rows.count, float(validation), rng, labels)
        rows, apart = rows.take(kept), rows.take(held)
    else:
        apart = apart_of(make, validation)
    if class_weight is not None:
        rows.weights = weighted(who, make.beside(rows.x), rows.t, rows.weights, class_weight, make.encoding)
    return rows, apart, make.encoding


def apart_of(make: Preparation, validation: Any) -> Rows | None:
    """Return the validation rows, or None."""
    if validation is None:
        return None
    if isinstance(validation, Stream) or is_source(validation):
        return rows_of_stream(make, validation)
    return make.rows("validation", validation)
