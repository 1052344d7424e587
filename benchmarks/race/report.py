"""All that a run of the benchmark found: as data, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.race.footprint import Footprint
from benchmarks.race.growth import Growth
from benchmarks.race.peers import COMPETITORS
from benchmarks.race.process import Setting
from benchmarks.race.racing import STEPS, Heat, Result

MEGABYTE = 2**20
BUSY = "the times scatter: something else was running, so measure again when the machine is quiet"
RATIOS = (
    ("xpnet-fast", "torch"),
    ("xpnet-fast", "jax"),
    ("xpnet-fast", "products-tuned"),
    ("xpnet-tuned", "torch"),
    ("xpnet-tuned", "jax"),
    ("xpnet-tuned", "products-tuned"),
    ("xpnet-numba", "torch-fused"),
    ("xpnet", "torch-fused"),
    ("xpnet-captured", "torch"),
    ("xpnet-captured", "torch-compile"),
    ("xpnet-captured", "jax"),
)

UNSTEADY = 0.15
RIVALS = ("torch", "jax")


@dataclass(frozen=True)
class Report:
    """The heats of one run, and what they ran on."""

    machine: dict[str, str]
    versions: dict[str, str]
    setting: Setting
    rounds: int
    images: str
    heats: list[Heat] = field(default_factory=list)
    footprints: list[Footprint] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The competitors that ran anywhere, in the order of the table."""
        return [name for name in COMPETITORS if any(r.competitor == name for heat in self.heats for r in heat.ran())]

    @property
    def right(self) -> bool:
        """Whether xpnet, where it was asked for, ran and computed the right losses."""
        for heat in self.heats:
            own = [result for name, result in heat.results.items() if COMPETITORS[name].library == "xpnet"]
            if own and not any(result.ran for result in own):
                return False
            if any(result.ran and result.disagrees(heat.workload) for result in own):
                return False
        return True

    def verdicts(self) -> list[str]:
        """Return a sentence for each rival that people would pick instead."""
        lines = []
        for rival in RIVALS:
            found = [
                (f"{heat.base.median / heat.results[rival].median:.2f}", heat.workload.name)
                for heat in self.heats
                if heat.base and rival in heat.results and heat.results[rival].ran and heat.base.competitor != rival
            ]
            if found:
                ratios, names = (", ".join(column) for column in zip(*found, strict=True))
                lines.append(f"xpnet takes {ratios} of the time of {COMPETITORS[rival].label} on {names}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        heats = [
            {
                "workload": asdict(heat.workload),
                "results": {
                    name: asdict(result) | {"median": result.median if result.ran else None}
                    for name, result in heat.results.items()
                },
            }
            for heat in self.heats
        ]
        return asdict(self) | {"heats": heats}

    def conditions(self) -> str:
        """Return a sentence on where and when."""
        where = ", ".join(
            [
                self.machine["processor"],
                f"{self.machine['cores']} cores",
                self.machine["memory"],
                self.machine["system"],
            ]
        )
        versions = ", ".join(f"{package} {version}" for package, version in self.versions.items())
        place = "on the GPU" if self.setting.gpu else f"{self.setting.threads} threads"
        return (
            f"{where}; Python {self.machine['Python']}, {versions}; {place}, {self.rounds} rounds, "
            f"images: {self.images}; {self.machine['date']}."
        )

    def busy(self) -> bool:
        """Return whether most times scatter so much that something else must have been running."""
        spreads = [result.spread for heat in self.heats for result in heat.ran()]
        return bool(spreads) and median(spreads) > UNSTEADY


