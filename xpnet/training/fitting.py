"""The comparison of the arrays of a file with those of a network, an optimizer and a history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_name, is_array
from xpnet.backend.halves import HALVES
from xpnet.errors import ArgumentError, DataError
from xpnet.layers import Layer
from xpnet.optimizers import Optimizer
from xpnet.training.description import CONSTANT
from xpnet.training.history import History
from xpnet.training.weights_file import REMEDY, Host

AVERAGE = "average/"
# Prefixes of the names of arrays that do not belong to the network
SECTIONS = ("optimizer/", "history/", "precision/", AVERAGE, CONSTANT)


@dataclass
class Loaded:
    """The result of loading a file: ``loaded`` names the arrays that were loaded, ``missing`` those the file lacks,
    ``unexpected`` those that the network lacks; ``differing`` has the shapes of the others, that in the file first.

    >>> xn.save("net.safetensors", TwoLayerNet(4, 3, 2))
    >>> found = xn.load("net.safetensors", TwoLayerNet(4, 3, 5), strict=False)
    >>> found.differing
    {'W2': ((3, 2), (3, 5)), 'b2': ((2,), (5,))}
    """

    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    differing: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)


def renamed(arrays: Mapping[str, Host], names: Mapping[str, str], who: str = "load") -> dict[str, Host]:
    """Return arrays by new names: the first rule that matches a name, or the start of its path, replaces that part.

    ``{"fc": "Affine3"}`` renames fc and everything below it; ``*`` is any text, ``{"*.downsample": "*.shortcut"}``.

    Raises: ``ArgumentError`` for a name that does not occur, and if two arrays would get the same name.
    """
    made: dict[str, Host] = {}
    used: set[str] = set()
    rules = {old: re.compile(re.escape(old).replace(r"\*", "(.*?)") + r"(?=\.|$)") for old in names}
    for name, array in arrays.items():
        new = name
        for old, rule in rules.items():
            found = rule.match(name)
            if found is not None:
                used.add(old)
                new = names[old].replace("*", found[1]) if rule.groups else names[old]
                new += name[found.end() :]
                break
        if new in made:
            raise ArgumentError(who, "each array must get a unique name", f"two of {new!r}", "rename one of them")
        made[new] = array
    if lost := [old for old in names if old not in used]:
        known = ", ".join(list(arrays)[:5]) + (", …" if len(arrays) > 5 else "")
        must = f"a name to be changed must be one in the file, {known}"
        raise ArgumentError(who, must, repr(lost[0]), "correct it, or leave it out")
    return made


def matching(names: Iterable[str], patterns: str) -> list[str]:
    """Return the names that match one of some patterns separated by spaces, ``"Convolution* Affine1.W"``.

    Raises: ``ArgumentError`` for a pattern that matches nothing.
    """
    known, found = list(names), []
    for pattern in patterns.split():
        own = [name for name in known if fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")]
        if not own:
            shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
            must = f"a pattern must match the name of an array, {shown}"
            raise ArgumentError("load", must, repr(pattern), "look at net.params")
        found += own
    return [name for name in known if name in found]


def partly(arrays: Mapping[str, Host], network: Layer) -> tuple[dict[str, Host], Loaded]:
    """Return the arrays that fit the network by name and shape, and the report on all arrays."""
    wanted = {name: shape_of(value) for name, value in {**network.params, **network.states}.items()}
    found = Loaded(missing=[name for name in wanted if name not in arrays])
    kept: dict[str, Host] = {}
    for name, array in arrays.items():
        if name not in wanted:
            found.unexpected.append(name)
        elif wanted[name] not in (None, array.shape):
            found.differing[name] = (array.shape, wanted[name] or ())
        else:
            kept[name] = array
    found.loaded = [name for name in wanted if name in kept]
    return kept, found


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of an array, () for a number, and None for a value that is not set yet."""
    return None if value is None else tuple(getattr(value, "shape", ()))


