"""One small table of people, in every form in which a user may hold it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

COLUMNS: dict[str, list[Any]] = {
    "age": [31, 45, 22, 58, 37, 29],
    "height": [1.7, 1.8, 1.65, 1.9, 1.75, 1.6],
    "city": ["Oslo", "Rome", "Oslo", "Paris", "Rome", "Oslo"],
    "member": [True, False, True, True, False, False],
    "since": [dt.date(2020, 1, day) for day in range(1, 7)],
    "income": [30.0, 52.5, 18.0, 71.0, 40.0, 27.0],
}


def pandas(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("pandas").DataFrame(columns)


def polars(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns)


def as_dict(columns: dict[str, list[Any]]) -> Any:
    return columns


def as_rows(columns: dict[str, list[Any]]) -> Any:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


FORMS: list[Callable[[dict[str, list[Any]]], Any]] = [as_dict, as_rows, pandas, polars]
