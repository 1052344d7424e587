"""``tune``: what it sets, what it leaves alone, what it tells, and that it can be taken back."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from xpnet import tuning
from xpnet.backend.blas import blas
from xpnet.cli import COMMANDS, Commands, main
from xpnet.tuning import CORE, MALLOC, WAIT, advice, missed_core, processor, tune

blas_module = import_module("xpnet.backend.blas")

FLAGS = "fpu sse2 avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl"
ZEN5 = {"vendor_id": "AuthenticAMD", "cpu family": "26", "flags": FLAGS}
ZEN4 = ZEN5 | {"cpu family": "25"}
on_glibc = pytest.mark.skipif(tuning._mallopt() is None, reason="the C library is not glibc")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What reaches mallopt, in a process in which nothing is tuned and numpy is not loaded, on a Zen 5."""
    found: list[tuple[int, int]] = []

    def mallopt(parameter: int, value: int) -> int:
        found.append((parameter, value))
        return 1

    monkeypatch.setattr(tuning, "_active", set())
    monkeypatch.setattr(tuning, "_mallopt", lambda: mallopt)
    monkeypatch.setattr(tuning, "processor", lambda: ZEN5)
    monkeypatch.delitem(sys.modules, "numpy")
    for name in ("XPNET_TUNE", CORE, WAIT, "GLIBC_TUNABLES", *tuning.OWN):
        monkeypatch.setenv(name, "")  # so that the end of the test restores it
        monkeypatch.delenv(name)
    return found


def told() -> dict[str, tuple[bool, str]]:
    return {one.name: (one.done, one.why) for one in tune().settings}


def run(code: str, **variables: str) -> str:
    """What a fresh process prints."""
    own = {name: value for name, value in os.environ.items() if name not in ("XPNET_TUNE", CORE, WAIT, *tuning.OWN)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=own | variables, timeout=60)
    assert not done.stderr
    return done.stdout.strip()


def test_it_sets_both_and_takes_both_back(calls):
    tuned = tune()
    assert os.environ[CORE] == "SkylakeX"
    assert dict(calls) == {-3: 32 << 20, -1: 1 << 30, -2: 16 << 20}
    assert repr(tuned).splitlines() == [
        "malloc                   set: freed memory is kept for the arrays to come",
        "OPENBLAS_CORETYPE        set: SkylakeX, since OpenBLAS does not know that the processor has AVX-512",
        "OPENBLAS_THREAD_TIMEOUT  set: 20, its threads wait for the next product for 0.4 ms instead of 26",
    ]
    calls.clear()
    tuned.undo()
    assert CORE not in os.environ
    assert dict(calls) == {-3: 131072, -1: 131072, -2: 0}
    assert WAIT not in os.environ
    assert [one.why for one in tuned.settings] == ["taken back"] * 3
    tuned.undo()
    assert len(calls) == 3


def test_it_holds_within_a_with(calls):
    with tune() as tuned:
        assert all(one.done for one in tuned.settings)
        assert CORE in os.environ
    assert CORE not in os.environ
    assert told()[MALLOC] == (True, "freed memory is kept for the arrays to come")


def test_an_inner_call_leaves_the_outer_one_in_force(calls):
    with tune():
        with tune() as inner:
            assert [(one.done, one.why) for one in inner.settings] == [
                (True, "by an earlier call"),
                (True, "SkylakeX, by an earlier call"),
                (True, "20, by an earlier call"),
            ]
        assert os.environ[CORE] == "SkylakeX"
        assert len(calls) == 3


def test_the_environment_stops_it(calls, monkeypatch):
    monkeypatch.setenv("XPNET_TUNE", "0")
    assert told() == dict.fromkeys((MALLOC, CORE, WAIT), (False, "XPNET_TUNE=0"))
    assert not calls
    assert CORE not in os.environ


