"""``conform``: what it says of good libraries, and of one that is damaged in ways we know."""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import array_api_compat.numpy as whole
import numpy as np
import pytest
from click.testing import CliRunner, Result

from xpnet.autodiff.namespace import DTYPES, REFUSED, VALUE_ONLY
from xpnet.autodiff.rules import COMPOSITES, RULES
from xpnet.cases import CASES
from xpnet.cli import main
from xpnet.conformance import Report, conform
from xpnet.conformance.rows import STATUSES
from xpnet.errors import ArgumentError, BackendError

SECTIONS = ["arrays", "deferring", "rules", "values", "layers", "training"]
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def library(name: str = "small_library", **changes: Any) -> ModuleType:
    """A library with arrays of its own around NumPy's; ``changes`` replaces functions, or removes them with None."""
    module = ModuleType(name)

    class Array:
        def __init__(self, values: Any) -> None:
            self.values = values

        dtype = property(lambda self: self.values.dtype)
        shape = property(lambda self: self.values.shape)
        ndim = property(lambda self: self.values.ndim)
        size = property(lambda self: self.values.size)
        T = property(lambda self: Array(self.values.T))
        mT = property(lambda self: Array(self.values.mT))
        device = "cpu"
        __hash__ = None

        def to_device(self, device: str) -> Array:
            return self

        def __array_namespace__(self, api_version: str | None = None) -> ModuleType:
            return module

        def __dlpack__(self, **keywords: Any) -> Any:
            return self.values.__dlpack__(**keywords)

        def __dlpack_device__(self) -> Any:
            return self.values.__dlpack_device__()

        def __getitem__(self, key: Any) -> Array:
            return outside(self.values[inside(key)])

        def __setitem__(self, key: Any, value: Any) -> None:
            self.values[inside(key)] = inside(value)

    def inside(value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(map(inside, value))
        return value.values if type(value) is Array else value

    def outside(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            return Array(np.asarray(value))
        if isinstance(value, tuple) and any(isinstance(item, np.ndarray) for item in value):
            items = map(outside, value)
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return value

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            return outside(function(*inside(args), **{key: inside(value) for key, value in keywords.items()}))

        return call

    def binary(operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def known(other: Any) -> bool:
            return type(other) in (Array, int, float, complex, bool)

        def method(self: Array, other: Any) -> Any:
            return outside(operate(self.values, inside(other))) if known(other) else NotImplemented

        def reflected(self: Array, other: Any) -> Any:
            return outside(operate(inside(other), self.values)) if known(other) else NotImplemented

        return method, reflected

    for short in (*OPERATORS, *COMPARISONS):
        operate = getattr(operator, f"{short}_" if short in ("and", "or") else short)
        method, reflected = binary(changes.pop(f"__{short}__", operate))
        setattr(Array, f"__{short}__", method)
        if short in OPERATORS:
            setattr(Array, f"__r{short}__", reflected)
    for short in ("neg", "pos", "abs", "invert"):
        setattr(Array, f"__{short}__", wrapped(getattr(operator, short)))
    for short, convert in {"bool": bool, "int": int, "float": float, "complex": complex}.items():
        setattr(Array, f"__{short}__", lambda self, convert=convert: convert(self.values))
    Array.__index__ = lambda self: operator.index(self.values)

    for full in (*RULES, *COMPOSITES, *VALUE_ONLY, *REFUSED):
        function = changes[full] if full in changes else of(whole, full)
        if function is not None:
            *extension, short = full.split(".")
            place = module
            for part in extension:
                place = place.__dict__.setdefault(part, ModuleType(f"{name}.{part}"))
            setattr(place, short, wrapped(function))
    for short in (*DTYPES, "pi", "e", "inf", "nan", "newaxis", "__array_namespace_info__"):
        if hasattr(whole, short):
            setattr(module, short, getattr(whole, short))
    return module


def of(module: Any, full: str) -> Any:
    """A function by its full name, None where a module has no such."""
    for part in full.split("."):
        module = getattr(module, part, None)
    return module


def failing(report: Report) -> dict[str, set[tuple[str, str]]]:
    """Section -> names and statuses of what failed."""
    found = {section: {(row.name, row.status) for row in report.failed(section)} for section in SECTIONS}
    return {section: names for section, names in found.items() if names}


def refuse(*_: Any, **__: Any) -> Any:
    raise ArithmeticError("no hyperbolas\nhere")


DAMAGE = {
    "fft.hfft": None,
    "argmin": None,
    "tan": lambda x: np.tan(x) * (1.0 + 1e-6),
    "cosh": refuse,
    "__floordiv__": operator.truediv,
}


@pytest.fixture
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], None]:
    return lambda module: monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", list(sys.path))


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["conform", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# libraries that are whole


def test_numpy_passes_everything() -> None:
    report = conform("numpy")
    assert report.ok
    assert report.failed() == []
    assert [section for section, rows in report.sections.items() if rows] == SECTIONS
    assert report.summary("rules") == "rules: 114 of 114 functions as NumPy (371 cases)"
    assert report.summary("training") == "training: 3 of 3 epochs as NumPy"
    assert report.notes == ()
    assert report.dtype == "float64"
    assert max(row.deviation or 0.0 for row in report.rows if row.section == "rules") == 0.0


def test_a_library_with_arrays_of_its_own_passes_everything() -> None:
    report = conform(library())
    assert failing(report) == {}
    assert report.namespace == "small_library"


def test_every_case_of_a_rule_counts_and_quick_tries_one() -> None:
    report = conform("numpy", quick=True)
    rules = report.sections["rules"]
    assert len(rules) == len({row.name for row in rules}) == 114
    assert "one case of each function" in str(report)


def test_array_api_strict_fails_by_not_deferring_and_by_nothing_else() -> None:
    pytest.importorskip("array_api_strict")
    report = conform("array-api-strict", device="device1")
    assert set(failing(report)) == {"deferring"}
    assert {row.status for row in report.failed()} == {"raises"}
    text = str(report)
    assert report.summary("deferring") == "deferring: 0 of 14 operators defer to a Variable, 14 raise"
    assert text.count("TypeError: Expected Array or Python scalar") == 1
    assert text.count("should return NotImplemented") == 1
    assert "device1" in text


def test_float32_is_tried_where_it_is_asked_for() -> None:
    report = conform("numpy", dtype="float32", quick=True)
    assert report.ok
    assert report.dtype == "float32"
    assert report.tolerance == 1e-4


def test_float32_is_tried_where_it_is_the_largest() -> None:
    def asarray(values: Any, dtype: Any = None, **keywords: Any) -> Any:
        if dtype == np.float64:
            raise TypeError("float32 is enough for everyone")
        made = whole.asarray(values, dtype=dtype, **keywords)
        return whole.astype(made, np.float32) if made.dtype == np.float64 else made

    report = conform(library(asarray=asarray), quick=True)
    assert report.dtype == "float32"
    assert "float32 is enough for everyone" in report.notes[0]
    assert report.summary("training") == "training: 3 of 3 epochs as NumPy"


# a library that is damaged


def test_exactly_what_is_damaged_is_reported() -> None:
    report = conform(library(**DAMAGE))
    assert failing(report) == {
        "arrays": {("__floordiv__", "deviates")},
        "rules": {("fft.hfft", "missing"), ("tan", "deviates"), ("cosh", "raises"), ("sinh", "raises")},
        "values": {("argmin", "missing")},
    }
    assert report.notes == ()
    assert not report.ok
    assert report.summary("rules") == "rules: 110 of 114 functions as NumPy (368 cases), 1 deviates, 2 raise, 1 missing"
    assert report.summary("values") == "values: 61 of 62 value-only functions present, 1 missing"
    rows = {row.name: row for row in report.failed("rules")}
    assert 100.0 < rows["tan"].deviation < 1e6
    assert rows["cosh"].found == "ArithmeticError: no hyperbolas here"
    assert rows["cosh"].tried == "value, complex"


def test_a_value_that_is_right_and_a_gradient_that_is_wrong_are_told_apart() -> None:
    report = conform(library(sinh=lambda x: np.sinh(x) * (1.0 + 1e-6)), quick=True)
    tried = {row.name: row.tried for row in report.failed()}
    assert tried == {"sinh": "value", "cosh": "gradient"}


def test_what_needs_a_missing_function_is_reported_with_it_and_once() -> None:
    report = conform(library(cumulative_prod=None, where=None), quick=True)
    statuses = {row.name: row.status for row in report.failed("rules")}
    assert statuses["where"] == statuses["cumulative_prod"] == "missing"
    assert set(statuses.values()) == {"missing", "needs"}
    lines = str(report).splitlines()
    assert len([line for line in lines if "where, which is missing" in line]) <= 3  # one in each section
    assert "raises" not in str(report)


def test_a_library_that_raises_everywhere_still_gets_a_whole_report() -> None:
    report = conform(library(sum=refuse, matmul=refuse, __matmul__=refuse, __lt__=refuse), quick=True)
    assert [section for section, rows in report.sections.items() if rows] == SECTIONS
    assert "training: 0 of 1 epochs as NumPy, 1 raises" in str(report)
    assert {row.status for row in report.rows} <= set(STATUSES)


def test_a_function_on_which_gradients_rest_is_named_before_them() -> None:
    report = conform(library(sum=lambda x, **keywords: np.sum(x, **keywords) * 1.001), quick=True)
    failed = report.failed("rules")
    assert {row.name for row in failed if row.tried.startswith("value")} == {"sum"}
    assert len(failed) > 10
    text = str(report)
    assert text.count("the values are right: look at sum first") == 1
    assert text.index("  sum ") < text.index("look at sum first")


def test_shapes_dtypes_and_things_that_are_no_arrays_deviate() -> None:
    report = conform(
        library(
            mean=lambda x, **_: float(np.mean(x)),
            exp=lambda x: np.exp(x).astype(np.float32),
            log1p=lambda x: np.log1p(x)[None],
            log10=lambda x: np.log10(x) * np.nan,
        ),
        quick=True,
    )
    found = {row.name: row.found for row in report.failed("rules") if row.tried.startswith("value")}
    assert found["mean"] == "float for an array"
    assert found["exp"] == "dtype float32 for float64"
    assert found["log1p"] == "shape (1, 3, 1, 2) for (3, 1, 2)"
    assert found["log10"].startswith("nan for ")


def test_a_library_without_complex_dtypes_is_tried_in_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    module = library()
    del module.complex128
    report = conform(module)
    needing = {row.name for row in report.failed("rules")}
    assert {row.status for row in report.failed("rules")} == {"needs"}
    assert {"fft.fft", "real", "imag", "astype"} <= needing
    assert "sin" not in needing


# what cannot be tried


@pytest.mark.parametrize(
    ("namespace", "text"),
    [
        ("no_such_library", r"^conform: namespace must be one of numpy, .*No module named 'no_such_library'"),
        ("math", r"^conform: namespace must make arrays .*got math, which has no asarray"),
        (3, r"^conform: namespace must make arrays .*got int, which has no asarray"),
        ("not a module", r"^conform: namespace must be one of numpy"),
        ("", r"^conform: namespace must be one of numpy"),
    ],
)
def test_what_is_no_array_namespace_is_refused(namespace: object, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        conform(namespace)


def test_a_module_that_breaks_as_it_is_imported_is_refused_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('no driver')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ArgumentError, match="RuntimeError: no driver"):
        conform("broken_library")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(BackendError, match="device must be"):
        conform("numpy", device="gpu")


def test_arrays_that_cannot_be_read_or_made_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"got small_library \(ArithmeticError: no hyperbolas here\)"):
        conform(library(asarray=refuse))
    with pytest.raises(BackendError, match=r"arrays of small_library must be readable on the host, got .* for "):
        conform(library(asarray=lambda values, **keywords: whole.asarray(values, **keywords) + 1))


# the command


def test_the_command_passes_numpy_and_can_print_every_row() -> None:
    result = run("numpy", "--quick")
    assert result.exit_code == 0, result.output
    assert "numpy: everything works as on NumPy" in result.stdout
    assert "linalg.svd" not in result.stdout
    every = run("numpy", "--quick", "--all")
    assert "linalg.svd" in every.stdout
    assert len(every.stdout.splitlines()) > len(result.stdout.splitlines()) + 200


def test_the_command_fails_and_names_what_is_damaged(on_the_path: Callable[..., None], tmp_path: Path) -> None:
    on_the_path(library("damaged.library", **DAMAGE))
    file = tmp_path / "report.json"
    result = run("damaged.library", "--json", file)
    assert result.exit_code == 1
    for text in ("fft.hfft", "argmin", "tan", "cosh, sinh", "__floordiv__", "ArithmeticError: no hyperbolas here"):
        assert text in result.stdout
    assert "linalg.svd" not in result.stdout
    told = json.loads(file.read_text())
    assert told["ok"] is False
    assert told["summaries"]["layers"] == f"layers: {len(CASES)} of {len(CASES)} layer cases as NumPy"
    statuses = {row["name"]: row["status"] for row in told["rows"] if row["section"] == "rules"}
    assert statuses["fft.hfft"] == "missing"


def test_the_report_is_json_whatever_is_in_it(on_the_path: Callable[..., None], tmp_path: Path) -> None:
    on_the_path(library("damaged.library", exp=lambda x: np.exp(x) * np.nan))
    file = tmp_path / "report.json"
    assert run("damaged.library", "--quick", "--json", file).exit_code == 1
    rows = json.loads(file.read_text(), parse_constant=pytest.fail)["rows"]
    assert next(row for row in rows if row["name"] == "exp")["deviation"] is None


def test_the_command_finds_a_library_in_the_folder_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uninstalled_library.py").write_text("from array_api_compat.numpy import *\n")
    monkeypatch.chdir(tmp_path)
    result = run("uninstalled_library", "--quick")
    assert result.exit_code == 0
    assert "the arrays of uninstalled_library name numpy as their namespace" in result.stdout


@pytest.mark.parametrize("namespace", ["no_such_library", "math"])
def test_the_command_refuses_in_one_line(namespace: str) -> None:
    result = run(namespace)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: conform: namespace must ")
    assert len(result.stderr.splitlines()) == 1
