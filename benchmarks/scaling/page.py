"""The page of what was measured on ranks, what a model makes of it, and what it projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from textwrap import fill
from typing import Any

from benchmarks.race.machine import machine, versions
from benchmarks.race.workloads import TRANSFORMER, WORKLOADS, Workload
from benchmarks.scaling.model import Machine, computing, flops, hidden, summing
from benchmarks.scaling.rank import WIRE

NAMES = ("W2", "W3", "W5")
COMMAND = "python -m benchmarks.scaling > docs/scaling.md"
FITTED = ("W2", "W3")
"""The workloads of whose sums the model knows; W5 is left out."""

LARGE = Workload("GPT-2", TRANSFORMER, "", (50257, 1024, 768), 8, "adamw", 3e-4, layers=12, heads=12)
PARAMETERS = {"W3": 5_824_522, "GPT-2": 124_000_000}


class Measured:
    """What the runs have found; ``trial`` finds one by its run, its workload and the rows of a rank."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.found = found
        self.machine = machine()
        self.cores = int(self.machine["cores"])

    def trial(self, run: str, name: str, share: float) -> dict[str, Any]:
        """The trial of a workload on a share of its batch."""
        from benchmarks.scaling.__main__ import runs

        places = [(trial["workload"]["name"], trial["rows"]) for trial in runs(0.0)[run]["trials"]]
        at = places.index((name, int(WORKLOADS[name].batch * share)))
        found: dict[str, Any] = self.found[run]["trials"][at]
        return found

    @cached_property
    def model(self) -> dict[str, Machine]:
        """The machine as each workload sees it: one latency, bandwidth and overlap, and its own rate of products."""
        known = [self.trial("2", name, 0.5) for name in FITTED]
        observed = [(1, int(size), seconds) for size, seconds in self.found["2"]["sums"].items()]
        for trial in known:
            seconds = max(trial["in turn"] - trial["alone"], 1e-6)
            observed.append((len(trial["buckets"]), sum(trial["buckets"]), seconds))
        latency, for_a_byte = summing(observed, 2)
        overlap = sum(map(hidden, known)) / len(known)
        return {
            name: Machine(latency, for_a_byte, *computing(WORKLOADS[name], self.alone(name)), overlap) for name in NAMES
        }

    def alone(self, name: str) -> dict[int, float]:
        """The steps that a workload's rate of products is fitted to: of one process, on all of a batch and half."""
        batch = WORKLOADS[name].batch
        return {int(batch * share): self.trial("1", name, share)["as it is"] for share in (1.0, 0.5)}


def page(measured: Measured) -> str:
    """The page, in Markdown."""
    sections = (head, steps, parts, overlap, memory, peers, modelled, projected)
    return "\n\n".join(filled(section(measured)) for section in sections) + "\n"


def filled(lines: Iterable[str]) -> str:
    """Lines of which those of prose are broken anew."""
    parts: list[str] = []
    for prose, group in groupby("\n".join(lines).splitlines(), lambda line: bool(line) and line[0] not in "#|-"):
        together = list(group)
        parts += [fill(" ".join(together), 120)] if prose else together
    return "\n".join(parts)


def head(measured: Measured) -> Iterable[str]:
    own = measured.machine
    known = ", ".join(f"{name} {number}" for name, number in versions(["xpnet", "numpy", "torch", "mpi4py"]).items())
    yield "# Training on several ranks: times, a model, and what it projects"
    yield f"\n`{COMMAND}` wrote this page on {own['date']}."
    yield f"It ran on {own['processor']}, {own['cores']} cores, {own['memory']}, {own['system']}, with {known}, and"
    yield f"{measured.found['2']['over']} between processes of one machine. Each rank has one thread and a core of its"
    yield f"own where there are enough: four ranks share {own['cores']} cores. Times are in milliseconds, each the"
    yield "smallest of several chunks of steps, in which the slowest rank counts. W2, W3 and W5 are those of"
    yield "[benchmarks](benchmarks.md): two perceptrons, of 0.7 and 5.8 million parameters, and a Transformer of 0.8"
    yield "million."


