"""The reference: what is public, from the docstrings, in the order of the folders and files that define it."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

# Packages whose ``__all__`` lists what is public; those with a star have a page for each file.
PACKAGES = (
    *("autodiff", "backend", "conformance", "datasets", "distributed", "drawing", "gradcheck", "layers*"),
    *("networks", "optimizers", "training"),
)
LISTED = {name.strip("*") for name in PACKAGES}
FACES = [f"xpnet.{name}" for name in sorted(LISTED)]
# Modules all of whose names are.
MODULES = ("datasets.augment", "errors", "initializers", "interop.sklearn", "random", "schedules", "training.metrics")


def reference(folder: Path) -> list[object]:
    """Write the pages into a folder, and return its part of the navigation."""
    folder.mkdir(parents=True)
    face = import_module("xpnet")
    places = {"xpnet": page(folder, "xpnet", at_hand(face))}
    for name in PACKAGES:
        package = import_module(f"xpnet.{name.strip('*')}")
        files = by_file(package)
        if name.endswith("*"):
            places[package.__name__] = [
                {file: page(folder, f"{package.__name__}.{file}", entries(names), intro(package, file))}
                for file, names in files.items()
            ]
        else:
            parts = (f"## {file}\n\n{entries(names, 3)}" for file, names in files.items())
            places[package.__name__] = page(folder, package.__name__, "".join(parts), package.__doc__ or "")
    for name in MODULES:
        text = f"::: xpnet.{name}\n    options:\n      show_root_heading: false\n      heading_level: 1\n"
        places[f"xpnet.{name}"] = page(folder, f"xpnet.{name}", text)
    return [{name: places[name]} for name in sorted(places)]


def page(folder: Path, title: str, text: str, introduction: str = "") -> str:
    """Write a page and return its place."""
    path = folder / f"{title.removeprefix('xpnet.').replace('.', '_')}.md"
    path.write_text(f"# `{title}`\n\n{introduction}\n\n{text}", encoding="utf-8")
    return f"reference/{path.name}"


def by_file(package: ModuleType) -> dict[str, list[str]]:
    """Return the public names that a package defines, by the file that does."""
    files: dict[str, list[str]] = {}
    for name in package.__all__:
        thing = getattr(package, name)
        home = getattr(thing, "__module__", "")
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and home.startswith(f"{package.__name__}."):
            files.setdefault(home.rpartition(".")[2], []).append(f"{package.__name__}.{name}")
    return {file: files[file] for file in sorted(files)}


def intro(package: ModuleType, file: str) -> str:
    return import_module(f"{package.__name__}.{file}").__doc__ or ""


def entries(names: list[str], level: int = 2) -> str:
    return "".join(f"::: {name}\n    options:\n      heading_level: {level}\n\n" for name in names)


def at_hand(face: ModuleType) -> str:
    """Return a table of what ``import xpnet as xn`` has at hand, and the entries of what no package lists."""
    rows, own = ["| | |", "|---|---|"], []
    for name in face.__all__:
        thing = getattr(face, name)
        part = thing.__module__.split(".")[1]
        package = f"xpnet.{part}"
        if part not in MODULES and name not in (import_module(package).__all__ if part in LISTED else ()):
            package = "xpnet"
            own.append(f"xpnet.{name}")
        first, _, _ = (inspect.getdoc(thing) or "").partition("\n")
        rows.append(f"| [`xn.{name}`][{package}.{name}] | {first} |")
    return "\n".join([*rows, "", entries(own)])
