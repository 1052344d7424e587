"""Every public class and function has an example in its docstring, and the examples give what they print."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xpnet as xn
from xpnet.random import Generator

HOME = Path(xn.__file__).parent
WITH_EXAMPLES = [path for path in sorted(HOME.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
NEEDS = {
    "datasets/image_folders.py": "PIL",
    "interop/onnx/exporting.py": "onnx",
    "interop/onnx/importing.py": "onnx",
    "interop/onnx/of_runs.py": "onnx",
    "interop/sklearn.py": "sklearn",
    "interop/solvers.py": "scipy",
    "optimizers/lbfgs.py": "scipy",
    "training/tensorboard_files.py": "tensorboardX",
}

USED = ("layers", "networks", "optimizers", "schedules", "initializers", "random", "datasets", "training")
"""Whose public names an example may use as they are, beside ``np``, ``xn`` and those of its own module and package."""

THE_BOOK = ("functions", "gradient", "layers", "util", "optimizer", "trainer", "multi_layer_net", "pickle")
THE_BOOK += ("multi_layer_net_extend", "two_layer_net", "simple_convnet", "deep_convnet")
THE_SEQUEL = ("functions", "layers", "time_layers", "util", "optimizer", "trainer", "base_model", "weights")
PUBLIC = (
    *("", *USED, "datasets.augment", "autodiff", "backend", "kernels", "gradcheck", "drawing", "errors"),
    *("distributed", "conformance"),
    *[f"book.{name}" for name in THE_BOOK],
    *[f"book.sequel.{name}" for name in THE_SEQUEL],
)


def module_of(path: Path) -> str:
    """Return the name of the module in a file."""
    inside = path.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(inside[:-1] if inside[-1] == "__init__" else inside)


def public(module: str) -> dict[str, Any]:
    """Return what a module offers, name -> object: by its list, or what is defined in it."""
    found = importlib.import_module(f"xpnet.{module}".rstrip("."))
    names = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if name[0] != "_" and getattr(value, "__module__", None) == found.__name__
    ]
    return {name: getattr(found, name) for name in names}


def docstrings(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield name, text and line of the docstrings in a file that hold examples."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = ast.get_docstring(node) if isinstance(node, kinds) else None
        if text and ">>> " in text:
            yield getattr(node, "name", "module"), text, node.body[0].lineno  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    found = {"np": np, "xn": xn}
    for module in USED:
        found |= public(module)
    return found


def of_file(path: Path) -> Any:
    inside = path.relative_to(HOME).as_posix()
    return pytest.param(path, id=inside, marks=() if inside in NEEDS else pytest.mark.journey)


@pytest.mark.parametrize("path", [of_file(path) for path in WITH_EXAMPLES])
def test_examples_give_what_they_print(
    path: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each as in a new process: with the first numbers of the default Generator."""
    pytest.importorskip(NEEDS.get(path.relative_to(HOME).as_posix(), "numpy"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XPNET_TUNE", "0")  # the settings of this process stay as they are
    own = module_of(path).removeprefix("xpnet").removeprefix(".")
    names = names | public(own.rpartition(".")[0]) | public(own)
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF | doctest.ELLIPSIS)
    said: list[str] = []
    for name, text, line in docstrings(path):
        monkeypatch.setattr(xn.random, "DEFAULT", Generator())
        example = doctest.DocTestParser().get_doctest(text, names, name, str(path), line - 1)
        with xn.use_backend("numpy", dtype="float32"), np.printoptions(precision=4, suppress=True):
            runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("module", PUBLIC, ids=[f"xpnet.{name}".rstrip(".") for name in PUBLIC])
def test_everything_public_has_an_example(module: str) -> None:
    lacks = [name for name, value in public(module).items() if callable(value) and ">>> " not in (value.__doc__ or "")]
    assert lacks == []


def test_the_interface_to_scikit_learn_has_examples() -> None:
    pytest.importorskip("sklearn")
    sklearn = importlib.import_module("xpnet.interop.sklearn")
    assert ">>> " in sklearn.XpnetClassifier.__doc__
    assert ">>> " in sklearn.XpnetRegressor.__doc__
