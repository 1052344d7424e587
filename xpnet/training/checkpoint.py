"""Weights on disk: safetensors, the parameters by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xpnet.backend import backend_of, is_array, to_numpy
from xpnet.errors import DataError
from xpnet.files import written_in_place

if TYPE_CHECKING:
    from xpnet.layers import Layer


def save(path: str | Path, network: Layer) -> None:
    """Write the parameters and state of a network or layer as safetensors, name -> array.

    Raises: ``DataError`` where the file cannot be written.
    """
    from safetensors.numpy import save as pack

    # safetensors writes the memory of a transposed array as if it lay in order
    named = dict(network.params) | {name: value for name, value in network.states.items() if value is not None}
    arrays = {name: np.asarray(to_numpy(v) if is_array(v) else v, order="C") for name, v in named.items()}
    with written_in_place(path) as part:
        part.write_bytes(pack(arrays, metadata={"format": "xpnet"}))


def load(path: str | Path, network: Layer) -> None:
    """Read the parameters and state of a network or layer from safetensors, into its library, device and dtype.

    Nothing is changed unless everything fits.

    Raises: ``DataError`` for a file that is missing, damaged, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack

    remedy = "give the file that xn.save wrote for such a network"
    try:
        arrays = unpack(Path(path).read_bytes())
    except (OSError, SafetensorError, ValueError) as error:
        raise DataError("load", f"{path} must be a readable safetensors file", error, remedy) from error
    params, states = network.params, network.states
    unset = {name for name, value in states.items() if value is None and name in arrays}
    wanted = {name: tuple(getattr(value, "shape", ())) for name, value in (*params.items(), *states.items())}
    wanted = {name: shape for name, shape in wanted.items() if name in params or states[name] is not None}
    wanted |= {name: arrays[name].shape for name in unset}
    found = {name: array.shape for name, array in arrays.items()}
    if found != wanted:
        different = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        got = ", ".join(f"{name} {found.get(name, 'missing')} for {wanted.get(name, 'none')}" for name in different)
        raise DataError("load", f"{path} must hold the network's parameters", got, remedy)
    for name, array in arrays.items():
        if array.dtype.kind != "f" and name in params:
            raise DataError("load", f"{name} in {path} must be floating", array.dtype, remedy)
    for name, array in arrays.items():
        if name in params:
            params[name] = backend_of(params[name]).asarray(array)
        elif is_array(states[name]):
            states[name] = backend_of(states[name]).asarray(array)
        elif array.ndim == 0:
            states[name] = array.item()
        else:
            states[name] = backend_of(*params.values()).asarray(array)
