"""The house: imports point one way, vendors stay in their place, and importing xpnet loads nothing optional."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xpnet

HOME = Path(xpnet.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
VENDORS = {
    *("cupy", "cupyx", "cupy_backends", "torch", "jax", "jaxlib"),
    *("numba", "dask", "sparse", "ndonnx", "array_api_strict"),
}
OPTIONAL = {
    *("cupy", "torch", "jax", "jaxlib", "numba", "scipy", "matplotlib", "sklearn", "mpi4py", "onnx", "tensorboard"),
    *("starlette", "uvicorn"),
}

# What a package may import: those in earlier rows, and itself. Those in one row do not import each other.
ROWS = (
    {"languages", "typing", "typesetting"},
    {"errors", "tuning"},
    {"standard", "arguments"},
    {"backend", "random", "files"},
    {"initializers", "kernels"},
    {"autodiff", "capturing"},
    {"layers"},
    {"gradcheck", "cases"},
    {"networks"},
    {"optimizers", "schedules", "drawing", "datasets"},
    {"fast", "distributed"},
    {"training"},
    {"conformance", "serving", "interop"},
    {"cli", "book"},
    {"__init__", "__main__"},
)
ROW = {name: number for number, row in enumerate(ROWS) for name in row}


def part(path: Path) -> str:
    """The part of the house in which a file stands."""
    inside = path.relative_to(HOME)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> list[str]:
    """The full names of all that a file imports, anywhere in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def parts_imported(path: Path) -> set[str]:
    parts = set()
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "xpnet":
            parts.add(rest[0] if rest and rest[0] in ROW else "__init__")
    return parts


def test_every_part_has_its_place() -> None:
    assert {part(path) for path in FILES} <= ROW.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_imports_point_one_way(path: Path) -> None:
    own = part(path)
    for other in parts_imported(path) - {own}:
        if own == "cli" and other == "__init__":
            names = {name for name in imports(path) if name.startswith("xpnet.") and name.split(".")[1] not in ROW}
            assert names <= {"xpnet.__version__"}
            continue
        assert ROW[other] < ROW[own] or own == "__main__", f"{own} imports {other}"


def test_the_names_of_the_book_stand_by_themselves() -> None:
    assert not [path for path in FILES if part(path) != "book" and "book" in parts_imported(path)]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """An import for type checkers alone, or inside a function, counts as any other."""
    modules = {module_of(path): path for path in FILES}
    edges = {}
    for module, path in modules.items():
        named = {name if name in modules else name.rpartition(".")[0] for name in imports(path)} & modules.keys()
        face = path.stem == "__init__"  # which hands on what its own modules have
        edges[module] = {name for name in named - {module} if not (face and name.startswith(f"{module}."))}
    assert circles(edges) == []


def module_of(path: Path) -> str:
    parts = path.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """The sets of modules that each reach all others of their set."""
    reached = {module: reach(module, edges) for module in edges}
    rings = {frozenset(m for m in reached[module] if module in reached[m]) for module in edges}
    return [set(ring) for ring in rings if ring]


def reach(module: str, edges: dict[str, set[str]]) -> set[str]:
    """All that a module imports, and what that imports, and so on."""
    found: set[str] = set()
    stack = [module]
    while stack:
        new = edges[stack.pop()] - found
        found |= new
        stack += new
    return found


def test_a_circle_is_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert circles(edges) == [{"b", "c"}]


def may_name_a_vendor(path: Path) -> bool:
    inside = path.relative_to(HOME)
    return (
        inside in (Path("backend/libraries.py"), Path("backend/special.py"))
        or inside.parts[0] in ("distributed", "interop")
        or inside.parts[0] == "fast"
    )


@pytest.mark.parametrize(
    "path", [path for path in FILES if not may_name_a_vendor(path)], ids=lambda path: str(path.relative_to(HOME))
)
def test_vendors_are_named_in_their_place_alone(path: Path) -> None:
    """Neither imported nor asked for by name; docstrings, help and messages may tell of them."""
    assert not {name.partition(".")[0] for name in imports(path)} & VENDORS
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            assert node.id not in VENDORS
        if isinstance(node, ast.Compare | ast.Call | ast.Subscript | ast.Dict | ast.Set):
            words = {child.value for child in ast.iter_child_nodes(node) if isinstance(child, ast.Constant)}
            assert not {word.partition(".")[0] for word in words if isinstance(word, str)} & VENDORS


def test_importing_xpnet_loads_nothing_optional() -> None:
    code = "import sys; from xpnet import *; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "xpnet" in loaded
    assert not loaded & (OPTIONAL | {"rich", "click", "safetensors", "array_api_strict"})


def test_numpy_alone_is_enough_to_train() -> None:
    """With everything optional out of reach, as on a machine that has none of it."""
    code = f"""
import sys
for name in {sorted(OPTIONAL | {"array_api_strict"})!r}:
    sys.modules[name] = None
import numpy as np, xpnet as xn
from xpnet.networks import TwoLayerNet
net = TwoLayerNet(4, 3, 2)
x, t = np.ones((2, 4), dtype=np.float32), np.asarray([0, 1])
xn.gradient_check(net, x, t).raise_if_failed()
print(*xn.available_backends())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["numpy"], done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_files_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 340


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_names_say_what_is_inside(path: Path) -> None:
    names = set(path.relative_to(HOME).with_suffix("").parts) - ({"util"} if part(path) == "book" else set())
    assert not names & {"utils", "util", "helpers", "common", "misc", "tmp"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "arg", None)
        assert not isinstance(name, str) or name not in ("flg", "tmp", "utils", "helpers", "misc")


QUESTIONS = {"What", "Whether", "How", "Where", "Who", "Whose", "Which", "Why"}


@pytest.mark.parametrize("name", sorted({part(path) for path in FILES}))
def test_docstrings_are_sentences_and_not_questions(name: str) -> None:
    """A function says what it does, ``Return whether …``, and a class what it is."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for path in FILES:
        if part(path) == name:
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            lines = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]
            assert not [line for line in lines if line.partition(" ")[0].rstrip(",") in QUESTIONS], path


def test_the_types_are_shipped() -> None:
    assert (HOME / "py.typed").exists()


def test_every_public_name_is_there() -> None:
    for name in xpnet.__all__:
        assert hasattr(xpnet, name)
    assert sorted(xpnet.__all__) == xpnet.__all__