def steps(measured: Measured) -> Iterable[str]:
    yield "## A step\n"
    yield "*Strong*: the ranks share one batch. *Weak*: each has as many rows as one process has alone. Efficiency is"
    yield "the speed of all ranks over that of one, divided by the number of ranks, or by"
    yield f"{measured.cores} for more ranks than the {measured.cores} cores.\n"
    yield "| | ranks | strong, ms | efficiency | weak, ms | efficiency |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name in NAMES:
        one = measured.trial("1", name, 1.0)["as it is"]
        yield f"| {name} | 1 | {ms(one)} | | {ms(one)} | |"
        for ranks in (2, 4):
            strong = measured.trial(str(ranks), name, 1 / ranks)["as it is"]
            weak = measured.trial(str(ranks), name, 1.0)["as it is"]
            at_once = min(ranks, measured.cores)
            efficiencies = one / strong / at_once, one / weak * ranks / at_once
            yield f"| | {ranks} | {ms(strong)} | {efficiencies[0]:.2f} | {ms(weak)} | {efficiencies[1]:.2f} |"
    yield "\nOne process with two threads, on the same cores, takes"
    two = {name: measured.trial("threads", name, 1.0)["as it is"] for name in NAMES}
    yield ", ".join(f"{ms(seconds)} ms for {name}" for name, seconds in two.items()) + "."
    shares = {name: two[name] / measured.trial("2", name, 0.5)["as it is"] for name in two}
    yield "Two ranks of one thread give " + ", ".join(f"{share:.2f} of that for {n}" for n, share in shares.items())
    yield "(the goal was 0.9 for W3)."


def parts(measured: Measured) -> Iterable[str]:
    yield "## The share of communication\n"
    yield "A step was timed in three ways: as it is, with a wait for every sum before backward continues, and without"
    yield "sums. The first minus the last is the communication that remains in a step; the second minus the last is all"
    yield "of it. On one machine the same cores compute the sums, so that little can be hidden.\n"
    yield "| | ranks | | without sums, ms | as it is, ms | communication | waiting for each, ms | hidden |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for name in NAMES:
        for ranks in (2, 4):
            for kind, share in (("strong", 1 / ranks), ("weak", 1.0)):
                trial = measured.trial(str(ranks), name, share)
                left = max(0.0, 1 - trial["alone"] / trial["as it is"])
                times = f"{ms(trial['alone'])} | {ms(trial['as it is'])} | {left:.0%} | {ms(trial['in turn'])}"
                yield f"| {name} | {ranks} | {kind} | {times} | {hidden(trial):.0%} |"


def overlap(measured: Measured) -> Iterable[str]:
    trial = measured.trial("2", "W5", 0.5)
    latency, for_a_byte = WIRE
    over = hidden(trial, "by a wire", "by a wire, in turn")
    yield "## Where a network card does the work\n"
    yield f"For W5 on two ranks each sum was delayed by {latency * 1e6:.0f} µs and by one second for every"
    yield f"{1 / for_a_byte / 1e6:.0f} MB, during which no core works, as on a wire between two machines."
    yield f"A step then takes {ms(trial['by a wire'])} ms as it is, {ms(trial['by a wire, in turn'])} ms if"
    yield "it waits for"
    yield f"each sum, and {ms(trial['alone'])} ms without sums: **{over:.0%} of the communication is hidden**"
    yield "(the goal was"
    yield f"half). {sum(trial['buckets']) / 1e6:.1f} MB of gradients travel in {len(trial['buckets'])} buckets there."


def memory(measured: Measured) -> Iterable[str]:
    yield "## The memory of a rank\n"
    yield "This is W3 with AdamW; its parameters take 23 MB and its two moments twice as much."
    yield "`group.sharded(optimizer, network, stage)` spreads the moments over the ranks, and in stage 2"
    yield "the gradients too. The table shows the"
    yield "memory that NumPy has allocated on a rank, in addition to the parameters: after two steps of 16 rows, and at"
    yield "the peak.\n"
    yield "| ranks | whole, MB | at most | stage 1, MB | at most | stage 2, MB | at most |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for run in ("1", "2", "4"):
        stages = measured.found[run]["memory"]
        cells = " | ".join(f"{stage['held']:.0f} | {stage['peak']:.0f}" for stage in stages)
        yield f"| {run} | {cells} |"


def peers(measured: Measured) -> Iterable[str]:
    yield "## Against DistributedDataParallel\n"
    yield "torch trains the same networks from the same weights with its fused optimizers and"
    yield "`DistributedDataParallel` over gloo, in turns with xpnet, on two ranks of one thread that share a batch.\n"
    yield "| | xpnet, ms | torch, ms | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for name in NAMES:
        own, other = (measured.trial(run, name, 0.5)["as it is"] for run in ("2", "ddp"))
        yield f"| {name} | {ms(own)} | {ms(other)} | {own / other:.2f} |"


