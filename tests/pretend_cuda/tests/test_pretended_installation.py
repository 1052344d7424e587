"""How the pretended CUDA is built and installed, and what it says where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pretend_cuda
import pytest
from pretend_cuda import abi, cache, versions

if versions.cupy_folder() is None:
    pytest.skip("CuPy is not installed: pip install cupy-cuda13x", allow_module_level=True)

LACKS = "import pretend_cuda; print(pretend_cuda.lacks())"
IMPORT = "import cupy; print(cupy.is_available())"
NO_COMPILER = "the C++ compiler /no/such/g++ does not run: install g++ 12 or newer, or name one in PRETEND_CUDA_CXX"


def patched(what: str) -> str:
    """Code that says what is lacking after something has been taken away."""
    return f"import sys, sysconfig, pathlib; from pretend_cuda import requirements, versions; {what}; {LACKS}"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (patched("sys.modules['Cython'] = None"), 'Cython is not installed: pip install "cython>=3.2.4"'),
        (patched("versions.cupy_folder = lambda: None"), "CuPy is not installed: pip install cupy-cuda13x"),
        (
            patched("sysconfig.get_path = lambda name: '/nowhere'"),
            "/nowhere/Python.h is not there: install",
        ),
        (patched("sys.platform = 'darwin'"), "pretend_cuda runs on x86-64 Linux alone"),
        ("import cupy; " + LACKS, "CuPy has been imported before pretend_cuda: call pretend_cuda.install() before"),
    ],
)
def test_what_is_lacking_is_said_in_one_sentence_with_the_remedy(python, code, why):
    done = python(code)
    assert why in done.stdout, done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_compiler_that_is_not_there(python):
    assert python(LACKS, PRETEND_CUDA_CXX="/no/such/g++").stdout == f"{NO_COMPILER}\n"


def test_a_real_gpu_is_not_pretended_away(python, tmp_path):
    (tmp_path / "0000:01:00.0").mkdir()
    code = patched(f"requirements.GPUS = pathlib.Path({str(tmp_path)!r})")
    said = python(code, CUDA_VISIBLE_DEVICES=None).stdout
    assert said.startswith("this machine has an NVIDIA GPU, on which CuPy runs as it is: unset PRETEND_CUDA, or hide")
    assert python(code, CUDA_VISIBLE_DEVICES="").stdout == "None\n"


@pytest.mark.parametrize("code", [LACKS, "import pretend_cuda; pretend_cuda.install()"])
def test_a_cache_that_cannot_be_written_to(python, tmp_path, code):
    (tmp_path / "file").write_text("in the way")
    done = python(code, PRETEND_CUDA_CACHE=str(tmp_path / "file" / "cache"))
    assert "cannot be written to (Not a directory): set PRETEND_CUDA_CACHE to a folder that this user can write to" in (
        done.stdout + done.stderr
    )


def test_a_cache_is_found_by_the_variables_of_the_desktop(monkeypatch):
    monkeypatch.delenv("PRETEND_CUDA_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/here")
    assert cache.folder() == Path("/here/pretend_cuda")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == Path.home() / ".cache" / "pretend_cuda"
    monkeypatch.setenv("PRETEND_CUDA_CACHE", "/there")
    assert cache.folder() == Path("/there")


def test_what_does_not_fit_the_installed_cupy_is_said_in_one_sentence():
    assert abi.refusal([]) is None
    said = abi.refusal(["module.f is missing for int (void)"])
    assert "is not what pretend_cuda stands in for (module.f is missing for int (void)): install" in said
    assert "and others" in abi.refusal(["a", "b", "c", "d"])


def test_a_folder_whose_report_has_differences_is_refused(python, tmp_path):
    code = f"from pretend_cuda import build; print(f'build-{{build.key()}}'); {LACKS}"
    name = python(code, PRETEND_CUDA_CACHE=str(tmp_path)).stdout.splitlines()[0]
    (tmp_path / name).mkdir()
    (tmp_path / name / abi.REPORT).write_text("module.f is missing for int (void)")
    assert "is not what pretend_cuda stands in for" in python(code, PRETEND_CUDA_CACHE=str(tmp_path)).stdout
    done = python("import pretend_cuda; pretend_cuda.install()", PRETEND_CUDA_CACHE=str(tmp_path))
    assert "PretendCudaError: CuPy" in done.stderr


def test_the_stand_ins_fit_the_installed_cupy(cp):
    assert abi.differences(type(sys.meta_path[0]).folder) == []


def test_stand_ins_that_do_not_import_are_a_difference(cp, tmp_path):
    (line,) = abi.differences(tmp_path)
    assert line.startswith("the stand-ins do not import: OSError: ")


def test_cupy_is_not_imported_without_what_was_asked_for(python):
    broken = {**pretend_cuda.environment(), "PRETEND_CUDA_CXX": "/no/such/g++"}
    done = python(f"try:\n    import cupy\nexcept ImportError as error:\n    print(error)\n{IMPORT}", **broken)
    assert done.stdout == f"{NO_COMPILER}\n"
    assert done.stderr.endswith(f"PretendCudaError: {NO_COMPILER}\n")


def test_processes_get_it_by_the_environment(pretended):
    assert pretended(IMPORT).stdout == "True\n"
    assert pretended("import sys; print('numpy' in sys.modules)").stdout == "False\n"


def test_the_sitecustomize_that_is_hidden_runs_too(python, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('mine')")
    given = pretend_cuda.environment()
    given["PYTHONPATH"] += os.pathsep + str(tmp_path)
    assert python("import pretend_cuda; print(pretend_cuda.lacks())", **given).stdout == "mine\nNone\n"
    assert "Watcher" not in python("import sys; print(*sys.meta_path)", **{**given, "PRETEND_CUDA": "0"}).stdout


def test_the_command_runs_python(python, cp):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'pretend_cuda', *{}])"
    said = python(code.format(["--devices", "2", "-c", "import cupy; print(cupy.cuda.runtime.getDeviceCount())"]))
    assert said.stdout == "2\n", said.stderr
    assert "what is compiled stays in" in python(code.format([])).stdout


def test_one_process_of_many_makes_what_is_not_there(tmp_path):
    code = (
        "import os, pathlib, time; from pretend_cuda import cache\n"
        "def make(folder):\n"
        "    (folder / 'made').write_text(str(os.getpid())); time.sleep(0.5)\n"
        "print((cache.made_once('thing', make) / 'made').read_text())"
    )
    environment = {**os.environ, "PYTHONPATH": str(pretend_cuda.HOME.parent), "PRETEND_CUDA_CACHE": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thing", "thing.lock"]


def test_what_fails_to_be_made_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PRETEND_CUDA_CACHE", str(tmp_path))

    def make(folder: Path) -> None:
        (folder / "half").write_text("")
        raise pretend_cuda.PretendCudaError("it does not compile")

    with pytest.raises(pretend_cuda.PretendCudaError, match="it does not compile"):
        cache.made_once("thing", make)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]
