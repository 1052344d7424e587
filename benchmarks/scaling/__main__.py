"""``python -m benchmarks.scaling > docs/scaling.md`` trains on 1, 2 and 4 ranks of this machine, and writes a page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.race.data import write
from benchmarks.race.workloads import WORKLOADS
from benchmarks.scaling.page import NAMES, Measured, page

HERE = Path(__file__).parent
PARTS = ("as it is", "in turn", "alone")
WIRE = ("by a wire", "by a wire, in turn")
SUMS = (1 << 12, 1 << 16, 1 << 20, 1 << 22, 1 << 24)


def trials(batches: Sequence[float], modes: Sequence[str], seconds: float) -> list[dict[str, Any]]:
    """Each workload on shares of its batch, which each rank has."""
    found = []
    for name in NAMES:
        for share in batches:
            rows = int(WORKLOADS[name].batch * share)
            wire = WIRE if name == "W5" and share == 0.5 and len(modes) > 1 else ()
            found.append(
                {"workload": asdict(WORKLOADS[name]), "rows": rows, "modes": [*modes, *wire], "seconds": seconds}
            )
    return found


def runs(seconds: float) -> dict[str, dict[str, Any]]:
    """What is started, by the library, its ranks and the threads of each."""
    own = {"library": "xpnet", "threads": 1, "sums": SUMS}
    ddp = {**own, "library": "torch", "ranks": 2, "trials": trials([0.5], PARTS[:1], seconds)}
    return {
        "threads": {**own, "ranks": 1, "threads": 2, "trials": trials([1.0], PARTS[:1], seconds)},
        "1": {**own, "ranks": 1, "trials": trials([1.0, 0.5, 0.25], PARTS[:1], seconds)},
        "2": {**own, "ranks": 2, "trials": trials([0.5, 1.0], PARTS, seconds)},
        "ddp": ddp,
        "4": {**own, "ranks": 4, "trials": trials([0.25, 1.0], PARTS, seconds)},
    }


def start(run: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the ranks of a run have found."""
    file = folder / "request.json"
    meeting = folder / "meeting"
    meeting.unlink(missing_ok=True)
    file.write_text(json.dumps({**run, "folder": str(folder), "meeting": meeting.as_uri()}))
    threads = str(run["threads"])
    variables = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(HERE.parent.parent)}
    command = [
        sys.executable,
        *(["-m", "mpi4py"] if run["library"] == "xpnet" else []),
        str(HERE / "rank.py"),
        str(file),
    ]
    if run["ranks"] > 1:
        beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        mpiexec = shutil.which("mpiexec", path=beside)
        if mpiexec is None:
            raise click.ClickException("mpiexec is needed: pip install '.[mpi]'")
        command = [mpiexec, "-n", str(run["ranks"]), *command]
    subprocess.run(command, check=True, env={**os.environ, **variables}, stdout=sys.stderr)  # noqa: S603 (our own code)
    found: dict[str, Any] = json.loads(file.with_suffix(".found").read_text())
    return found


def fewest(first: Any, second: Any) -> Any:
    """The lesser of two times, wherever they stand in what two runs have found."""
    if isinstance(first, dict):
        return {name: fewest(value, second[name]) for name, value in first.items()}
    if isinstance(first, list):
        return [fewest(*pair) for pair in zip(first, second, strict=True)]
    return min(first, second) if isinstance(first, float) else first


@click.command()
@click.option("--rounds", default=2, show_default=True, help="Turns of each run.")
@click.option("--seconds", default=0.3, show_default=True, help="The length of a chunk of steps.")
@click.option("--json", "kept", type=click.Path(path_type=Path), help="Write all that was measured there.")
def main(rounds: int, seconds: float, kept: Path | None) -> None:
    """Measure steps on 1, 2 and 4 ranks, fit a model to some of them, and write a page to standard output."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for workload in NAMES:
            (Path(name) / workload).mkdir()
            write(WORKLOADS[workload], Path(name) / workload)
        for turn in range(rounds):
            for label, run in runs(seconds).items():
                print(f"round {turn + 1}, {label}", file=sys.stderr)
                told = start({**run, "chunks": 3}, Path(name))
                found[label] = fewest(found[label], told) if label in found else told
    if kept is not None:
        kept.write_text(json.dumps(found))
    print(page(Measured(found)), end="")


if __name__ == "__main__":
    main()