def modelled(measured: Measured) -> Iterable[str]:
    found = measured.model
    one = found["W3"]
    yield "## A model\n"
    yield "A step of a rank takes *overhead + operations / rate*, plus the part of its sums that is not hidden; a sum"
    yield "of *b* bytes over *N* ranks takes *2 log₂ N · latency + 2 (N - 1) / N · b / bandwidth*. Ranks that share a"
    yield "core take"
    yield "turns on it. The rate and overhead of a workload are fitted to one process on a batch and on half of it;"
    yield f"latency and bandwidth to sums alone and to {' and '.join(FITTED)} on two ranks that share a batch; and the"
    yield "hidden share to the latter:\n"
    bandwidth = f"{1 / one.for_a_byte / 1e9:.1f} GB/s" if one.for_a_byte else "without limit"
    yield f"- latency {one.latency * 1e6:.0f} µs, bandwidth {bandwidth}, hidden {one.hidden:.0%};"
    rates = ", ".join(f"{m.rate / 1e9:.0f} for {name}" for name, m in found.items())
    yield f"- rates of {rates}, in 10⁹ operations a second;"
    yield "- overheads of " + ", ".join(f"{ms(m.overhead)} ms for {name}" for name, m in found.items()) + "."
    yield "\nThe remaining measurements, to which it was not fitted:\n"
    yield "| | ranks | rows of a rank | measured, ms | model, ms | off by |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    errors = []
    for name, ranks, share in left_out():
        trial, workload = measured.trial(str(ranks), name, share), WORKLOADS[name]
        rows = int(workload.batch * share)
        crowded = max(1.0, ranks / measured.cores)
        said = found[name].step(flops(workload, rows), trial.get("buckets", []) if ranks > 1 else [], ranks, crowded)
        off = said / trial["as it is"] - 1
        errors.append(abs(off))
        yield f"| {name} | {ranks} | {rows} | {ms(trial['as it is'])} | {ms(said)} | {off:+.0%} |"
    middle = sorted(errors)[len(errors) // 2]
    yield f"\nHalf of the predictions are off by {middle:.0%} at most, the worst by {max(errors):.0%}."


def left_out() -> Iterable[tuple[str, int, float]]:
    """What the model was not fitted to: workload, ranks, share of the batch."""
    for name in NAMES:
        yield name, 1, 0.25
        if name not in FITTED:
            yield name, 2, 0.5
        yield name, 2, 1.0
        yield name, 4, 0.25
        yield name, 4, 1.0


def projected(measured: Measured) -> Iterable[str]:
    trial = measured.trial("2", "W5", 0.5)
    over = hidden(trial, "by a wire", "by a wire, in turn")
    node = replace(measured.model["W3"], latency=5e-6, for_a_byte=1 / 12.5e9, hidden=over)
    gpu = Machine(1e-5, 1 / 300e9, 1e-3, 20e12, over)
    yield "## A projection\n"
    yield "**Nothing below was measured.** The model is given assumed numbers: eight GPUs with 20 · 10¹² operations a"
    yield "second and 1 ms for the launches of a step, connected at 300 GB/s with a latency of 10 µs; or machines like"
    yield "this one, each with one rank of one thread, connected at 12.5 GB/s with a latency of 5 µs. As on the wire"
    yield f"above, {over:.0%} of the communication is hidden. Every rank has its own batch (weak scaling): that of W3,"
    yield "or 8 texts of 1,024 tokens for a network like the smallest GPT-2, of 124 million parameters.\n"
    yield "| | | ranks | a step of one, ms | a step of all, ms | efficiency |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for where, each, ranks in (("GPUs", gpu, 8), ("machines", node, 8), ("machines", node, 1000)):
        for workload in (WORKLOADS["W3"], LARGE):
            size = 4 * PARAMETERS[workload.name]
            bucket = min(max(size // 8, 1 << 18), 1 << 22)
            buckets = [bucket] * round(size / bucket)
            work = flops(workload, workload.batch)
            one, of_all = each.step(work, [], 1), each.step(work, buckets, ranks)
            yield f"| {workload.name} | {where} | {ranks:,} | {ms(one)} | {ms(of_all)} | {one / of_all:.2f} |"
    yield "\nThe model ignores slow ranks, shared wires and the time of file systems."


def ms(seconds: float) -> str:
    """Milliseconds, to three figures or so."""
    value = seconds * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
