"""Competitors run in turns, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_workloads import BROKEN, PERCEPTRON, PRODUCTS, XPNET

from benchmarks.race import (
    Setting,
    grow,
    race,
    racing,
)
from benchmarks.race import process as processes
from benchmarks.race.data import write
from benchmarks.race.process import Failed, Process, environment


@pytest.mark.parametrize("can_stop", [True, False])
def test_a_race(can_stop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if can_stop and not processes.CAN_STOP:
        pytest.skip("needs a system that can stop processes")
    for module in (processes, racing):
        monkeypatch.setattr(module, "CAN_STOP", can_stop)
    heat = race(PERCEPTRON, [XPNET, BROKEN, PRODUCTS], Setting(1), rounds=2)
    assert list(heat.results) == ["xpnet", "broken", "products"]
    own, broken, products = heat.results.values()
    assert len(own.seconds) == len(products.seconds) == 2 * racing.CHUNKS
    assert 0.0 < own.median < 1.0
    assert len(own.losses) == racing.STEPS
    assert own.difference.keys() == {1, 20}
    assert max(own.difference.values()) < 1e-5
    assert not own.disagrees(PERCEPTRON)
    assert heat.base is own
    assert products.losses == [None] * racing.STEPS
    assert "NoSuchClass" in broken.error
    if Path("/proc/self/status").exists():
        assert 0 <= own.memory["grown"] < own.memory["peak"]


def test_a_process_that_dies_says_why_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write(PERCEPTRON, tmp_path)
    with Process(XPNET, PERCEPTRON, tmp_path, Setting(1)) as process:
        assert process.answer() == {}
        process.process.kill()
        with pytest.raises(Failed, match="exit code"):
            process.ask("losses", steps=1)
    assert process.process.poll() is not None
    with Process(XPNET, PERCEPTRON, tmp_path, Setting(1)) as process:
        process.answer()
        process.stop()
    assert process.process.poll() is not None


def test_variables_of_a_competitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPNET_TUNE", "1")
    plain, tuned = environment(Setting(1)), environment(Setting(3))
    assert "XPNET_TUNE" not in plain
    assert tuned["XPNET_FAST"] == "0"
    assert "XPNET_FAST" not in environment(Setting(1), fast=True)
    assert plain["OPENBLAS_NUM_THREADS"] == "1"
    assert tuned["OMP_NUM_THREADS"] == "3"
    assert "intra_op_parallelism_threads=1" in plain["XLA_FLAGS"]
    assert plain["JAX_PLATFORMS"] == "cpu"
    assert "JAX_PLATFORMS" not in environment(Setting(1, gpu=True))


def test_growth_measures_each_place_on_each_axis() -> None:
    points = list(grow(XPNET, Setting(1), 1, axes={"batch": [1, 2], "depth": [3]}))
    assert [(point.axis, point.value) for point in points] == [("batch", 1), ("batch", 2), ("depth", 3)]
    assert points[0].parameters == 257 * 256 + 257 * 256 + 257 * 10
    assert all(point.seconds > 0.0 for point in points)
