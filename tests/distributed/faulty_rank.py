"""``faulty_rank.py FAULT TIMEOUT``: a rank, of MPI or not, where number 1 or the hub fails in the fourth step."""

import os
import signal
import sys

from xpnet.distributed import connect
from xpnet.distributed.connection import over_tcp
from xpnet.distributed.launcher import launched


def fail(fault):
    if fault == "raises":
        raise ValueError("this row is bad")
    if fault == "leaves":
        sys.exit()
    os.kill(os.getpid(), {"is killed": signal.SIGKILL, "is stopped": signal.SIGSTOP}[fault])


fault, timeout = sys.argv[1], float(sys.argv[2])
launch = launched()
ranks = over_tcp(launch, timeout) if launch.launcher == "variables" else connect(timeout=timeout)
for step in range(6):
    if step == 3 and fault == "stops the hub" and ranks.rank == 0:
        sys.stderr.write(f"hub {ranks.watch.hub}\n")
        os.kill(ranks.watch.hub, signal.SIGSTOP)
    elif step == 3 and fault != "stops the hub" and ranks.rank == 1:
        fail(fault)
    ranks.gather_objects(step)
ranks.close()
