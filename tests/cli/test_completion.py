"""``xpnet completion``: a real shell completes commands, options and their values."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xpnet.cli import main

HOME = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is needed")
@pytest.mark.parametrize(
    ("typed", "offered"), [("xpnet tr", "train"), ("xpnet train --overw", "--overwrite"), ("xpnet data", "data")]
)
def test_bash_completes(typed, offered, tmp_path):
    script = CliRunner().invoke(main, ["completion", "bash"], prog_name="xpnet").output
    command = tmp_path / "xpnet"
    command.write_text(f'#!{sys.executable}\nfrom xpnet.cli import main\nmain(prog_name="xpnet")\n')
    command.chmod(0o755)
    at = len(typed.split()) - 1
    asked = f'{script}\nCOMP_WORDS=({typed}); COMP_CWORD={at}; _xpnet_completion xpnet; echo "${{COMPREPLY[*]}}"'
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(HOME)}
    answer = subprocess.run(["bash", "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert offered in answer.stdout.split()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_of_their_own(shell):
    answer = CliRunner().invoke(main, ["completion", shell], prog_name="xpnet")
    assert answer.exit_code == 0
    assert "_XPNET_COMPLETE" in answer.output


def test_an_unknown_shell_is_refused():
    answer = CliRunner().invoke(main, ["completion", "csh"])
    assert answer.exit_code == 2
    assert "bash" in answer.output
