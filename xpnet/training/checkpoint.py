"""Weights on disk: safetensors, the parameters by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xpnet.backend import backend_of, to_numpy
from xpnet.errors import DataError
from xpnet.files import written_in_place

if TYPE_CHECKING:
    from xpnet.layers import Layer


def save(path: str | Path, network: Layer) -> None:
    """Write the parameters of a network or layer as safetensors, name -> array.

    Raises: ``DataError`` where the file cannot be written.
    """
    from safetensors.numpy import save as pack

    # safetensors writes the memory of a transposed array as if it lay in order
    arrays = {name: np.ascontiguousarray(to_numpy(array)) for name, array in network.params.items()}
    with written_in_place(path) as part:
        part.write_bytes(pack(arrays, metadata={"format": "xpnet"}))


def load(path: str | Path, network: Layer) -> None:
    """Read the parameters of a network or layer from safetensors, into the library, device and dtype it has.

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
    wanted = {name: tuple(array.shape) for name, array in network.params.items()}
    found = {name: array.shape for name, array in arrays.items()}
    if found != wanted:
        different = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        got = ", ".join(f"{name} {found.get(name, 'missing')} for {wanted.get(name, 'none')}" for name in different)
        raise DataError("load", f"{path} must hold the network's parameters", got, remedy)
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise DataError("load", f"{name} in {path} must be floating", array.dtype, remedy)
    params = network.params
    for name, array in arrays.items():
        params[name] = backend_of(params[name]).asarray(array)
