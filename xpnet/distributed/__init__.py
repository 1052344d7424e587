"""Training by several processes over MPI or NCCL; ``xn.distributed()`` opens a group of them."""

import sys
from types import ModuleType
from typing import Any

from xpnet.distributed.agreement import agree
from xpnet.distributed.communicator import Communicator, Pending
from xpnet.distributed.connection import connect
from xpnet.distributed.group import Group, distributed
from xpnet.distributed.normalization import SynchronizedBatchNormalization, synchronized
from xpnet.distributed.sharding import Sharded

__all__ = [
    "Communicator",
    "Group",
    "Pending",
    "Sharded",
    "SynchronizedBatchNormalization",
    "agree",
    "connect",
    "distributed",
    "synchronized",
]


class _Callable(ModuleType):
    """A module that can be called: ``xn.distributed`` becomes this subpackage on import, and stays callable."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        return distributed(*args, **named)


sys.modules[__name__].__class__ = _Callable
