"""The benchmark: small trainings by xpnet and by whatever else is installed, side by side."""

from xpnet.benchmark.growth import Growth, grow
from xpnet.benchmark.peers import COMPETITORS, Competitor
from xpnet.benchmark.process import Setting
from xpnet.benchmark.racing import Heat, Result, race
from xpnet.benchmark.report import Report, markdown, put_into
from xpnet.benchmark.workloads import WORKLOADS, Workload

__all__ = [
    "COMPETITORS",
    "WORKLOADS",
    "Competitor",
    "Growth",
    "Heat",
    "Report",
    "Result",
    "Setting",
    "Workload",
    "grow",
    "markdown",
    "put_into",
    "race",
]
