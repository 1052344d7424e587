"""A table is the same from pandas, polars, dicts and rows; its columns are found to be what they are."""

from __future__ import annotations

import numpy as np
import pytest
from tables_of_people import COLUMNS, FORMS

from xpnet.datasets import Table
from xpnet.errors import ArgumentError, DataError, DtypeError, NameUnknownError, ShapeError


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_columns(form) -> None:
    table = Table.of(form(COLUMNS))
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 6
    kinds = {name: values.dtype.kind for name, values in table.columns.items()}
    assert kinds == {"age": "i", "height": "f", "city": "O", "member": "b", "since": "M", "income": "f"}
    assert table["city"].tolist() == COLUMNS["city"]
    assert table["since"].astype("datetime64[D]").astype(str).tolist()[0] == "2020-01-01"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_missing_stays_missing(form) -> None:
    table = Table.of(form({"a": [1.0, None, 3.0], "b": ["x", None, "y"]}))
    assert np.isnan(table["a"]).tolist() == [False, True, False]
    assert table["b"].tolist() == ["x", None, "y"]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2", "-3"], "i"),
        (["1.5", "", "2e3"], "f"),
        (["true", "False", "TRUE"], "b"),
        (["2026-11-28", "2020-01-01 10:30", ""], "M"),
        (["2026-02-31", "2020-01-01"], "O"),
        (["1", "two"], "O"),
        (["9" * 30, "1"], "f"),
        (["", "NA", "?"], "O"),
    ],
)
def test_texts_become_what_they_say(texts: list[str], kind: str) -> None:
    assert Table({"a": texts})["a"].dtype.kind == kind


def test_rows_without_names_are_numbered() -> None:
    for rows in ([[1, "a"], [2, "b"]], np.asarray([[1, "a"], [2, "b"]], dtype=object)):
        table = Table.of(rows)
        assert {name: values.tolist() for name, values in table.columns.items()} == {
            "column 0": [1, 2],
            "column 1": ["a", "b"],
        }


def test_some_rows_remember_their_places() -> None:
    table = Table(COLUMNS).take(np.asarray([4, 1])).take(np.asarray([1]))
    assert table.places.tolist() == [1]
    assert table["city"].tolist() == ["Rome"]
    assert "city" not in table.without("city").columns


def test_what_is_no_table_is_refused() -> None:
    for made, kind, text in (
        (lambda: Table.of(3), DtypeError, "a table must have rows and columns, got int"),
        (lambda: Table.of([[1], [2, 3]]), ShapeError, "rows must have equal lengths"),
        (lambda: Table({"a": [1], "b": [1, 2]}), ShapeError, "columns must have equal lengths"),
        (lambda: Table({"a": []}), DataError, "a table must have rows"),
        (lambda: Table({"a": "text"}), DtypeError, "column a must hold a value for each row, got str"),
        (lambda: Table({"a": np.ones((2, 2))}), ShapeError, r"column a must hold one value for each row, got \(2, 2\)"),
        (lambda: Table({1: [1], "1": [2]}), ArgumentError, "each column must have a name of its own"),
        (lambda: Table(COLUMNS)["town"], NameUnknownError, "the column must be one of age, .* got 'town'"),
    ):
        with pytest.raises(kind, match=f"^Table: {text}"):
            made()


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pytest.importorskip("pandas").DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ArgumentError, match="each column must have a name of its own, got two of 'a'"):
        Table.of(frame)
