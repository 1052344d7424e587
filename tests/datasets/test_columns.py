"""Columns become numbers by what training has shown, and the same numbers after a way through JSON."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta, timezone

import numpy as np
import pytest
from tables_of_people import COLUMNS, FORMS

from xpnet.datasets import Columns, Table
from xpnet.errors import ArgumentError, DataError, DtypeError, NameUnknownError


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_centred_and_categories_are_ones(form) -> None:
    table = form(COLUMNS)
    columns = Columns.fit(table)
    x = columns(table)
    assert columns.names == ["age", "height", "city=Oslo", "city=Paris", "city=Rome", "member", "since", "income"]
    assert x.shape == (6, columns.width) == (6, 8)
    age = np.asarray(COLUMNS["age"], dtype=float)
    np.testing.assert_allclose(x[:, 0], (age - age.mean()) / age.std())
    assert x[:, 2:5].tolist() == [[c == city for c in ("Oslo", "Paris", "Rome")] for city in COLUMNS["city"]]
    np.testing.assert_allclose(np.delete(x, [2, 3, 4], axis=1).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.delete(x, [2, 3, 4], axis=1).std(axis=0), 1.0)


def test_other_rows_are_measured_by_those_of_training() -> None:
    columns = Columns.fit({"a": [0.0, 2.0], "b": ["x", "y"]})
    np.testing.assert_allclose(columns({"b": ["y"], "a": [7.0], "more": [1]}), [[6.0, 0.0, 1.0]])


def test_columns_come_back_from_json() -> None:
    columns = Columns.fit(COLUMNS, missing="fill")
    again = Columns.of(json.loads(json.dumps(columns.describe())))
    np.testing.assert_array_equal(again(COLUMNS), columns(COLUMNS))
    assert str(again) == str(columns)
    assert again.missing == "fill"


def test_columns_that_teach_nothing_are_left_out_and_say_why() -> None:
    table = {"id": [f"h{i}" for i in range(99)], "one": ["x"] * 99, "none": [None] * 99, "a": range(99)}
    columns = Columns.fit(table)
    assert columns.names == ["a"]
    assert str(columns).splitlines() == [
        "id: left out, it has 99 different texts in 99 rows",
        "one: left out, it is always x",
        "none: left out, it has no value",
        "a: number, mean 49, std 28.58",
    ]
    with pytest.raises(
        ArgumentError, match="at least one column must be left to learn from, got one: left out, it is always 1"
    ):
        Columns.fit({"one": [1, 1]})


def test_a_kind_may_be_named() -> None:
    table = {"zip": [10115, 20095, 10115], "a": [1.0, 2.0, 3.0]}
    assert Columns.fit(table, {"zip": "category", "a": "none"}).names == ["zip=10115", "zip=20095"]
    with pytest.raises(ArgumentError, match=r"kind of column a must be one of number, .* got 'float'"):
        Columns.fit(table, {"a": "float"})
    with pytest.raises(NameUnknownError, match="got 'town'"):
        Columns.fit(table, {"town": "number"})
    with pytest.raises(DataError, match="column b must be a number in each row, got 'x' in row 1; correct it"):
        Columns.fit({"b": ["1", "x"]}, {"b": "number"})


def test_missing_values_are_named_by_column_and_row() -> None:
    table = {"a": [1.0, 2.0, None, 4.0, None], "b": ["x", "y", "x", None, "y"]}
    for name, row, more in (("a", 2, " and 1 more"), ("b", 3, "")):
        own = {name: table[name]}
        with pytest.raises(
            DataError, match=f"column {name} must have a value in each row, got none in row {row}{more};"
        ):
            Columns.fit(own)(own)
    filled = Columns.fit(table, missing="fill")(table)
    assert filled[2, 0] == 0.0
    assert filled[3, 1:].tolist() == [0.0, 0.0]


def test_infinity_is_refused_by_row() -> None:
    with pytest.raises(DataError, match="column a must be finite, got inf in row 1"):
        Columns.fit({"a": [1.0, np.inf, 2.0]})({"a": [1.0, np.inf, 2.0]})


def test_an_unknown_category_is_told() -> None:
    columns = Columns.fit({"b": ["x", "y"]})
    with pytest.warns(UserWarning, match="column b has 'z' in row 1, which training has not seen; it counts as none"):
        assert columns({"b": ["y", "z"]}).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_a_column_that_is_gone_is_refused() -> None:
    with pytest.raises(NameUnknownError, match="rows must have the columns of training, a, b, got a; add b"):
        Columns.fit({"a": [1, 2], "b": [3, 4]})({"a": [1]})


def test_a_text_among_numbers_is_refused_by_its_row_and_a_column_of_names_left_out() -> None:
    numbers = [*map(str, range(20)), "n.d."]
    with pytest.raises(DataError, match=r"column a must be numbers, as most of it is, got 'n.d.' in row 20"):
        Columns.fit({"a": numbers, "b": [*numbers[:-1], "20"]})
    assert Columns.fit({"a": numbers}, kinds={"a": "category"}).width == 21
    assert Columns.fit({"a": ["1", "2", "S"] * 10}).width == 3  # sizes: most are numbers, but not nearly all
    found = Columns.fit({"name": [f"person {i}" for i in range(12)], "b": list(range(12))}).columns[0]
    assert str(found) == "name: left out, it has 12 different texts in 12 rows"
    with pytest.raises(DtypeError, match=r'kinds must name the kind of a column, got list; write kinds={"zip'):
        Columns.fit({"a": [1, 2]}, kinds=["a"])


def test_times_of_other_zones_are_those_of_utc_and_times_of_day_are_seconds() -> None:
    hours = timezone(timedelta(hours=2))
    table = Table(
        {
            "text": ["2026-01-01T02:00:00+02:00", "2026-01-01 00:00:00.250Z"],
            "own": [datetime(2026, 1, 1, 2, tzinfo=hours), datetime(2026, 1, 1)],
            "day": [time(1, 0, 1), None],
        }
    )
    first = np.datetime64("2026-01-01T00:00:00")
    assert table["text"].tolist() == table["own"].tolist() == [first.item(), first.item()]
    assert table["day"].tolist()[0] == 3601.0
    with pytest.raises(DtypeError, match="column a must hold no complex numbers"):
        Table({"a": [1, 2j]})
