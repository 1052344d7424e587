"""The benchmark: everyone trains the same network, and what was found is told as it was."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from xpnet.backend import switch
from xpnet.benchmark import (
    COMPETITORS,
    WORKLOADS,
    Heat,
    Report,
    Setting,
    Workload,
    grow,
    markdown,
    put_into,
    race,
    racing,
)
from xpnet.benchmark import Result as Found
from xpnet.benchmark import process as processes
from xpnet.benchmark.footprint import closure, footprint
from xpnet.benchmark.peers import Competitor
from xpnet.benchmark.picture import growth_svg, ratios_svg
from xpnet.benchmark.process import HERE, Failed, Process, environment
from xpnet.benchmark.worker import Job, load
from xpnet.benchmark.workloads import batches, shapes, weights, write
from xpnet.cli import main

LATE = {1: 1e-5, 20: 1e-5}
PERCEPTRON = Workload("P", "mlp", "6-5-3, SGD, batch 4", (6, 5, 3), 4, "sgd", 0.1, batches=3, agree=LATE)
TINY = {
    "sgd": PERCEPTRON,
    "momentum": replace(PERCEPTRON, optimizer="momentum"),
    "adam": replace(PERCEPTRON, optimizer="adam", lr=0.01),
    "convnet": replace(WORKLOADS["W4"], batch=2, batches=2),
    "transformer": replace(WORKLOADS["W5"], sizes=(7, 6, 8), batch=2, batches=2, layers=2, heads=2),
}
XPNET, PRODUCTS = COMPETITORS["xpnet"], COMPETITORS["products"]
BROKEN = Competitor("broken", "broken", "numpy", "numpy", "NoSuchClass")


@pytest.fixture(autouse=True)
def of_one_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Backend, folder and data of one's own: the images are synthetic."""
    monkeypatch.setattr(switch, "_process", None)
    for name in ("XPNET_BACKEND", "XPNET_DATA", "XPNET_TUNE", "XPNET_FAST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["bench", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Make a competitor train a workload in this process."""

    def made(name: str, workload: Workload, dtype: str = "float32") -> Any:
        competitor = COMPETITORS[name]
        pytest.importorskip(competitor.library)
        folder = tmp_path / workload.kind
        folder.mkdir(exist_ok=True)
        write(workload, folder)
        request = {"workload": asdict(workload), "threads": 1, "gpu": False, "backend": "numpy", "dtype": dtype}
        job = Job(request | {"folder": str(folder)})
        return getattr(load(str(HERE / "peers" / f"{competitor.library}.py")), competitor.kind)(job)

    return made


# the trainings


@pytest.mark.parametrize("kind", TINY)
@pytest.mark.parametrize("name", ["xpnet", "torch", "torch-fused", "jax", "autograd", "sklearn"])
def test_everyone_trains_the_same_network(name: str, kind: str, train: Callable[..., Any]) -> None:
    workload = TINY[kind]
    if workload.kind not in COMPETITORS[name].workloads:
        pytest.skip(f"{name} cannot express a {kind}")
    found = {}
    for who, dtype in (("xpnet", "float64"), (name, "float32")):
        contender = train(who, workload, dtype)
        data = contender.batches * 8
        found[dtype] = [float(contender.step(x, t)) for x, t in data[:8]]
        contender.wait()
    # scikit-learn adds Adam's epsilon before the root is corrected for its start at zero
    tolerance = 2e-3 if (name, kind) == ("sklearn", "adam") else 1e-4
    np.testing.assert_allclose(found["float32"], found["float64"], rtol=tolerance)
    assert found["float64"][0] != found["float64"][-1]


@pytest.mark.parametrize("kind", ["sgd", "convnet", "transformer"])
def test_the_floor_is_made_of_products_and_has_no_loss(kind: str, train: Callable[..., Any]) -> None:
    contender = train("products", TINY[kind])
    assert contender.step(None, None) is None
    for a, b, y in contender.products:
        np.testing.assert_allclose(y, a @ b, rtol=1e-4)


def test_the_floor_of_w1_has_the_products_of_a_step_but_for_dx_of_the_first_layer(train: Callable[..., Any]) -> None:
    found = {(a.shape, b.shape) for a, b, _ in train("products", WORKLOADS["W1"]).products}
    first = {((100, 784), (784, 50)), ((784, 100), (100, 50))}
    assert found == first | {((100, 50), (50, 10)), ((50, 100), (100, 10)), ((100, 10), (10, 50))}


@pytest.mark.parametrize("name", WORKLOADS)
def test_initial_weights_are_named_streams(name: str) -> None:
    workload = WORKLOADS[name]
    found = dict(weights(workload))
    assert {key: value.shape for key, value in found.items()} == dict(shapes(workload))
    for key, again in weights(workload):
        np.testing.assert_array_equal(found[key], again)
    std = {"W1": 0.01, "W4": 0.01, "W5": 0.02}.get(name, (2 / 784) ** 0.5)
    assert np.std(found["tokens" if name == "W5" else "W2" if name == "W4" else "W1"]) == pytest.approx(std, rel=0.05)


def test_sizes_of_the_workloads() -> None:
    assert sum(value.size for _, value in weights(WORKLOADS["W1"])) == 39_760
    convnet = dict(shapes(WORKLOADS["W4"]))
    assert (convnet["W1"], convnet["W2"], convnet["W3"]) == ((30, 1, 5, 5), (4320, 100), (100, 10))
    x, t = batches(WORKLOADS["W5"])
    assert x.shape == t.shape == (20, 16, 64)
    np.testing.assert_array_equal(x[..., 1:], t[..., :-1])
    np.testing.assert_array_equal(t[..., ::2], (7 * x[..., ::2] + 3) % 96)


def test_images_are_synthetic_where_mnist_is_not_at_hand_and_nothing_is_fetched() -> None:
    x, t = batches(replace(WORKLOADS["W4"], batches=1))
    assert x.shape == (1, 100, 1, 28, 28)
    assert x.dtype == np.float32
    assert 0.0 <= x.min() < x.max() <= 1.0
    assert set(t.ravel()) == set(range(10))


# the race


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
    plain, tuned = environment(Setting(1), tuned=False), environment(Setting(3), tuned=True)
    assert plain["XPNET_TUNE"] == "0"
    assert "XPNET_TUNE" not in tuned
    assert tuned["XPNET_FAST"] == "0"
    assert "XPNET_FAST" not in environment(Setting(1), tuned=True, fast=True)
    assert plain["OPENBLAS_NUM_THREADS"] == "1"
    assert tuned["OMP_NUM_THREADS"] == "3"
    assert "intra_op_parallelism_threads=1" in plain["XLA_FLAGS"]
    assert plain["JAX_PLATFORMS"] == "cpu"
    assert "JAX_PLATFORMS" not in environment(Setting(1, gpu=True), tuned=False)


def test_growth_measures_each_place_on_each_axis() -> None:
    points = list(grow(XPNET, Setting(1), 1, axes={"batch": [1, 2], "depth": [3]}))
    assert [(point.axis, point.value) for point in points] == [("batch", 1), ("batch", 2), ("depth", 3)]
    assert points[0].parameters == 257 * 256 + 257 * 256 + 257 * 10
    assert all(point.seconds > 0.0 for point in points)


# what is told


def found(name: str, microseconds: float, **more: Any) -> Found:
    return Found(name, [microseconds * 1e-6] * 3, **more)


@pytest.fixture
def report() -> Report:
    results = {
        "xpnet": found("xpnet", 100, memory={"peak": 80 << 20, "grown": 3 << 20}, difference={1: 1e-8, 20: 2e-8}),
        "torch": found("torch", 250, memory={"peak": 300 << 20, "grown": 90 << 20}, difference={1: 1e-8, 20: 2e-8}),
        "jax": found("jax", 900, difference={1: 1e-8, 20: 2e-3}),
        "sklearn": Found("sklearn", error="ValueError: no"),
        "products": found("products", 50),
    }
    machine = {"processor": "P", "cores": "2", "memory": "8 GB", "system": "Linux", "Python": "3.12", "date": "today"}
    return Report(machine, {"xpnet": "1.0"}, Setting(), 5, "synthetic", [Heat(WORKLOADS["W1"], results)])


def test_ratios_are_to_xpnet(report: Report) -> None:
    text = markdown(report, "times.svg")
    assert "P, 2 cores, 8 GB, Linux; Python 3.12, xpnet 1.0; 2 threads, 5 rounds, images: synthetic; today." in text
    assert "| torch eager | 250 µs (2.50) |" in text
    assert "| products alone | 50 µs (0.50) |" in text
    assert "| torch eager | 90 MB (300) |" in text
    assert "(times.svg)" in text
    assert report.verdicts()[0] == "xpnet takes 0.40 of the time of torch eager on W1"


def test_a_loss_that_disagrees_is_told(report: Report) -> None:
    text = markdown(report)
    assert "- W1: JAX jit is not the same training: its loss after 20 steps is off by 2e-03" in text
    assert "- W1: scikit-learn did not run: ValueError: no" in text
    assert "| JAX jit | **1e-08, 2e-03** |" in text
    assert report.right
    report.heats[0].results["xpnet"].difference[20] = float("nan")
    assert not report.right


def test_unsteady_times_are_told(report: Report) -> None:
    assert not report.busy()
    for result in report.heats[0].results.values():
        result.seconds[:] = [1.0, 2.0, 3.0] if result.ran else []
    assert report.busy()
    assert "something else was running" in markdown(report)


def test_pictures_are_well_formed_and_cut_long_bars(report: Report) -> None:
    picture = ET.fromstring(ratios_svg(report))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"W1", "784-50-10", "1 = 100 µs", "torch eager", "2.50", "9.00", "0.50"} <= set(texts)
    bars = [float(bar.get("width")) for bar in picture.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars[1] == pytest.approx(2.5 * bars[0])
    assert bars[2] < 9 * bars[0]
    ET.fromstring(growth_svg(report))


def test_put_into_replaces_what_is_between_the_marks() -> None:
    page = put_into("# Title\n", "times", "old\n")
    assert page == "# Title\n\n<!-- times -->\n\nold\n\n<!-- end of times -->\n"
    page = put_into(page + "after\n", "times", "new\n")
    assert page == "# Title\n\n<!-- times -->\n\nnew\n\n<!-- end of times -->\nafter\n"


def test_a_footprint_counts_the_dependencies() -> None:
    names = {one.metadata["Name"].lower() for one in closure("xpnet")}
    assert {"xpnet", "numpy", "rich", "click"} <= names
    assert "torch" not in names
    one = footprint("xpnet", "xpnet")
    assert one.size > footprint("click", "click").size > 0
    assert one.seconds > 0.0


# the command


def test_bench_prints_and_writes(tmp_path: Path) -> None:
    files = ("--json", tmp_path / "out.json", "--markdown", tmp_path / "page.md")
    result = run("--workloads", "W1", "--competitors", "xpnet, products", "--rounds", 1, "--threads", 1, *files)
    assert result.exit_code == 0
    assert "images: synthetic" in result.stdout
    assert "W1: 784-50-10, SGD, batch 100" in result.stdout
    assert "products alone" in result.stdout
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["heats"][0]["results"]["xpnet"]["median"] > 0
    assert data["setting"] == {"threads": 1, "gpu": False}
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "<!-- times -->" in page
    assert "(page_times.svg)" in page
    ET.parse(tmp_path / "page_times.svg")


@pytest.mark.parametrize(("option", "known"), [("--workloads", "W1"), ("--competitors", "xpnet")])
def test_unknown_names_are_refused(option: str, known: str) -> None:
    result = run(option, f"{known},nobody")
    assert result.exit_code == 2
    assert "'nobody' is none of" in result.stderr


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("--workloads", "W1", "--json", tmp_path / "file" / "out.json")
    assert result.exit_code == 1
    assert "file must be a writable folder, got " in result.stderr
    assert not result.stdout


def test_a_gpu_that_is_not_there_is_named() -> None:
    if "cupy" in switch.available_backends():
        pytest.skip("there is a GPU")
    result = run("--gpu")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: backend cupy:")


def test_bench_fails_where_xpnet_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPETITORS, "xpnet", replace(XPNET, kind="NoSuchClass"))
    result = run("--workloads", "W1", "--competitors", "xpnet", "--rounds", 1)
    assert result.exit_code == 1
    assert "xpnet did not run: AttributeError" in " ".join(result.stdout.split())


def test_the_worker_imports_nothing_of_xpnet() -> None:
    text = (HERE / "worker.py").read_text(encoding="utf-8")
    assert "from xpnet" not in text
    assert os.path.exists(HERE / "peers" / "torch.py")


def test_who_runs_where() -> None:
    on_gpu = {name for name, competitor in COMPETITORS.items() if competitor.runs(gpu=True)}
    assert on_gpu == {"xpnet-captured", "xpnet", "torch", "torch-fused", "torch-compile", "jax"}
    assert {name for name, competitor in COMPETITORS.items() if not competitor.runs(gpu=False)} == {"xpnet-captured"}
