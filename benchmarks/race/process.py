"""A competitor's process as the benchmark sees it: it answers requests, and sleeps in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

from benchmarks.race.peers import GPU_BACKEND, Competitor
from benchmarks.race.workloads import Workload

HERE = Path(__file__).parent
CAN_STOP = hasattr(signal, "SIGSTOP")
POOLS = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "NUMEXPR_NUM", "NUMBA_NUM", "VECLIB_MAXIMUM")
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class Failed(Exception):  # noqa: N818 (it is no error of the benchmark)
    """A competitor could not run; the text says why."""


@dataclass(frozen=True)
class Setting:
    """The setting of a race: the threads of the CPU, or the GPU."""

    threads: int = 2
    gpu: bool = False


class Process:
    """A process for a competitor and a workload.

    Raises: ``Failed`` from ``answer`` and ``ask``.
    """

    def __init__(
        self, competitor: Competitor, workload: Workload, folder: Path, setting: Setting, dtype: str = "float32"
    ) -> None:
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (until __exit__)
        self.process = subprocess.Popen(  # noqa: S603 (a file of this package)
            [sys.executable, "-P", str(HERE / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            encoding="utf-8",
            env=environment(setting, competitor.fast),
            process_group=0 if CAN_STOP else None,
        )
        assert self.process.stdin is not None  # noqa: S101 (for the type checker)
        assert self.process.stdout is not None  # noqa: S101
        self.requests: IO[str] = self.process.stdin
        self.answers: IO[str] = self.process.stdout
        self.send(
            file=str(HERE / "peers" / f"{workload.file or competitor.library}.py"),
            kind=competitor.kind,
            tuned=competitor.tuned,
            workload=asdict(workload),
            folder=str(folder),
            threads=setting.threads,
            gpu=setting.gpu,
            backend=GPU_BACKEND if setting.gpu else "numpy",
            dtype=dtype,
        )

    def send(self, **request: Any) -> None:
        with suppress(OSError):  # where it has died, no answer will come
            self.requests.write(json.dumps(request) + "\n")
            self.requests.flush()

    def answer(self) -> Any:
        """Wait for the answer to the oldest request that has none yet."""
        line = self.answers.readline()
        answer = json.loads(line) if line else {"error": self.last_words()}
        if isinstance(answer, dict) and "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, do: str, **request: Any) -> Any:
        """Wake it for one request: the idle threads of a rival would spin, and steal the cores."""
        self.signal("SIGCONT")
        self.send(do=do, **request)
        answer = self.answer()
        self.stop()
        return answer

    def stop(self) -> None:
        self.signal("SIGSTOP")

    def signal(self, name: str) -> None:
        """Send a signal to the process and to those that it has started, where the system has such signals."""
        if CAN_STOP:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, getattr(signal, name))

    def last_words(self) -> str:
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.signal("SIGKILL")
        self.process.kill()
        for stream in (self.requests, self.answers):
            with suppress(OSError):
                stream.close()
        self.process.wait()
        self.errors.close()


def on_path() -> dict[str, str]:
    """Return the variable that lets a process find a checkout that is not installed."""
    paths = [path for path in (os.environ.get("PYTHONPATH"), str(HERE.parent.parent)) if path]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def environment(setting: Setting, fast: bool = False) -> dict[str, str]:
    """Return the variables of a competitor: as many threads in every library, and no tuning but its own."""
    tuning = ("XPNET_BACKEND", "XPNET_TUNE", "XPNET_FAST", "OPENBLAS_CORETYPE", "OPENBLAS_THREAD_TIMEOUT")
    own = {name: value for name, value in os.environ.items() if name not in tuning}
    own |= {f"{pool}_THREADS": str(setting.threads) for pool in POOLS}
    own |= on_path() | {"PYTHONWARNINGS": "ignore", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    own |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if setting.gpu else {"JAX_PLATFORMS": "cpu"}
    if setting.threads == 1:
        own["XLA_FLAGS"] = f"{own.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()
    own |= {} if fast else {"XPNET_FAST": "0"}
    return own