def check_fit(path: str | Path, arrays: Mapping[str, Host], network: Layer) -> None:
    """Raise DataError unless the arrays are those of the network."""
    params: Mapping[str, Any] = network.params
    states: Mapping[str, Any] = network.states
    unset = {name for name, value in states.items() if value is None or name.startswith(SECTIONS)}
    wanted = {name: tuple(getattr(value, "shape", ())) for name, value in (*params.items(), *states.items())}
    wanted = {name: shape for name, shape in wanted.items() if name not in unset}
    wanted |= {name: arrays[name].shape for name in unset & arrays.keys()}
    found = {name: array.shape for name, array in arrays.items()}
    if found != wanted:
        different = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        got = ", ".join(f"{name} {found.get(name, 'missing')} for {wanted.get(name, 'none')}" for name in different)
        raise DataError("load", f"{path} must hold the network's parameters", got, REMEDY)
    for name in params:
        if arrays[name].dtype.kind != "f":
            raise DataError("load", f"{name} in {path} must be floating", arrays[name].dtype, REMEDY)


def check_range(path: str | Path, arrays: Mapping[str, Host], network: Layer) -> None:
    """Raise DataError for finite values that would become infinite in the dtype of the network."""
    held = {**dict(network.params), **{name: value for name, value in network.states.items() if is_array(value)}}
    for name, like in held.items():
        array = arrays.get(name)
        if array is not None and fits_not(array, like):
            got = f"up to {np.max(np.abs(array[np.isfinite(array)])):.3g} in it"
            must = f"{name} in {path} must fit into {dtype_name(like.dtype)}"
            raise DataError("load", must, got, 'load it into a network of its dtype, net.astype("float64")')


def fits_not(array: Host, like: Any) -> bool:
    """Return whether a finite value becomes infinite in the dtype of another array."""
    if array.dtype.kind != "f" or array.size == 0:
        return False
    largest = float(array_namespace(like).finfo(like.dtype).max)
    if float(np.finfo(array.dtype).max) <= largest:
        return False
    return bool(np.any(np.isfinite(array) & (np.abs(array) > largest)))


def section(path: str | Path, found: Mapping[str, Host], start: str) -> dict[str, Host]:
    """Return the arrays whose names have this prefix, without the prefix."""
    own = {name.removeprefix(start): array for name, array in found.items() if name.startswith(start)}
    if not own:
        what = start.rstrip("/")
        remedy = f"give a file that was saved with {what}=…, or load the weights alone"
        raise DataError("load", f"{path} must hold the state of the {what}", "none", remedy)
    return own


def records_of(path: str | Path, columns: Mapping[str, Host]) -> History:
    """Return the history in the file."""
    try:
        return History.of_columns(columns)
    except (KeyError, TypeError, ValueError) as error:
        must = f"{path} must hold a history that this version knows"
        raise DataError("load", must, ", ".join(columns), "load the weights alone") from error


def state_of(
    path: str | Path, found: Mapping[str, Host], optimizer: Optimizer, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the state of an optimizer in the library and on the device of its parameters."""
    state: dict[str, Any] = {}
    shapes = optimizer.shapes_of_state(params) if hasattr(optimizer, "shapes_of_state") else {}
    for name, array in found.items():
        owner = name.rpartition(".")[0]
        if array.ndim == 0 and owner not in params:
            state[name] = array.item()
            continue
        if owner not in params or shapes.get(name, params[owner].shape) != array.shape:
            must = f"{path} must hold the state of {type(optimizer).__name__} for this network"
            raise DataError("load", must, f"{name} {array.shape}", REMEDY)
        if dtype_name(params[owner].dtype) not in HALVES and fits_not(array, params[owner]):
            must = f"{name} in {path} must fit into {dtype_name(params[owner].dtype)}"
            raise DataError("load", must, "values beyond it", "load it into a network of its dtype")
        dtype = "float32" if dtype_name(params[owner].dtype) in HALVES else None
        state[name] = backend_of(params[owner]).asarray(array, dtype)
    return state
