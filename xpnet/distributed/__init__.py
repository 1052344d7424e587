"""Training by several processes: what they do together, over MPI or NCCL."""

from xpnet.distributed.agreement import agree
from xpnet.distributed.communicator import Communicator, Pending
from xpnet.distributed.connection import connect

__all__ = ["Communicator", "Pending", "agree", "connect"]
