"""Who has ended a job, and why: what the hub concludes from what the ranks have told."""

import os
import signal

import pytest

from xpnet.distributed import watch
from xpnet.distributed.lines import Identity
from xpnet.distributed.verdict import Member, verdict

NOW, TIMEOUT = 1000.0, 60.0


def members(*told):
    own = [{"heard": NOW, "since": NOW, **each} for each in told]
    return [Member(Identity(rank, f"node{rank}", 1, "", ""), **each) for rank, each in enumerate(own)]


def found(*told, now=NOW):
    return verdict(members(*told), now, TIMEOUT, grace=1.0)


def test_nothing_ends_ranks_that_work():
    waits = {"begun": 3, "ended": 2, "call": "barrier", "since": NOW - TIMEOUT + 1}
    assert found({"begun": 2, "ended": 2}, waits) is None
    assert found({"left": True, "gone": True, "begun": 3, "ended": 3}, {"begun": 3, "ended": 2}) is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"gone": True}, ["ended without a word"]),
        ({"heard": NOW - TIMEOUT - 1}, ["no sign of life for 60 s"]),
        ({"failure": "ValueError: 3", "failed": NOW - 2}, ["ValueError: 3"]),
        ({"begun": 1, "ended": 1, "left": True}, ["left after 1 calls", "rank 0 waits in barrier"]),
        ({"begun": 1, "ended": 1}, ["rank 0 has waited for it in barrier for 60 s"]),
        (
            {"begun": 2, "ended": 1, "call": "allgather of 4"},
            ["its call 2 is allgather of 4", "that of rank 0 is barrier"],
        ),
    ],
)
def test_the_rank_its_host_and_the_reason_are_named(told, words):
    text = str(found({"begun": 2, "ended": 1, "call": "barrier", "since": NOW - TIMEOUT - 1}, told))
    assert text.startswith("error: rank 1 on node1: ")
    assert all(word in text for word in words), text


def test_a_failure_counts_more_than_the_silence_after_it():
    text = str(found({"gone": True}, {"failure": "DataError: none", "failed": NOW - 2}))
    assert text == "error: rank 1 on node1: DataError: none"


def test_what_all_ranks_have_failed_of_is_said_once_without_a_rank():
    same = [{"failure": "seed differs", "failed": NOW}] * 2
    assert str(found(*same)) == "error: seed differs"
    one = [{"failure": "seed differs", "failed": NOW}, {}]
    assert found(*one) is None  # the other may be about to say the same
    assert str(found(*one, now=NOW + 2)) == "error: rank 0 on node0: seed differs"


def test_a_rank_that_is_silent_may_have_to_be_ended_by_others():
    assert found({}, {"heard": NOW - TIMEOUT - 1}).silent
    assert not found({}, {"gone": True}).silent


@pytest.mark.parametrize(
    ("rank", "silent", "told", "killed"),
    [
        (0, Identity(1, "node1", 77, "here", ""), [], [(77, signal.SIGKILL)]),
        (0, Identity(1, "node1", 77, "there", ""), ["launcher"], []),
        (2, Identity(1, "node1", 77, "there", ""), [], []),  # one is enough
        (1, Identity(0, "node0", 77, "there", ""), ["launcher"], []),
        (0, None, [], []),
    ],
)
def test_a_rank_that_is_stopped_is_ended_by_one_that_can(monkeypatch, rank, silent, told, killed):
    ended, kills = [], []
    monkeypatch.setattr(watch, "end_process", ended.append)
    monkeypatch.setattr(os, "kill", lambda *of: kills.append(of))
    own = watch.Watch.__new__(watch.Watch)
    own.own, own.end_job = Identity(rank, "node", 1, "here", ""), lambda: found.append("launcher")
    found = []
    own._end(silent)
    assert (found, kills, ended) == (told, killed, [""])
