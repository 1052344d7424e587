"""A run that answers requests: its rows from bodies, their answers, and the insides of its network."""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from xpnet.backend import backend_of, get_backend, to_numpy
from xpnet.datasets import Columns, Images, Symbols
from xpnet.datasets.byte_pairs import BytePairs
from xpnet.datasets.images import opened_image
from xpnet.datasets.row_files import Named, as_rows, check_objects, rows_in
from xpnet.errors import XpnetError
from xpnet.files import reason
from xpnet.networks import TransformerLM
from xpnet.random import Generator
from xpnet.serving.insides import activations, gradient, maps_of
from xpnet.serving.limits import Limits, Refused
from xpnet.serving.schema import BODIES
from xpnet.training import Run
from xpnet.training.about import about
from xpnet.training.predictions import Predictions

LISTED = 20
"""The number of symbols of a text that are listed with their probabilities."""

WRITTEN = 200
"""The largest number of symbols that are written at a time."""

ENDINGS = {
    "text/csv": ".csv",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "text/plain": ".txt",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-npy": ".npy",
}
"""The endings of files by the types of bodies."""


@dataclass
class Rows:
    """Rows for the network, ``x (N, ...)`` on the host, and what was to be said about them."""

    x: Any
    remarks: list[str]


class Model:
    """A run that answers requests."""

    def __init__(self, run: Run, limits: Limits) -> None:
        self.run, self.limits = run, limits
        self.about = about(run)
        self.about["run"] = run.folder.resolve().name
        del self.about["files"], self.about["training"]["settings"]
        W = next(iter(run.network.params.values()), None)
        self.backend = get_backend() if W is None else backend_of(W)
        self.context: int | None = getattr(run.network, "context", None)

    def rows(self, body: bytes, kind: str) -> Rows:
        """Return the rows in the body of a request, encoded for the network.

        Raises: ``Refused`` for a body that is none, or has too many rows.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                x = self.encoded(self.given(body, kind))
            except XpnetError as error:
                raise Refused(422, str(error)) from error
        return Rows(x, [str(each.message) for each in caught if issubclass(each.category, UserWarning)])

    def given(self, body: bytes, kind: str) -> Any:
        """Return the rows in a body, as the encoding takes them."""
        if kind == "application/json":
            rows = self.of_json(body)
        else:
            takes = self.about["takes"]["kind"]
            if not any(fnmatchcase(kind, one) for one in BODIES[takes]):
                known = ", ".join(["application/json", *BODIES[takes]])
                raise Refused(415, f"a body with {takes} must be one of {known}, got {kind or 'no type'}")
            name = "the image" if takes == "images" else "the file"
            rows = rows_in(self.run.encoding, body, name, ENDINGS.get(kind, ""))
        count = len(rows)
        if count > self.limits.rows:
            raise Refused(413, f"a request may hold {self.limits.rows:,} rows, got {count:,}; split it")
        if isinstance(self.run.encoding.inputs, Images) and isinstance(rows, list):
            for image in rows:
                self.check_pixels(image)
        return rows

    def check_pixels(self, image: Named) -> None:
        """Raise Refused for an image with too many pixels, before they are decoded."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with opened_image(image) as opened:
                    width, height = opened.size
        except Exception as error:  # what Pillow raises for a damaged file is of many kinds
            if isinstance(error, XpnetError):
                raise
            unknown = type(error).__name__ == "UnidentifiedImageError"
            got = "no image" if unknown else reason(error) or type(error).__name__
            raise Refused(422, f"{image.name} must be a whole image, got {got}") from error
        image.seek(0)
        if width * height > self.limits.pixels:
            most = f"{self.limits.pixels:,} pixels"
            raise Refused(413, f"an image may have {most}, got {width} x {height}; make it smaller")

    def of_json(self, body: bytes) -> Any:
        """Return the rows of a JSON body, ``{"rows": […]}``."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(
                400, f"the body must be JSON, got {type(error).__name__}: {error}".partition("\n")[0]
            ) from error
        rows = told.get("rows") if isinstance(told, dict) else None
        if not isinstance(rows, list) or not rows:
            raise Refused(400, 'the body must be {"rows": [row, …]} with at least one row; see /openapi.json')
        inputs = self.run.encoding.inputs
        if isinstance(inputs, Columns):
            check_objects(rows, "rows")
            return rows
        if isinstance(inputs, Images):
            return [Named(decoded(row, number), f"the image in row {number}") for number, row in enumerate(rows)]
        if isinstance(inputs, Symbols | BytePairs):
            if not all(isinstance(row, str) and row for row in rows):
                raise Refused(422, "each row must be a text of at least one character")
            return rows
        return as_rows(rows, self.run.encoding.row, "rows")

    def encoded(self, rows: Any) -> Any:
        """Return rows as the network takes them, ``(N, ...)`` on the host."""
        inputs = self.run.encoding.inputs
        if isinstance(inputs, Symbols | BytePairs):
            found = [inputs([row])[0][-self.context :] if self.context else inputs([row])[0] for row in rows]
            if len({len(row) for row in found}) > 1:
                raise Refused(422, "texts of one request must have equal lengths; ask for them one by one")
            return np.asarray(found)
        if isinstance(inputs, Columns) and isinstance(rows, list):
            names = [column.name for column in inputs.columns if column.width]
            for number, row in enumerate(rows):
                if lacking := [name for name in names if name not in row]:
                    text = f"row {number} must have the column {lacking[0]}, or null where a value is missing"
                    raise Refused(422, f"{text}; the columns are {', '.join(names)}")
            rows = [{name: row[name] for name in names} for row in rows]
        return np.asarray(to_numpy(self.backend.asarray(self.run.encoding.x(rows))))

    def scores(self, x: Any) -> Any:
        """Return the scores of rows on the host."""
        return to_numpy(self.run.network.predict(self.backend.asarray(x)))

    def answers(self, scores: Any) -> list[dict[str, Any]]:
        """Return the answers that scores stand for; of a text, the next symbol and the likeliest ones."""
        if isinstance(self.run.encoding.inputs, Symbols | BytePairs) and scores.ndim == 3:
            return [self.next_symbols(row) for row in scores[:, -1]]
        found = Predictions.of(self.run.network.last_layer, self.run.encoding, scores)
        return [found.of_row(row) for row in range(len(found.answers))]

    def next_symbols(self, scores: Any) -> dict[str, Any]:
        """Return the likeliest next symbol of a text, and the probabilities of the first ones."""
        powers = np.exp(scores.astype(np.float64) - scores.max())
        shares = powers / powers.sum()
        order = np.argsort(-shares)[:LISTED]
        symbols: Any = self.run.encoding.inputs
        named: dict[str, float] = {}
        for k in order:
            text = symbols.text(np.asarray([k]))
            named[text] = named.get(text, 0.0) + float(shares[k])
        return {"answer": next(iter(named)), "probabilities": named}

    def explained(self, x: Any) -> dict[str, Any]:
        """Return the answer for one row, the outputs of the layers, and the gradient of the answer's score."""
        network, inputs = self.run.network, self.run.encoding.inputs
        row = self.backend.asarray(x)
        scores = self.scores(x)
        told = {**self.answers(scores)[0], "layers": activations(network, row)}
        if x.dtype.kind != "f":
            return told
        flat = np.reshape(scores, (-1,))
        slopes = gradient(network, row, int(flat.argmax()))
        if flat.size == 1 and self.about["answers"]["kind"] == "classes" and flat[0] <= 0.0:
            slopes = -slopes  # of the first class, whose score is minus this one
        if isinstance(inputs, Images):
            shape = (inputs.channels, *inputs.size)
            told |= {"input": maps_of(x[0].reshape(shape)), "gradient": maps_of(slopes.reshape(shape))}
        elif isinstance(inputs, Columns):
            told["gradient"] = dict(zip(inputs.names, maps_of(slopes)[0][0], strict=False))
        else:
            told |= {"input": maps_of(x[0]), "gradient": maps_of(slopes)}
        return told

    def written(self, text: str, count: int, seed: int) -> str:
        """Return a text that goes on by some symbols.

        Raises: ``Refused`` for a network that does not write.
        """
        network, symbols = self.run.network, self.run.encoding.inputs
        if not isinstance(network, TransformerLM) or not isinstance(symbols, Symbols | BytePairs):
            raise Refused(404, "this network does not write texts")
        if not 1 <= count <= WRITTEN:
            raise Refused(422, f"count must be from 1 to {WRITTEN}, got {count}")
        row = symbols([text])[0]
        made = network.generate(self.backend.asarray(row), count, temperature=0.7, rng=Generator(seed))
        return symbols.text(made)


def decoded(row: Any, number: int) -> bytes:
    """Return the bytes of an image in base64.

    Raises: ``Refused`` for anything else.
    """
    try:
        return base64.b64decode(row.partition(",")[2] if row.startswith("data:") else row, validate=True)
    except (AttributeError, ValueError, binascii.Error):
        raise Refused(422, f"row {number} must be the file of an image in base64") from None
