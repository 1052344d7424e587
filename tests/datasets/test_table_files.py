"""Tables in CSV and Parquet, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpnet.datasets import Dataset, read_csv, read_table
from xpnet.errors import BackendError, DataError


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_with_any_delimiter(delimiter: str, end: str, tmp_path: Path) -> None:
    lines = ["a,b,c", '1,"x, y",2026-11-28', "", '2.5,"say ""é""",2026-11-29', ",z,"]
    text = end.join(line.replace(",", delimiter) for line in lines)
    table = read_csv(written(tmp_path / "t.csv", "\ufeff" + text))
    assert list(table.columns) == ["a", "b", "c"]
    assert table["a"].tolist()[:2] == [1.0, 2.5]
    assert table["b"].tolist() == [f"x{delimiter} y", 'say "é"', "z"]
    assert table["c"].dtype.kind == "M"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,b\n1,2\n3\n", r"each line of .* must have 2 values, got 1 in line 3"),
        ("a,b\n1,2\n3,4,5\n", r"got 3 in line 3"),
        ("a,b\n", r"must name its columns in the first line, and hold rows, got 1 lines"),
        ("", "got 0 lines"),
        ("a,a\n1,2\n", "each column must have a name of its own, got two of 'a'"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "must name the columns, got '5.1'; write a line of names above it"),
        (b"a\n\xff\xfe\n", "must be text in UTF-8, got byte 0xff at 2"),
        (b"a\n1\0\n", "must be text, got a zero byte"),
        ('a\n"open\n', "must be lines of values, got unexpected end of data"),
    ],
)
def test_files_that_are_no_table_are_refused(text: str | bytes, found: str, tmp_path: Path) -> None:
    with pytest.raises((DataError, ValueError), match=found):
        read_csv(written(tmp_path / "t.csv", text))


def test_decimal_commas_are_read_where_the_delimiter_is_none(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path / "t.csv", 'sep=;\r\na;b;c\r\n"0,5";1,2,3;x\r\n-2;4,5,6;y\r\n;;z\r\n'))
    assert table["a"].tolist()[:2] == [0.5, -2.0]
    assert table["b"].tolist() == ["1,2,3", "4,5,6", None]
    assert read_csv(written(tmp_path / "u.csv", 'a,b\n"0,5",x\n'))["a"].tolist() == ["0,5"]


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^read_csv: .*none.csv must be readable, got No such file or directory"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"must be a table by the ending of its name, got .xlsx; name it .csv"):
        read_table(tmp_path / "t.xlsx")


def test_a_data_set_of_a_file(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'xy'[i % 2]},{i * 2.5}\n" for i in range(30))
    data = Dataset.of(written(tmp_path / "t.csv", "a,b,price\n" + rows), target="price")
    assert data.encoding.inputs.names == ["a", "b=x", "b=y"]
    assert data.train[0].shape == (24, 3)


def test_a_parquet_file(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame({"a": [1, 2], "b": ["x", None]}).write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["a"].tolist() == [1, 2]
    assert table["b"].tolist() == ["x", None]
    with pytest.raises(DataError, match="must be a readable Parquet file"):
        read_table(written(tmp_path / "bad.parquet", b"PAR1 nothing"))


def test_parquet_without_a_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BackendError, match=r"polars must be installed, got none; pip install xpnet\[data\]"):
        read_table(tmp_path / "t.parquet")
