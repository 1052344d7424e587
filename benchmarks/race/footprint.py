"""Measure what a library needs before it has computed anything: the time to import it, and room on the disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.race.process import on_path

TRIES = 5


@dataclass(frozen=True)
class Footprint:
    """Seconds of ``import library`` beyond Python's own start, bytes of it and all that it depends on, its version."""

    package: str
    version: str
    seconds: float
    size: int


def footprint(library: str, package: str) -> Footprint:
    needed = list(closure(package))
    size = sum(installed_size(one) for one in needed)
    if not any(files_of(distribution(package), library)):  # an editable install records no files of its own
        size += folder_size(library)
    return Footprint(package, distribution(package).version, import_seconds(library), size)


def import_seconds(library: str) -> float:
    """Return the median of some fresh processes, in turns with processes that import nothing."""
    statement = "from xpnet import *" if library == "xpnet" else f"import {library}"  # its names come when used
    bare, full = ([], [])
    for _ in range(TRIES):
        bare.append(run_seconds("pass"))
        full.append(run_seconds(statement))
    return max(0.0, median(full[1:]) - median(bare[1:]))  # the first one also reads the disk


def run_seconds(code: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-P", "-c", code]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | on_path())  # noqa: S603 (our own code)
    return time.perf_counter() - start


def closure(package: str, seen: set[str] | None = None) -> Iterator[Distribution]:
    """Yield the distribution and all that it depends on and is installed; extras are left out."""
    seen = set() if seen is None else seen
    name = re.sub(r"[-_.]+", "-", package).lower()
    if name in seen:
        return
    seen.add(name)
    try:
        found = distribution(package)
    except PackageNotFoundError:  # a dependency of other systems or Pythons
        return
    yield found
    for line in found.requires or ():
        if not re.search(r";.*\bextra\s*==", line) and (needed := re.match(r"[\w.-]+", line)):
            yield from closure(needed[0], seen)


def files_of(found: Distribution, library: str = "") -> Iterator[Path]:
    """Yield the files of a distribution but for compiled bytecode, in the folder of a library or anywhere."""
    for file in found.files or ():
        if file.suffix != ".pyc" and (not library or file.parts[0] == library):
            yield Path(str(file.locate()))


def installed_size(found: Distribution) -> int:
    return sum(path.stat().st_size for path in files_of(found) if path.is_file())


def folder_size(library: str) -> int:
    spec = find_spec(library)
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = (path for folder in folders for path in Path(folder).rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
