"""``xpnet train --resume`` goes on as if the training had not stopped."""

from __future__ import annotations

from pathlib import Path

from command_line import FILES, QUICK, fails_in_one_line, losses, run, settings


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    chosen = ("--hidden", 5, "--batch-size", 100, "--optimizer", "adam", "--seed", 3)
    run("train", *chosen, "--epochs", 4, "--out", tmp_path / "whole")
    run("train", *chosen, "--epochs", 2, "--out", tmp_path / "parts")
    result = run("train", "--resume", tmp_path / "parts", "--epochs", 4)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "going on after epoch 2" in lines
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == ["3/4", "4/4"]
    assert f"wrote {tmp_path / 'parts'}" in lines
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    assert settings(tmp_path / "whole") == settings(tmp_path / "parts")
    run("train", "--resume", tmp_path / "parts", "--epochs", 5, "--out", tmp_path / "elsewhere")
    assert (len(losses(tmp_path / "parts")), len(losses(tmp_path / "elsewhere"))) == (4, 5)


def test_going_on_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    fails_in_one_line(
        run("train", "--resume", tmp_path / "none"), "none must be the folder of a training, got No such file"
    )
    assert not (tmp_path / "none").exists()
    run("train", *QUICK, "--out", tmp_path / "one")
    result = run("train", "--resume", tmp_path / "one")
    fails_in_one_line(result, "--epochs must be above the 1 that are done, got 1; ask for more, such as --epochs 2")
    assert result.stdout == ""  # it refuses before it works
    result = run("train", "--resume", tmp_path / "one", "--epochs", 2, "--lr", 0.1, "--batch-size", 7)
    assert result.exit_code == 2
    assert "--resume goes on with the settings of that training: leave out --batch-size, --lr" in result.stderr
    told = (tmp_path / "one" / "history.json").read_text()
    (tmp_path / "one" / "history.json").write_text(told.replace('"sgd"', '"newton"'))
    fails_in_one_line(
        run("train", "--resume", tmp_path / "one"), "must be the folder of a training, got KeyError: 'newton"
    )
    (tmp_path / "one" / "history.json").write_text("{}")
    fails_in_one_line(run("train", "--resume", tmp_path / "one"), "one must be the folder of a training, got KeyError")
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == FILES
