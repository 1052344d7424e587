"""The metrics of a server, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Histogram:
    """The number of values up to each bound, and their sum."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text, self.bounds = name, text, bounds
        self.counts, self.sum = [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self) -> Iterable[str]:
        """Yield the lines of the histogram."""
        yield from heading(self.name, self.text, "histogram")
        for bound, count in zip([*map(str, self.bounds), "+Inf"], accumulate(self.counts), strict=True):
            yield f'{self.name}_bucket{{le="{bound}"}} {count}'
        yield f"{self.name}_sum {self.sum:.6g}"
        yield f"{self.name}_count {sum(self.counts)}"


class Metrics:
    """The requests by path and status, their times, the rows computed at once, and the memory of the process."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds = Histogram("xpnet_request_seconds", "Time of a request until its response.", SECONDS)
        self.batches = Histogram("xpnet_batch_rows", "Rows that were computed at once.", ROWS)

    def text(self, waiting: int) -> str:
        """Return all metrics."""
        lines = [*heading("xpnet_requests_total", "Requests by path and status.", "counter")]
        for (path, status), count in sorted(self.requests.items()):
            lines.append(f'xpnet_requests_total{{path="{path}",status="{status}"}} {count}')
        lines += [*self.seconds.lines(), *self.batches.lines()]
        lines += [*heading("xpnet_waiting_requests", "Requests that wait for their answer.", "gauge")]
        lines.append(f"xpnet_waiting_requests {waiting}")
        if (memory := resident_memory()) is not None:
            lines += [*heading("process_resident_memory_bytes", "Resident memory of the process.", "gauge")]
            lines.append(f"process_resident_memory_bytes {memory}")
        return "\n".join(lines) + "\n"


def heading(name: str, text: str, kind: str) -> tuple[str, str]:
    """Return the two lines before a metric."""
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def resident_memory() -> int | None:
    """Return the bytes of memory of this process, where the system tells them."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                return 1024 * int(line.split()[1])
    return None
