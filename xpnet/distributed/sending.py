"""Arrays on their way: as a communicator takes them, and back in their library."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.backend import array_namespace, backend_of, library_name, to_numpy
from xpnet.distributed.communicator import Communicator
from xpnet.typing import Array


def sendable(array: Any) -> Any:
    """An array as a communicator takes it: CuPy's as it is, those of all other libraries on the host."""
    if isinstance(array, np.ndarray) or (not np.isscalar(array) and library_name(array_namespace(array)) == "cupy"):
        return array
    return to_numpy(array)


def returned(sent: Any, like: Array) -> Array:
    """What was sent, as an array of another's library and dtype, on its device."""
    if type(sent) is type(like) and sent.dtype == like.dtype:
        same: Array = sent
        return same
    found: Array = backend_of(like).asarray(sent)
    return found


def sum_of(communicator: Communicator, array: Array) -> Array:
    """The sum of an array over the ranks, when it is there."""
    own = sendable(array)
    flat = array_namespace(own).asarray(own.reshape(-1), copy=True)
    communicator.allreduce(flat).wait()
    return returned(flat.reshape(own.shape), array)


def same_for_all(communicator: Communicator, array: Array) -> Array:
    """The array of rank 0, on every rank, of one shape and dtype."""
    own = sendable(array)
    flat = array_namespace(own).asarray(own.reshape(-1), copy=True)
    communicator.broadcast(flat)
    return returned(flat.reshape(own.shape), array)
