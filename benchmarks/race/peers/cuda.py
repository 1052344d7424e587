"""Count the kernels, copies and waits of a step on a GPU, as CUPTI sees them, whatever library asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from cupti import cupti

KINDS = {
    "kernels": cupti.ActivityKind.CONCURRENT_KERNEL,
    "copies": cupti.ActivityKind.MEMCPY,
    "syncs": cupti.ActivityKind.SYNCHRONIZATION,
}
ROOM = 8 << 20  # bytes for records


def launches(step: Callable[[], object], wait: Callable[[], None], steps: int) -> dict[str, float]:
    """Return the kernels, copies and waits of a step, as the mean over some."""
    found: Counter[int] = Counter()

    def count(activities: Any) -> None:
        found.update(int(activity.kind) for activity in activities)

    step()
    wait()
    cupti.activity_register_callbacks(lambda: (ROOM, 0), count)
    for kind in KINDS.values():
        cupti.activity_enable(kind)
    for _ in range(steps):
        step()
    cupti.activity_disable(KINDS["syncs"])  # the wait to come is ours
    wait()
    cupti.activity_flush_all(1)
    return {name: found[int(kind)] / steps for name, kind in KINDS.items()}