def markdown(report: Report, picture: str = "", growth: str = "") -> str:
    """Return the report as Markdown, with links to its pictures."""
    parts = [report.conditions()]
    if report.heats:
        parts += ["### Time of a step", "In brackets: as long as the first row takes."]
        parts += [f"![Time of a step, as a ratio to xpnet]({picture})"] if picture else []
        parts += [_by_workload(report, _time)]
        if ratios := [table for heats in _in_fives(report) for table in _ratios(heats)]:
            parts += ["Ratios, lower is better:", *ratios]
        parts += [
            "### Memory",
            "What the workload added to the process, and in brackets the whole process at its peak.",
        ]
        parts += [_by_workload(report, _memory)]
        parts += ["### The same training?"]
        parts += [f"How far the loss is from that in float64, after the first step and after {STEPS}, relatively."]
        parts += [_by_workload(report, _difference)]
    if any(result.launches for heat in report.heats for result in heat.ran()):
        parts += ["### What a step asks of the GPU", _by_workload(report, _launches)]
    if report.footprints:
        parts += ["### Before the first step", _table(FOOTPRINT, map(footprint_cells, report.footprints))]
    if report.growth:
        parts += ["### Growth"]
        parts += [f"![Time and memory against batch, width, depth and parameters]({growth})"] if growth else []
        parts += [_table(GROWTH, map(growth_cells, report.growth))]
    troubles = [line for heat in report.heats for line in heat.troubles()]
    troubles += [BUSY] if report.busy() else []
    if troubles:
        parts += ["### Troubles", "\n".join(f"- {line}" for line in troubles)]
    return "\n\n".join(parts) + "\n"


def put_into(page: str, name: str, content: str) -> str:
    """Return the page with the content between ``<!-- name -->`` and ``<!-- end of name -->``, added if need be."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(start)
    if not found:
        return page + ("\n" if page else "") + f"{start}\n\n{content}\n{end}\n"
    return f"{before}{start}\n\n{content}\n{end}{rest.partition(end)[2]}"


def _in_fives(report: Report) -> Iterator[Sequence[Heat]]:
    """Yield as many workloads as a table of a page has room for."""
    for start in range(0, len(report.heats), 5):
        yield report.heats[start : start + 5]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _by_workload(report: Report, cell: Callable[[Heat, Result], str]) -> str:
    tables = []
    for heats in _in_fives(report):
        rows = []
        for name in report.names:
            results = [(heat, heat.results.get(name)) for heat in heats]
            cells = [cell(heat, result) if result is not None and result.ran else "" for heat, result in results]
            if any(cells):
                rows.append([COMPETITORS[name].label, *cells])
        tables.append(_table(["", *(heat.workload.name for heat in heats)], rows))
    return "\n\n".join(tables)


def _time(heat: Heat, result: Result) -> str:
    assert heat.base is not None  # noqa: S101 (one ran)
    return f"{duration(result.median)} ({result.median / heat.base.median:.2f})"


def _memory(_: Heat, result: Result) -> str:
    grown, peak = result.memory.get("grown"), result.memory.get("peak")
    if grown is None or peak is None or not COMPETITORS[result.competitor].computes:
        return ""
    return f"{grown / MEGABYTE:,.0f} MB ({peak / MEGABYTE:,.0f})"


def _difference(heat: Heat, result: Result) -> str:
    cells = [f"{result.difference[steps]:.0e}" for steps in (1, STEPS) if steps in result.difference]
    mark = "**" if cells and result.disagrees(heat.workload) else ""
    return f"{mark}{', '.join(cells)}{mark}"


def _launches(_: Heat, result: Result) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in result.launches.items())


def _ratios(heats: Sequence[Heat]) -> Iterator[str]:
    rows = []
    for own, other in RATIOS:
        cells = []
        for heat in heats:
            pair = [heat.results.get(name) for name in (own, other)]
            both = [result.median for result in pair if result is not None and result.ran]
            cells.append(f"{both[0] / both[1]:.2f}" if len(both) == 2 else "")
        if any(cells):
            rows.append([f"{COMPETITORS[own].label} / {COMPETITORS[other].label}", *cells])
    if rows:
        yield _table(["", *(heat.workload.name for heat in heats)], rows)


FOOTPRINT = ("", "version", "import", "on disk, with dependencies")
GROWTH = ("axis", "value", "parameters", "a step", "memory")


def footprint_cells(one: Footprint) -> list[str]:
    return [one.package, one.version, f"{one.seconds:.2f} s", f"{one.size / 1e6:,.0f} MB"]


def growth_cells(point: Growth) -> list[str]:
    memory = "" if point.grown is None else f"{point.grown / MEGABYTE:,.1f} MB"
    return [point.axis, f"{point.value:,}", f"{point.parameters:,}", duration(point.seconds), memory]


def duration(seconds: float) -> str:
    """Return a time with three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{f'{seconds / size:#.3g}'.rstrip('.')} {unit}"
    return f"{seconds * 1e6:.0f} µs"
