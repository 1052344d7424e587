"""The page of trainings on ranks: a model finds the numbers of a machine whose times they have made."""

import re

import pytest

from benchmarks.race.workloads import WORKLOADS
from benchmarks.scaling.__main__ import fewest, runs
from benchmarks.scaling.model import Machine, flops, hidden
from benchmarks.scaling.page import NAMES, Measured, page

TRUE = {name: Machine(3e-5, 1e-9, 1e-4 * at, 5e10 * at, 0.75) for at, name in enumerate(NAMES, 1)}
BUCKETS = {"W2": [1000, 2_000_000], "W3": [5_000_000] * 4, "W5": [400_000] * 8}


def made():
    """What the runs would find on a machine that is as the model has it."""
    found = {}
    for label, run in runs(0.0).items():
        ranks = run["ranks"]
        trials = []
        for trial in run["trials"]:
            name = trial["workload"]["name"]
            machine, work = TRUE[name], flops(WORKLOADS[name], trial["rows"])
            crowded, sums = max(1.0, ranks / 2), machine.sums(BUCKETS[name], ranks)
            alone = machine.step(work, [], ranks, crowded)
            times = {"as it is": alone + 0.25 * sums, "in turn": alone + sums, "alone": alone}
            wire = {"by a wire": alone + 0.05, "by a wire, in turn": alone + 0.1}
            trials.append({**times, **wire, "buckets": BUCKETS[name]})
        alone = {str(size): TRUE["W2"].sums([size], ranks) for size in run["sums"]} if ranks > 1 else {}
        found[label] = {"over": "a wire", "sums": alone, "trials": trials, "memory": [{"held": 1.0, "peak": 2.0}] * 3}
    return Measured(found)


@pytest.fixture
def measured(monkeypatch):
    whole = made()
    monkeypatch.setattr(whole, "cores", 2)
    return whole


def test_the_model_finds_the_numbers_that_have_made_the_times(measured):
    for name, machine in measured.model.items():
        for number in ("latency", "for_a_byte", "overhead", "rate", "hidden"):
            assert getattr(machine, number) == pytest.approx(getattr(TRUE[name], number), rel=1e-6)


def test_the_page_checks_the_model_on_what_it_was_not_told(measured):
    text = page(measured)
    checked = re.findall(r"\| (W\d) \| (\d) \| \d+ \| .* \| ([+-]\d+)% \|", text)
    assert {name for name, *_ in checked} == set(NAMES)
    assert {ranks for _, ranks, _ in checked} == {"1", "2", "4"}
    assert {off.strip("+-") for *_, off in checked} == {"0"}
    assert "**50% of the communication is hidden**" in text
    assert "Nothing below was measured" in text.partition("## A projection")[2]
    assert max(map(len, text.splitlines())) <= 120


def test_the_share_that_is_hidden_is_of_the_time_of_sums():
    assert hidden({"alone": 1.0, "as it is": 1.1, "in turn": 1.4}) == pytest.approx(0.75)
    assert hidden({"alone": 1.0, "as it is": 1.5, "in turn": 1.4}) == 0.0


def test_of_two_runs_the_lesser_time_counts():
    first, second = ({"trials": [{"alone": time, "buckets": [8]}], "over": "a wire"} for time in (0.2, 0.1))
    assert fewest(first, second) == second
