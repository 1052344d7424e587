"""What a row of the tables of remedies is, and how its line fails."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import xpnet as xn
from xpnet import autodiff, datasets, initializers, layers, networks, optimizers, schedules, training
from xpnet.backend import Backend, array_namespace
from xpnet.random import Generator


class Remedy(NamedTuple):
    """A line that an error refuses, and the same line with the remedy of its message applied.

    What ``works`` holds between « and » is code that the message must name, letter by letter; where its remedy is no
    code, ``says`` is what the message must say. ``given`` comes before either line.
    """

    given: str
    fails: str
    works: str
    says: str = ""

    @property
    def code(self) -> list[str]:
        """The code that the message must hold, in every language."""
        return re.findall("«(.*?)»", self.works)

    @property
    def named(self) -> list[str]:
        """What the message must hold."""
        return [*self.code, *filter(None, [self.says])]

    @property
    def mended(self) -> str:
        return self.works.replace("«", "").replace("»", "")


def names_on(here: Backend, folder: Path) -> dict[str, Any]:
    """The names that the lines may use; ``here`` is the current backend, ``folder`` one to write to."""
    found: dict[str, Any] = {}
    for module in (autodiff, layers, networks, optimizers, schedules, training, initializers):
        found |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    modules = {"xn": xn, "np": np, "datasets": datasets}
    return (
        found | modules | {"here": here, "folder": folder, "array_namespace": array_namespace, "Generator": Generator}
    )


def fail(row: Remedy, names: dict[str, Any]) -> None:
    """Run what fails; it may have warned before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        exec(row.fails, names)
