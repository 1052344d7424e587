"""The communicator of the step that is being trained, for layers that ask the other ranks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xpnet.distributed.communicator import Communicator

_current: ContextVar[Communicator | None] = ContextVar("xpnet_distributed_step", default=None)

current = _current.get
"""The communicator of the step, None outside of one: where one rank computes alone, nobody would answer it."""


@contextmanager
def in_step(communicator: Communicator) -> Iterator[None]:
    """A time in which all ranks are in one step."""
    token = _current.set(communicator)
    try:
        yield
    finally:
        _current.reset(token)