@pytest.mark.parametrize(
    ("name", "value"), [("MALLOC_TRIM_THRESHOLD_", "65536"), ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1")]
)
def test_what_the_environment_asks_of_malloc_is_kept(calls, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert told()[MALLOC] == (False, f"{name} has its own")
    assert not calls


def test_a_core_that_the_environment_names_is_kept(calls, monkeypatch):
    monkeypatch.setenv(CORE, "Haswell")
    with tune() as tuned:
        assert str(tuned.settings[1]) == "OPENBLAS_CORETYPE        not set: it is Haswell"
    assert os.environ[CORE] == "Haswell"


def test_a_core_that_somebody_has_changed_since_is_kept(calls, monkeypatch):
    with tune():
        os.environ[CORE] = "Zen"
    assert os.environ[CORE] == "Zen"


def test_it_is_too_late_for_the_core_once_numpy_is_loaded(calls, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", pytest)
    done, why = told()[CORE]
    assert not done
    assert why == "numpy was loaded first; start with OPENBLAS_CORETYPE=SkylakeX, or call tune() before it"
    assert told()[WAIT][1] == "numpy was loaded first; start with OPENBLAS_THREAD_TIMEOUT=20, or call tune() before it"
    assert CORE not in os.environ
    assert WAIT not in os.environ


def test_how_long_openblas_waits_is_left_alone_where_it_sleeps_at_once(calls, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert told()[WAIT] == (False, "its threads are known to wait so on Linux only")


def test_another_c_library_is_left_alone(calls, monkeypatch):
    monkeypatch.setattr(tuning, "_mallopt", lambda: None)
    assert told()[MALLOC] == (False, "the C library is not glibc")


def test_it_knows_glibc_by_its_name(monkeypatch):
    for answer in (lambda name: None, lambda name: int("no such name")):
        monkeypatch.setattr(os, "confstr", answer, raising=False)
        assert tuning._mallopt() is None
    monkeypatch.delattr(os, "confstr")
    assert tuning._mallopt() is None


@pytest.mark.parametrize(
    ("cpu", "core", "why"),
    [
        (ZEN5, "SkylakeX", "OpenBLAS does not know that the processor has AVX-512"),
        (ZEN4, "", "OpenBLAS knows the processor"),
        (ZEN5 | {"vendor_id": "GenuineIntel", "cpu family": "6"}, "", "OpenBLAS knows the processor"),
        (ZEN5 | {"flags": FLAGS.replace("avx512vl", "")}, "", "the processor has no AVX-512"),
        ({}, "", "the features of the processor are known only on Linux on x86-64"),
    ],
)
def test_a_core_is_named_only_where_the_processor_can_run_it_and_openblas_would_not(cpu, core, why):
    assert missed_core(cpu) == (core, why)


def test_the_processor_is_read_from_its_first_core(tmp_path: Path):
    file = tmp_path / "cpuinfo"
    file.write_text(
        f"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nflags\t\t: {FLAGS}\n\nflags\t: fpu\n"
    )
    cpu = processor(str(file))
    assert (cpu["vendor_id"], cpu["cpu family"], cpu["flags"]) == ("AuthenticAMD", "26", FLAGS)
    file.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert processor(str(file)) == {}
    assert processor(str(tmp_path / "nothing")) == {}


def test_importing_xpnet_changes_nothing_in_the_process():
    code = """
import os, sys, ctypes
if hasattr(os, "confstr"):
    ctypes.CDLL = None  # whoever asks for the C library fails
before = dict(os.environ)
import xpnet
assert "numpy" not in sys.modules
assert dict(os.environ) == before
assert "xpnet.tuning" not in sys.modules
from xpnet.tuning import _active
assert not _active
print("unchanged")
"""
    assert run(code) == "unchanged"


def test_it_comes_before_numpy():
    assert run("import sys, xpnet; xpnet.tune(); print('numpy' in sys.modules)") == "False"


@on_glibc
def test_freed_memory_stays_with_the_process_until_it_is_taken_back():
    """What a step frees and the next asks for again is not faulted in again."""
    code = """
import resource, xpnet

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        arrays = [b"x" * 400_000 for _ in range(16)]
        del arrays
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 20

plain = faults()
with xpnet.tune():
    faults()
    tuned = faults()
print(plain > 1000, tuned < 100, faults() > 1000)
"""
    assert run(code) == "True True True"


def test_the_command_line_is_tuned_while_a_command_runs_and_no_longer(calls, monkeypatch):
    seen = []

    @click.command()
    @click.pass_obj
    def probe(tuned):
        seen.append((CORE in os.environ, len(calls), [one.done for one in tuned.settings]))

    monkeypatch.setattr(Commands, "get_command", lambda self, ctx, name: probe)
    assert CliRunner().invoke(main, ["probe"]).exit_code == 0
    assert seen == [(True, 3, [True, True, True])]
    assert CORE not in os.environ
    assert len(calls) == 6


def test_the_help_of_the_command_line_needs_no_numpy():
    code = """
import sys
from xpnet.cli import main
main(["--help"], standalone_mode=False)
print("numpy" in sys.modules)
"""
    lines = run(code).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS] == list(
        COMMANDS
    )
    assert lines[-1] == "False"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200).split()[0] == COMMANDS[name].split()[0]


def test_backends_tells_of_numpys_blas_and_of_what_is_tuned(monkeypatch):
    monkeypatch.setenv("XPNET_TUNE", "0")
    lines = CliRunner().invoke(main, ["backends"], env={"COLUMNS": "200"}).stdout.splitlines()
    found = next(line for line in lines if line.startswith("NumPy's BLAS: "))
    assert re.fullmatch(r"NumPy's BLAS: \S+ \S+, core \w+, threads \w+, \d+ GFLOP/s in float32", found)
    assert "malloc                   not set: XPNET_TUNE=0" in lines
    assert sum(line.startswith("compiled loops: ") for line in lines) == 1


def test_openblas_tells_its_core_and_its_threads():
    found = blas()
    if "openblas" not in found.name:
        pytest.skip("NumPy was built with another BLAS")
    code = "from xpnet.backend.blas import blas; print(blas().core, blas().threads)"
    if platform.machine() in ("x86_64", "AMD64"):
        assert run(code, OPENBLAS_CORETYPE="Sandybridge", OPENBLAS_NUM_THREADS="1") == "Sandybridge 1"
    assert found.version.startswith("0.")


def test_a_blas_that_tells_nothing_is_unknown(monkeypatch):
    openmp = {"user_api": "openmp", "filepath": "libgomp.so", "num_threads": 2}
    monkeypatch.setattr(blas_module, "threadpool_info", lambda: [openmp])
    assert str(blas()).endswith("core unknown, threads unknown")
    for config in ({}, {"Build Dependencies": None}, None):
        monkeypatch.setattr(np, "show_config", lambda mode, config=config: config)
        assert str(blas()) == "unknown unknown, core unknown, threads unknown"
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "accelerate"}}})
    assert str(blas()) == "accelerate unknown, core unknown, threads unknown"


