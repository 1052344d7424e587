"""Weights on disk, and the rest that is needed to resume a training: safetensors, arrays by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import backend_of, is_array, to_numpy
from xpnet.errors import ArgumentError, DataError, DtypeError
from xpnet.layers import Layer
from xpnet.layers.checks import check_flags
from xpnet.layers.drawn import drawing_in
from xpnet.optimizers import Optimizer
from xpnet.random import Generator
from xpnet.training import weights_file
from xpnet.training.description import describe
from xpnet.training.fitting import (
    AVERAGE,
    SECTIONS,
    Loaded,
    check_fit,
    check_range,
    matching,
    partly,
    records_of,
    renamed,
    section,
    shape_of,
    state_of,
)
from xpnet.training.history import History
from xpnet.training.weights_file import Host

# The prefix of a layer's path in the metadata, for layers that draw random numbers
STREAM = "stream of "


def save(
    path: str | Path,
    network: Layer,
    optimizer: Optimizer | None = None,
    history: History | None = None,
    *,
    averages: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the parameters and state of a network or layer as safetensors, name -> array.

    With an optimizer, the file also has its state, ``optimizer/W1.m``; with a history its columns, ``history/loss``;
    with averages the averaged weights: from a file with all of them, a training resumes bit for bit as if it had not
    stopped. ``load`` reads the weights from any of these files. The metadata describe the network, so that
    ``load_network`` can rebuild it, or the reason why it cannot be described.

    Raises: ``DataError`` if the file cannot be written; ``ArgumentError`` for two arrays of the same name, or a name
    that no file can hold.

    >>> net, other = TwoLayerNet(4, 3, 2), TwoLayerNet(4, 3, 2)
    >>> xn.save("net.safetensors", net)
    >>> xn.load("net.safetensors", other).loaded
    ['W1', 'b1', 'W2', 'b2']
    >>> (other.params["W1"] == net.params["W1"]).all()
    np.True_
    """
    check_arguments("save", path, network)
    told = {f"{STREAM}{name}": stream for name, stream in streams_of(network).items()}
    parts: list[Mapping[str, Any]] = [dict(network.params), dict(network.states)]
    try:
        node, constants = describe(network)
        told["network"] = json.dumps(node)
        parts.append(constants)
    except DtypeError as error:
        told["undescribed"] = str(error)
    if optimizer is not None:
        parts.append({f"optimizer/{name}": value for name, value in optimizer.state.items()})
    if history is not None:
        parts.append({f"history/{name}": column for name, column in history.columns().items()})
    parts.append({f"{AVERAGE}{name}": array for name, array in (averages or {}).items()})
    named: dict[str, Any] = {}
    for part in parts:
        check_names(named, part)
        named |= part
    arrays = {n: np.asarray(to_numpy(v) if is_array(v) else v) for n, v in named.items() if v is not None}
    weights_file.write(path, arrays, {**told, **(metadata or {})})


