"""The processes of a command: one, or all that ``mpiexec`` has started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xpnet.backend import Backend, use_backend
from xpnet.distributed import Group, connect
from xpnet.distributed.launcher import HOW, PRINTING, launched, refuse
from xpnet.distributed.single import SingleCommunicator
from xpnet.errors import ArgumentError, XpnetError


@contextmanager
def ranks(wanted: bool, make: Callable[[], Backend], timeout: float) -> Iterator[Group]:
    """Yield the ranks that run the command, on the backend that each makes; this process alone unless ``wanted``.

    An error ends all of them, and is printed once.

    Raises: ``ArgumentError`` if no others have been started, or if others have and they were not wanted.
    """
    launch = launched()
    if not wanted:
        if launch is not None and launch.size > 1:
            must, got = "one process must be started without --distributed", f"{launch.size}, each of which would train"
            refuse(ArgumentError("train", must, got, "give --distributed, and they train together"), launch)
        with use_backend(make()):
            yield Group(SingleCommunicator())
        return
    if launch is None:
        must, got = "--distributed must be started as several processes", "one that no mpiexec has started"
        raise ArgumentError("train", must, got, f"run {HOW}")
    communicator = connect(make, timeout)
    group = Group(communicator)
    with use_backend(communicator.backend), group.opened():
        try:
            yield group
        except XpnetError as error:
            communicator.abort(str(error))
    communicator.close()


def repeats() -> bool:
    """Return whether the first process of this machine reports the same error as this one.

    It first gives that process time to report it, as a launcher may end all processes when one has ended.
    """
    try:
        launch = launched()
    except XpnetError:
        return False
    if launch is None or launch.local_rank == 0:
        return False
    time.sleep(PRINTING)
    return True
