"""Weights on disk, and all that a training needs to go on: safetensors, arrays by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, dtype_name, is_array, to_numpy
from xpnet.backend.halves import HALVES
from xpnet.errors import ArgumentError, DataError, DtypeError
from xpnet.files import written_in_place
from xpnet.layers import Dropout, Layer
from xpnet.layers.base import leaves
from xpnet.optimizers import Optimizer
from xpnet.random import Generator
from xpnet.training.history import History

Host = np.ndarray[Any, Any]

# What stands before the names of what is not the network's own
SECTIONS = ("optimizer/", "history/", "precision/")
# What stands before the path of a layer that draws, in the metadata
STREAM = "stream of "
REMEDY = "give the file that xn.save wrote for such a network"


def save(path: str | Path, network: Layer, optimizer: Optimizer | None = None, history: History | None = None) -> None:
    """Write the parameters and state of a network or layer as safetensors, name -> array.

    An optimizer adds its state, ``optimizer/W1.m``, and a history its columns, ``history/loss``: with both, a training
    goes on from the file bit for bit as if it had not been stopped. ``load`` takes the weights of any of them.

    Raises: ``DataError`` where the file cannot be written; ``ArgumentError`` for two arrays of one name, or a name that
    no file can hold.
    """
    from safetensors.numpy import save as pack

    check_arguments("save", path, network)
    parts: list[dict[str, Any]] = [dict(network.params), dict(network.states)]
    if optimizer is not None:
        parts.append({f"optimizer/{name}": value for name, value in optimizer.state.items()})
    if history is not None:
        parts.append({f"history/{name}": column for name, column in history.columns().items()})
    named: dict[str, Any] = {}
    for part in parts:
        check_names(named, part)
        named |= part
    # safetensors writes the memory of a transposed array as if it lay in order
    arrays = {n: np.asarray(to_numpy(v) if is_array(v) else v, order="C") for n, v in named.items() if v is not None}
    metadata = {"format": "xpnet", **{f"{STREAM}{name}": stream for name, stream in streams_of(network).items()}}
    with written_in_place(path) as file:
        file.write_bytes(pack(arrays, metadata=metadata))


def load(
    path: str | Path, network: Layer | None = None, optimizer: Optimizer | None = None, history: History | None = None
) -> None:
    """Read what ``save`` wrote into a network or layer, in its library, device and dtype.

    An optimizer and a history are filled too, where they are given. Layers that draw, such as ``Dropout``, go on with
    the streams of the file. Nothing is changed unless everything fits.

    Raises: ``DataError`` for a file that is missing, damaged, or of another network or optimizer, or that holds values
    beyond the dtype of the network.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack

    network = check_arguments("load", path, network)
    try:
        content = Path(path).read_bytes()
        found, streams = unpack(content), streams_in(content)
    except (OSError, SafetensorError, ValueError, KeyError) as error:  # a KeyError for a dtype that NumPy lacks
        raise DataError("load", f"{path} must be a readable safetensors file", error, REMEDY) from error
    own = {*network.params, *network.states}  # a layer's name may start as a section's does
    arrays = {n: array for n, array in found.items() if n in own or not n.startswith(SECTIONS)}
    rest = {n: array for n, array in found.items() if n not in arrays}
    check_fit(path, arrays, network)
    check_range(path, arrays, network)
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
    for name, layer in leaves(network).items():
        if isinstance(layer, Dropout) and name in streams:
            layer.draw_from(streams[name])


def streams_of(network: Layer) -> dict[str, str]:
    """The streams of the layers that draw in training, by their paths."""
    return {name: layer.drawn for name, layer in leaves(network).items() if isinstance(layer, Dropout)}


def streams_in(content: bytes) -> dict[str, str]:
    """The same of a file, from its metadata; ValueError for what is no stream."""
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    found = {name.removeprefix(STREAM): value for name, value in metadata.items() if name.startswith(STREAM)}
    for drawn in found.values():
        Generator(int(drawn.partition("/")[0]))
    return found


def check_names(before: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """Raise ArgumentError for names that are there already, or that no file can hold."""
    for name in more:
        if name in before:
            must, remedy = "each array must have a name of its own", "name the layer otherwise"
            raise ArgumentError("save", must, f"two of {name!r}", remedy)
        if name == "__metadata__" or name.encode(errors="replace").decode() != name:  # half a character
            raise ArgumentError("save", "a name must be one that a file can hold", repr(name), "name it otherwise")


def check_arguments(who: str, path: Any, network: Any) -> Layer:
    """Raise DtypeError unless these are a path and what has named arrays."""
    if not isinstance(path, str | PathLike):
        raise DtypeError(who, "path must be a string or a Path", type(path).__name__, "give the path first")
    if not (hasattr(network, "params") and hasattr(network, "states")):
        must = "what follows the path must be a network or layer"
        remedy = "make the network as it was and give it, xn.load(path, net)"
        if network is not None:
            remedy = "give the whole network, not its params"
        raise DtypeError(who, must, type(network).__name__, remedy)
    checked: Layer = network
    return checked


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
    """Raise DataError for finite values that the dtype of the network would turn into infinity."""
    held = {**dict(network.params), **{name: value for name, value in network.states.items() if is_array(value)}}
    for name, like in held.items():
        array = arrays.get(name)
        if array is not None and fits_not(array, like):
            got = f"up to {np.max(np.abs(array[np.isfinite(array)])):.3g} in it"
            must = f"{name} in {path} must fit into {dtype_name(like.dtype)}"
            raise DataError("load", must, got, 'load it into a network of its dtype, net.astype("float64")')


def fits_not(array: Host, like: Any) -> bool:
    """Whether a finite value becomes infinite in the dtype of an array."""
    if array.dtype.kind != "f" or array.size == 0:
        return False
    largest = float(array_namespace(like).finfo(like.dtype).max)
    return bool(np.any(np.isfinite(array) & (np.abs(array) > largest)))


def section(path: str | Path, found: Mapping[str, Host], start: str) -> dict[str, Host]:
    """The arrays whose names start so, without that start."""
    own = {name.removeprefix(start): array for name, array in found.items() if name.startswith(start)}
    if not own:
        what = start.rstrip("/")
        remedy = f"give a file that was saved with {what}=…, or load the weights alone"
        raise DataError("load", f"{path} must hold the state of the {what}", "none", remedy)
    return own


def records_of(path: str | Path, columns: Mapping[str, Host]) -> History:
    """The history in the file."""
    try:
        return History.of_columns(columns)
    except (KeyError, TypeError, ValueError) as error:
        must = f"{path} must hold a history that this version knows"
        raise DataError("load", must, ", ".join(columns), "load the weights alone") from error


def state_of(
    path: str | Path, found: Mapping[str, Host], optimizer: Optimizer, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The state of an optimizer beside the parameters that it moves."""
    state: dict[str, Any] = {}
    for name, array in found.items():
        owner = name.rpartition(".")[0]
        if array.ndim == 0 and owner not in params:
            state[name] = array.item()
            continue
        if owner not in params or params[owner].shape != array.shape:
            must = f"{path} must hold the state of {type(optimizer).__name__} for this network"
            raise DataError("load", must, f"{name} {array.shape}", REMEDY)
        if dtype_name(params[owner].dtype) not in HALVES and fits_not(array, params[owner]):
            must = f"{name} in {path} must fit into {dtype_name(params[owner].dtype)}"
            raise DataError("load", must, "values beyond it", "load it into a network of its dtype")
        dtype = "float32" if dtype_name(params[owner].dtype) in HALVES else None
        state[name] = backend_of(params[owner]).asarray(array, dtype)
    return state
