"""Every remedy is followed to the letter: a line that is refused, and the same line mended as the message says."""

from __future__ import annotations

import ast
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from arrays import ARRAYS
from calls import CALLS
from data import DATA
from options import OPTIONS
from rows import Remedy, fail, names_on
from tables_and_losses import TABLES_AND_LOSSES

import xpnet as xn
from tests.languages.sentences import english_in
from xpnet.errors import XpnetError

ROWS = [*ARRAYS, *OPTIONS, *CALLS, *DATA, *TABLES_AND_LOSSES]
HOME = Path(xn.__file__).parent


@pytest.mark.usefixtures("defer_to_variables")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fails.replace(" ", "")[:60])
def test_what_fails_works_with_the_remedy_of_its_message(row: Remedy, where, tmp_path: Path) -> None:
    with xn.use_backend(where.library, device=where.value[1]) as here:
        follow(row, names_on(here, tmp_path))


def follow(row: Remedy, names: dict[str, Any]) -> None:
    exec(row.given, names)
    with pytest.raises(XpnetError) as raised:
        fail(row, names)
    for text in row.named:
        assert text in str(raised.value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPNET_LANG", "zh")
        chinese = str(raised.value)
    assert english_in(chinese) == ""
    for code in row.code:
        assert code in chinese
    exec(row.mended, names)


# Remedies that need what this machine may not have, or that other tests follow
ELSEWHERE = (
    *("kernels/cupy", "fast/cupy", "capturing.py"),  # captured steps: tests/kernels
    "autodiff/foreign.py",  # CuPy's own functions, on CuPy alone: tests/autodiff/test_cupy_functions.py
    "autodiff/nodes.py",  # functions of torch and JAX: tests/autodiff/test_autodiff_bad_input.py
    *("autodiff/own.py", "autodiff/idioms", "interop"),  # tests/autodiff/test_own.py, test_idioms.py, tests/interop
    *("autodiff/rules/keys.py", "autodiff/rules/special"),  # tests/autodiff/test_keys.py, test_special.py
    *("datasets/tables.py", "training/description.py", "training/trying.py"),  # tests/datasets, tests/training
    *("training/rows.py", "training/runs.py", "training/streamed.py", "training/torch_weights.py"),  # tests/training
    *("distributed", "training/ranks.py"),  # several ranks: tests/distributed
    *("backend/libraries.py", "conformance", "datasets/mnist.py", "cli"),  # tests/backend, tests/cli and so on
)
CODE = re.compile(r"\b[\w.]+\([^{]*\)|\w=\S")


def remedies_of_code() -> dict[str, range]:
    """Where an error is raised whose remedy holds code, ``file:line``, and all lines of that statement."""
    found = {}
    for path in sorted(HOME.rglob("*.py")):
        name = path.relative_to(HOME).as_posix()
        functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
        for function in () if name.startswith(ELSEWHERE) else functions:
            for node in ast.walk(function):
                arguments = node.exc.args if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else []
                if len(arguments) == 4 and any(map(CODE.search, texts(function, arguments[3]))):
                    found[f"{name}:{node.lineno}"] = range(node.lineno, node.end_lineno + 1)
    return found


def texts(function: ast.FunctionDef, remedy: ast.expr) -> Iterator[str]:
    """What a remedy may say: its own text, or those that are assigned to its name."""
    name = remedy.id if isinstance(remedy, ast.Name) else None
    values = [n.value for n in ast.walk(function) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == name]
    for value in values or [remedy]:
        yield "".join(n.value for n in ast.walk(value) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def test_every_remedy_that_is_code_has_a_row(tmp_path: Path) -> None:
    raised = set()
    with xn.use_backend("numpy") as here:
        for row in ROWS:
            names = names_on(here, tmp_path)
            exec(row.given, names)
            try:
                fail(row, names)
            except XpnetError as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                raised.add((Path(last.filename).relative_to(HOME).as_posix(), last.lineno))
    places = remedies_of_code()
    assert len(places) > 40
    seen = {place for place, lines in places.items() for line in lines if (place.partition(":")[0], line) in raised}
    assert sorted(places.keys() - seen) == []
