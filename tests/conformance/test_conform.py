"""``conform``: what it says of good libraries, and of one that is damaged in ways we know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import array_api_compat.numpy as whole
import numpy as np
import pytest
from small_library import DAMAGE, library, refuse

from xpnet.conformance import Report, conform
from xpnet.conformance.rows import STATUSES
from xpnet.errors import ArgumentError, BackendError

SECTIONS = ["arrays", "deferring", "rules", "values", "layers", "training"]


def failing(report: Report) -> dict[str, set[tuple[str, str]]]:
    """Section -> names and statuses of what failed."""
    found = {section: {(row.name, row.status) for row in report.failed(section)} for section in SECTIONS}
    return {section: names for section, names in found.items() if names}


@pytest.mark.usefixtures("few")
def test_numpy_passes_everything() -> None:
    report = conform("numpy")
    assert report.ok
    assert report.failed() == []
    assert [section for section, rows in report.sections.items() if rows] == SECTIONS
    assert report.summary("rules") == "rules: 125 of 125 functions as NumPy (389 cases)"
    assert report.summary("training") == "training: 3 of 3 epochs as NumPy"
    assert report.notes == ()
    assert report.dtype == "float64"
    assert max(row.deviation or 0.0 for row in report.rows if row.section == "rules") == 0.0


@pytest.mark.usefixtures("few")
def test_a_library_with_arrays_of_its_own_passes_everything() -> None:
    report = conform(library())
    assert failing(report) == {}
    assert report.namespace == "small_library"


@pytest.mark.usefixtures("few")
def test_cupy_lacks_to_device_and_nothing_else(needs) -> None:
    needs("cupy")
    report = conform("cupy")
    assert failing(report) == {"arrays": {("to_device", "missing")}}


@pytest.mark.usefixtures("few")
def test_every_case_of_a_rule_counts_and_quick_tries_one() -> None:
    report = conform("numpy", quick=True)
    rules = report.sections["rules"]
    assert len(rules) == len({row.name for row in rules}) == 125
    assert "one case of each function" in str(report)


def test_array_api_strict_does_not_defer_and_from_dlpack_leaves_the_device_and_nothing_else_fails() -> None:
    pytest.importorskip("array_api_strict")
    report = conform("array-api-strict", device="device1")
    assert set(failing(report)) == {"deferring", "rules"}
    assert {row.status for row in report.failed("deferring")} == {"raises"}
    (moved,) = report.failed("rules")  # the standard: without a device, "on the same device as x"
    assert (moved.name, moved.tried, moved.status) == ("from_dlpack", "value", "deviates")
    assert moved.found == "device array_api_strict.Device('CPU_DEVICE') for array_api_strict.Device('device1')"
    text = str(report)
    assert report.summary("deferring") == "deferring: 0 of 14 operators defer to a Variable, 14 raise"
    assert text.count("TypeError: Expected Array or Python scalar") == 1
    assert text.count("should return NotImplemented") == 1
    assert "device1" in text


@pytest.mark.usefixtures("few")
def test_float32_is_tried_where_it_is_asked_for() -> None:
    report = conform("numpy", dtype="float32", quick=True)
    assert report.ok
    assert report.dtype == "float32"
    assert report.tolerance == 1e-4


@pytest.mark.usefixtures("few")
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


@pytest.mark.usefixtures("few")
def test_exactly_what_is_damaged_is_reported() -> None:
    report = conform(library(**DAMAGE))
    assert failing(report) == {
        "arrays": {("__floordiv__", "deviates")},
        "rules": {("fft.hfft", "missing"), ("tan", "deviates"), ("cosh", "raises"), ("sinh", "raises")},
        "values": {("argmin", "missing")},
    }
    assert report.notes == ()
    assert not report.ok
    assert report.summary("rules") == "rules: 121 of 125 functions as NumPy (386 cases), 1 deviates, 2 raise, 1 missing"
    assert report.summary("values") == "values: 50 of 51 value-only functions present, 1 missing"
    rows = {row.name: row for row in report.failed("rules")}
    assert 100.0 < rows["tan"].deviation < 1e6
    assert rows["cosh"].found == "ArithmeticError: no hyperbolas here"
    assert rows["cosh"].tried == "value, complex"


@pytest.mark.usefixtures("few")
def test_a_value_that_is_right_and_a_gradient_that_is_wrong_are_told_apart() -> None:
    report = conform(library(sinh=lambda x: np.sinh(x) * (1.0 + 1e-6)), quick=True)
    tried = {row.name: row.tried for row in report.failed()}
    assert tried == {"sinh": "value", "cosh": "gradient"}


@pytest.mark.usefixtures("few")
def test_what_needs_a_missing_function_is_reported_with_it_and_once() -> None:
    report = conform(library(cumulative_prod=None, where=None), quick=True)
    statuses = {row.name: row.status for row in report.failed("rules")}
    assert statuses["where"] == statuses["cumulative_prod"] == "missing"
    assert set(statuses.values()) == {"missing", "needs"}
    lines = str(report).splitlines()
    assert len([line for line in lines if "where, which is missing" in line]) <= 3  # one in each section
    assert "raises" not in str(report)


@pytest.mark.usefixtures("few")
def test_a_library_that_raises_everywhere_still_gets_a_whole_report() -> None:
    report = conform(library(sum=refuse, matmul=refuse, __matmul__=refuse, __lt__=refuse), quick=True)
    assert [section for section, rows in report.sections.items() if rows] == SECTIONS
    assert "training: 0 of 1 epochs as NumPy, 1 raises" in str(report)
    assert {row.status for row in report.rows} <= set(STATUSES)


@pytest.mark.usefixtures("few")
def test_a_function_on_which_gradients_rest_is_named_before_them() -> None:
    report = conform(library(sum=lambda x, **keywords: np.sum(x, **keywords) * 1.001), quick=True)
    failed = report.failed("rules")
    assert {row.name for row in failed if row.tried.startswith("value")} == {"sum"}
    assert len(failed) > 10
    text = str(report)
    assert text.count("the values are right: look at sum first") == 1
    assert text.index("  sum ") < text.index("look at sum first")


@pytest.mark.usefixtures("few")
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


@pytest.mark.usefixtures("few")
def test_a_library_without_complex_dtypes_is_tried_in_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    module = library()
    del module.complex128
    report = conform(module)
    needing = {row.name for row in report.failed("rules")}
    assert {row.status for row in report.failed("rules")} == {"needs"}
    assert {"fft.fft", "real", "imag", "astype"} <= needing
    assert "sin" not in needing


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
@pytest.mark.usefixtures("few")
def test_what_is_no_array_namespace_is_refused(namespace: object, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        conform(namespace)


@pytest.mark.usefixtures("few")
def test_a_module_that_breaks_as_it_is_imported_is_refused_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('no driver')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ArgumentError, match="RuntimeError: no driver"):
        conform("broken_library")


@pytest.mark.usefixtures("few")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(BackendError, match="device must be"):
        conform("numpy", device="gpu")


@pytest.mark.usefixtures("few")
def test_arrays_that_cannot_be_read_or_made_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"got small_library \(ArithmeticError: no hyperbolas here\)"):
        conform(library(asarray=refuse))
    with pytest.raises(BackendError, match=r"arrays of small_library must be readable on the host, got .* for "):
        conform(library(asarray=lambda values, **keywords: whole.asarray(values, **keywords) + 1))