def test_the_blas_of_numpy_is_meant_where_others_are_loaded(monkeypatch):
    openblas = {"user_api": "blas", "num_threads": 4, "filepath": "scipy.libs/libopenblas.so", "architecture": "Zen"}
    own = openblas | {"num_threads": 2, "filepath": "numpy.libs/libopenblas.so", "architecture": None}
    monkeypatch.setattr(blas_module, "threadpool_info", lambda: [openblas, own])
    assert str(blas()).endswith("core unknown, threads 2")


def test_the_advice_for_a_core_that_leaves_avx512_unused(calls, monkeypatch):
    assert advice("Haswell") == (
        "The processor has AVX-512, which the core Haswell does not use: start with OPENBLAS_CORETYPE=SkylakeX."
    )
    assert advice("SkylakeX") == advice("unknown") == ""
    with tune():
        assert advice("SkylakeX").endswith("needs OPENBLAS_CORETYPE=SkylakeX set outside.")
    monkeypatch.setattr(tuning, "processor", dict)
    assert advice("Haswell") == ""


@on_glibc
def test_freed_arrays_are_kept_for_those_to_come_without_tune() -> None:
    code = (
        "import numpy as np, resource, xpnet.backend\n"
        "for _ in range(20): del (arrays := [np.ones(1 << 17) for _ in range(8)])[:]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    )
    assert int(run(code)) + 15_000 < int(run(code, XPNET_TUNE="0"))
