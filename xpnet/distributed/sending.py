"""Arrays for sending: in the form that a communicator takes, and converted back to their library."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, library_name, to_numpy
from xpnet.distributed.communicator import Communicator
from xpnet.typing import Array


def sendable(array: Any) -> Any:
    """Return an array in the form that a communicator takes: CuPy's unchanged, those of other libraries as NumPy's."""
    if isinstance(array, np.ndarray) or (not np.isscalar(array) and library_name(array_namespace(array)) == "cupy"):
        return array
    return to_numpy(array)


def returned(sent: Any, like: Array) -> Array:
    """Return an array that was sent, in the library and dtype and on the device of another array."""
    if type(sent) is type(like) and sent.dtype == like.dtype:
        same: Array = sent
        return same
    found: Array = backend_of(like).asarray(sent)
    return found


def sum_of(communicator: Communicator, array: Array) -> Array:
    """Return the sum of an array over the ranks, when it is complete."""
    own = sendable(array)
    flat = array_namespace(own).asarray(own.reshape(-1), copy=True)
    communicator.allreduce(flat).wait()
    return returned(flat.reshape(own.shape), array)


def same_for_all(communicator: Communicator, array: Array) -> Array:
    """Return the array of rank 0 on every rank; its shape and dtype must be the same on all."""
    own = sendable(array)
    flat = array_namespace(own).asarray(own.reshape(-1), copy=True)
    communicator.broadcast(flat)
    return returned(flat.reshape(own.shape), array)