def load(
    path: str | Path,
    network: Layer | None = None,
    optimizer: Optimizer | None = None,
    history: History | None = None,
    *,
    strict: bool = True,
    only: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a file of ``save`` into a network or layer, in its library, device and dtype, and report on each array.

    An optimizer and a history are filled too, if they are given. Layers that draw, such as ``Dropout``, continue the
    streams of the file. Nothing is changed unless everything fits. With ``strict=False`` arrays that are missing,
    unexpected or of another shape are ignored. ``only`` selects arrays or layers of the network by patterns,
    ``"Convolution*"``, and leaves the others unchanged. ``names`` maps names in the file to those in the network,
    ``{"fc": "Affine3", "block*": "Block*"}``.

    Raises: ``DataError`` for a file that is missing, damaged, or of another network or optimizer, or that holds values
    beyond the dtype of the network; ``ArgumentError`` for patterns and names that match nothing.

    >>> xn.save("net.safetensors", TwoLayerNet(4, 3, 2))
    >>> found = xn.load("net.safetensors", TwoLayerNet(4, 3, 5), strict=False)  # for five classes
    >>> found.loaded, found.differing
    (['W1', 'b1'], {'W2': ((3, 2), (3, 5)), 'b2': ((2,), (5,))})
    """
    network = check_arguments("load", path, network)
    check_flags("load", strict=strict)
    found, metadata = weights_file.read(path)
    own = {*network.params, *network.states}  # a layer's name may start as a section's does
    arrays = {n: array for n, array in found.items() if n in own or not n.startswith(SECTIONS)}
    rest = {n: array for n, array in found.items() if n not in arrays}
    if names:
        arrays = renamed(arrays, names)
    if only is not None:
        chosen = set(matching(own_in_order(network), only))
        arrays = {name: array for name, array in arrays.items() if name in chosen}
    loaded = fitting_arrays(path, arrays, network, strict, only)
    arrays = {name: arrays[name] for name in loaded.loaded}
    check_range(path, arrays, network)
    streams = streams_in(path, metadata)
    records = None
    if history is not None:
        records = records_of(path, section(path, rest, "history/"))
    if optimizer is not None:
        state = state_of(path, section(path, rest, "optimizer/"), optimizer, network.params)
        try:
            optimizer.state = state
        except ArgumentError as error:
            must = f"{path} must hold the state of {type(optimizer).__name__}"
            raise DataError("load", must, error.got, "give it to an optimizer of the same kind") from error
    if history is not None and records is not None:
        history[:] = records
    fill(network, arrays)
    for name, layer in drawing_in(network).items():
        if name in streams and only is None:
            layer.draw_from(streams[name])
    return loaded


def own_in_order(network: Layer) -> list[str]:
    """Return the names of the parameters and of the state of a network."""
    return [*network.params, *network.states]


def fitting_arrays(
    path: str | Path, arrays: Mapping[str, Host], network: Layer, strict: bool, only: str | None
) -> Loaded:
    """Return the report on which arrays are to be loaded.

    Raises: ``DataError`` if all must fit and one does not.
    """
    _, found = partly(arrays, network)
    if not strict:
        return found
    if only is None:
        check_fit(path, arrays, network)
        return found
    wanted = {name: shape_of(value) for name, value in {**network.params, **network.states}.items()}
    lost = [name for name in matching(own_in_order(network), only) if name not in arrays and wanted[name] is not None]
    if found.differing or lost:
        different = [f"{name} {had} for {want}" for name, (had, want) in found.differing.items()]
        must, remedy = f"{path} must hold the selected arrays", "leave it out of only, or give strict=False"
        raise DataError("load", must, ", ".join([*different, *(f"{name} missing" for name in lost)]), remedy)
    return found


def fill(network: Layer, arrays: Mapping[str, Host]) -> None:
    """Write arrays that fit into a network, in its library, device and dtype."""
    params, states = network.params, network.states
    for name, array in arrays.items():
        if name in params:
            params[name] = backend_of(params[name]).asarray(array)
        elif is_array(states[name]):
            states[name] = backend_of(states[name]).asarray(array)
        elif array.ndim == 0:
            states[name] = array.item()
        else:
            states[name] = backend_of(next(iter(params.values()))).asarray(array)


def streams_of(network: Layer) -> dict[str, str]:
    """Return the streams of the layers that draw random numbers in training, by their paths."""
    return {name: layer.drawn for name, layer in drawing_in(network).items()}


def streams_in(path: str | Path, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the streams in the metadata of a file, by the paths of their layers.

    Raises: ``DataError`` for a value that is not a stream.
    """
    found = {name.removeprefix(STREAM): value for name, value in metadata.items() if name.startswith(STREAM)}
    for drawn in found.values():
        try:
            Generator(int(drawn.partition("/")[0]))
        except ValueError as error:
            must = f"{path} must be a readable safetensors file"
            raise DataError("load", must, f"a stream {drawn!r}", weights_file.REMEDY) from error
    return found


def check_names(before: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """Raise ArgumentError for names that are already used, or that no file can hold."""
    for name in more:
        if name in before:
            must, remedy = "each array must have a name of its own", "give the layer another name"
            raise ArgumentError("save", must, f"two of {name!r}", remedy)
        if name == "__metadata__" or name.encode(errors="replace").decode() != name:  # half a character
            raise ArgumentError("save", "a name must be one that a file can hold", repr(name), "choose another name")


def check_arguments(who: str, path: Any, network: Any) -> Layer:
    """Raise DtypeError unless these are a path and an object with named arrays."""
    if not isinstance(path, str | PathLike):
        raise DtypeError(who, "path must be a string or a Path", type(path).__name__, "give the path first")
    if not (hasattr(network, "params") and hasattr(network, "states")):
        must = "the argument after the path must be a network or layer"
        remedy = "make the same network and give it, xn.load(path, net)"
        if network is not None:
            remedy = "give the whole network, not its params"
        raise DtypeError(who, must, type(network).__name__, remedy)
    checked: Layer = network
    return checked
