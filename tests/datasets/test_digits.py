"""The digits that ship with xpnet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xpnet.datasets
from xpnet.backend import to_numpy, use_backend
from xpnet.datasets import load_digits

FOLDER = Path(xpnet.datasets.__file__).parent


@pytest.mark.parametrize(
    ("backend", "device"),
    [("numpy", None), ("cupy", None), ("array-api-strict", None), ("array-api-strict", "device1")],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_born_on_the_current_backend(backend: str, device: str | None, dtype: str, needs) -> None:
    needs(backend)
    with use_backend(backend, device=device, dtype=dtype) as current:
        (x_train, t_train), (x_test, t_test) = load_digits()
        (_, one_hot), _ = load_digits(one_hot_label=True)
    for array in (x_train, t_train, x_test, t_test, one_hot):
        assert array.device == current.device
        assert isinstance(array, type(current.asarray([0.0])))
    for array in (x_train, x_test, one_hot):
        assert array.dtype == current.dtype
    for array in (t_train, t_test):
        assert array.dtype == current.xp.int64
    host = to_numpy(x_train)
    assert np.array_equal(host * 16, np.round(host * 16))


def test_split_has_1437_and_360_rows_and_every_class() -> None:
    (x_train, t_train), (x_test, t_test) = load_digits()
    assert x_train.shape == (1437, 64)
    assert t_train.shape == (1437,)
    assert x_test.shape == (360, 64)
    assert t_test.shape == (360,)
    assert (x_train.min(), x_train.max()) == (0.0, 1.0)
    assert t_train[:8].tolist() == [2, 4, 5, 4, 8, 2, 0, 6]
    for labels in (t_train, t_test):
        assert set(labels.tolist()) == set(range(10))
        assert np.bincount(labels).min() >= len(labels) // 20


def test_options_change_the_form_and_not_the_values() -> None:
    (x, t), (x_test, _) = load_digits()
    (raw, _), _ = load_digits(normalize=False)
    (images, _), (images_test, _) = load_digits(flatten=False)
    (_, one_hot), _ = load_digits(one_hot_label=True)
    assert raw.dtype == np.uint8
    assert np.array_equal(raw / 16, x)
    assert images.shape == (1437, 1, 8, 8)
    assert images_test.shape == (360, 1, 8, 8)
    assert np.array_equal(images.reshape(1437, 64), x)
    assert np.array_equal(images_test.reshape(360, 64), x_test)
    assert one_hot.shape == (1437, 10)
    assert np.array_equal(one_hot.argmax(axis=1), t)
    assert np.array_equal(one_hot.sum(axis=1), np.ones(1437))


def test_two_loads_share_no_memory() -> None:
    (x, _), _ = load_digits(normalize=False)
    x[...] = 0
    (again, _), _ = load_digits(normalize=False)
    assert again.any()


def test_rows_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    (x_train, t_train), (x_test, t_test) = load_digits(normalize=False)
    ours = np.column_stack([np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])])
    expected = np.column_stack([theirs.data, theirs.target]).astype(int)
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, expected.tolist()))


def test_recipe_in_digits_md_makes_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn.datasets")
    text = (FOLDER / "digits.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    with np.load(tmp_path / "digits.npz") as made, np.load(FOLDER / "digits.npz") as shipped:
        assert sorted(made) == sorted(shipped) == ["images", "labels"]
        for name in shipped:
            assert made[name].dtype == shipped[name].dtype == np.uint8
            assert np.array_equal(made[name], shipped[name])
    assert "CC BY 4.0" in text


def test_import_loads_nothing_that_only_a_fetch_needs() -> None:
    code = "import sys, xpnet.datasets; print([m for m in ('rich', 'urllib.request', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
