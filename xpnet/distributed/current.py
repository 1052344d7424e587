"""The communicator of the current training step, for layers that exchange values with other ranks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xpnet.distributed.communicator import Communicator

_current: ContextVar[Communicator | None] = ContextVar("xpnet_distributed_step", default=None)

current = _current.get
"""Return the communicator of the step, or None outside of a step, where no other rank would answer."""


@contextmanager
def in_step(communicator: Communicator) -> Iterator[None]:
    """Enter a context in which all ranks compute one step."""
    token = _current.set(communicator)
    try:
        yield
    finally:
        _current.reset(token)
