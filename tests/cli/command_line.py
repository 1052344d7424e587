"""The command run in this process or in one of its own, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from xpnet.cli import main

FILES = ["checkpoint.safetensors", "history.json", "learning_curve.svg", "run.json", "weights.safetensors"]
QUICK = ("--epochs", "1", "--hidden", "5", "--batch-size", "100")


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_process(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xpnet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, timeout=120)


def fails_in_one_line(result: Result | subprocess.CompletedProcess[str], text: str) -> None:
    code = result.exit_code if isinstance(result, Result) else result.returncode
    assert code == 1
    assert re.fullmatch(rf"error: [^\n]*{text}[^\n]*\n", result.stderr), result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def settings(folder: Path) -> dict:
    return json.loads((folder / "history.json").read_text())["settings"]


def losses(folder: Path) -> list[float]:
    return [record["loss"] for record in json.loads((folder / "history.json").read_text())["epochs"]]
