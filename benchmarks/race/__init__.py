"""The benchmark: small trainings by xpnet and by whatever else is installed, side by side."""

from benchmarks.race.growth import Growth, grow
from benchmarks.race.peers import COMPETITORS, Competitor
from benchmarks.race.process import Setting
from benchmarks.race.racing import Heat, Result, race
from benchmarks.race.report import Report, markdown, put_into
from benchmarks.race.workloads import WORKLOADS, Workload

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
