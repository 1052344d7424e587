"""The processes of a command: one, or all that ``mpiexec`` has started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xpnet.distributed import Group, distributed
from xpnet.distributed.launcher import HOW, launched
from xpnet.distributed.single import SingleCommunicator
from xpnet.errors import ArgumentError, XpnetError


@contextmanager
def ranks(wanted: bool) -> Iterator[Group]:
    """Yield the ranks that run the command: all of them if ``wanted``, else this process alone.

    An error ends all of them, and is printed once.

    Raises: ``ArgumentError`` if no others have been started.
    """
    if not wanted:
        yield Group(SingleCommunicator())
        return
    if launched() is None:
        must, got = "--distributed must be started as several processes", "one that no mpiexec has started"
        raise ArgumentError("train", must, got, HOW)
    with distributed() as group:
        try:
            yield group
        except XpnetError as error:
            group.communicator.abort(str(error))
