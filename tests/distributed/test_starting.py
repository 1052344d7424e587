"""How a job is started, and what is said where it cannot be: once, in one sentence."""

import sys

import pytest
from click.testing import CliRunner

from xpnet.cli import main, ranks
from xpnet.distributed import connect, connection, cores, launcher
from xpnet.distributed.cores import fair_share, share_cores
from xpnet.distributed.hostfile import hosts_of, reach
from xpnet.distributed.launcher import LAUNCHERS, Launch, launched
from xpnet.errors import BackendError, DataError, StateError


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """A process that no launcher has started."""
    for names in LAUNCHERS.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(launcher, "PRINTING", 0.0)
    monkeypatch.setattr(ranks, "PRINTING", 0.0)


def start(monkeypatch, by, rank, size, local_rank):
    for name, value in zip(LAUNCHERS[by], (rank, size, local_rank), strict=True):
        monkeypatch.setenv(name, str(value))


def run(monkeypatch, *arguments):
    """What a process of the command prints to standard error, where it must fail."""
    monkeypatch.setattr(sys, "argv", ["xpnet", *arguments])
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("by", ["MPICH", "Open MPI", "srun"])
def test_the_launcher_tells_who_one_is(monkeypatch, by):
    start(monkeypatch, by, 5, 8, 1)
    assert launched() == Launch(by, 5, 8, 1)


def test_ranks_without_a_launcher_name_each_other(monkeypatch):
    start(monkeypatch, "variables", 1, 2, 0)
    assert launched() is None  # as where a notebook's server has RANK
    monkeypatch.setenv("MASTER_ADDR", "node1")
    monkeypatch.setenv("MASTER_PORT", "29500")
    assert launched() == Launch("variables", 1, 2, 0, "node1", 29500)
    monkeypatch.delenv("XPNET_KEY", raising=False)
    start(monkeypatch, "variables", 0, 2, 0)
    with pytest.raises(BackendError, match=r"XPNET_KEY must hold a secret of this job, got none; export XPNET_KEY="):
        connect()


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("train", "--distributed"), "mpiexec -n 4 python -m mpi4py -m xpnet train --distributed"),
        (("distributed", "check"), "mpiexec -n 4 python -m mpi4py -m xpnet distributed check"),
    ],
)
def test_outside_of_mpiexec_it_is_said_how(monkeypatch, arguments, remedy):
    text = run(monkeypatch, *arguments)
    assert text.count("\n") == 1
    assert text.endswith(f"one that no mpiexec has started; run {remedy}\n")


@pytest.mark.parametrize(("rank", "local_rank", "said"), [(0, 0, ""), (1, 1, None), (2, 0, "rank 2 on ")])
def test_a_missing_mpi4py_is_told_once_for_a_machine(monkeypatch, rank, local_rank, said):
    start(monkeypatch, "MPICH", rank, 4, local_rank)
    monkeypatch.setattr(connection, "find_spec", lambda name: None)
    text = run(monkeypatch, "train", "--distributed")
    if said is None:
        assert text == ""
    else:
        assert text.startswith(f"error: {said}")
        assert text.endswith("mpi4py must be installed, got none; pip install 'xpnet[mpi]'\n")


@pytest.mark.parametrize("option", [("--backend", "copy"), ("--nonsense",), ("--epochs", "0")])
def test_a_wrong_option_is_told_once(monkeypatch, option):
    start(monkeypatch, "MPICH", 1, 2, 1)
    assert run(monkeypatch, "train", "--distributed", *option) == ""


def test_ranks_that_would_train_apart_are_told_so(monkeypatch):
    start(monkeypatch, "MPICH", 0, 2, 0)
    text = run(monkeypatch, "train")
    assert "got 2, each of which would train; give --distributed" in text


def test_the_machines_of_a_hostfile(tmp_path, monkeypatch):
    path = tmp_path / "hosts"
    path.write_text("node1:4  # of MPICH\nnode2 slots=4\n\nnode1\n")
    assert hosts_of(path) == ["node1", "node2"]
    with pytest.raises(BackendError, match=r"no answer of node2 \(node2 is down\); start the machine, allow ssh"):
        reach(["node1", "node2"], ("sh", "-c", 'test $0 = node1 || { echo "$0 is down" >&2; exit 255; }'))
    reach(["node1"], ("sh", "-c", "true"))
    path.write_text("# nobody\n")
    text = run(monkeypatch, "distributed", "check", "--hostfile", str(path))
    assert text.endswith("hosts must name a host, got none; write one a line, such as node1:4\n")
    with pytest.raises(DataError, match="must be readable, got No such file"):
        hosts_of(tmp_path / "none")


def test_ranks_share_the_cores_of_their_machine():
    both, first, second = (frozenset(numbers) for numbers in ({0, 1, 2, 3}, {0, 1}, {2, 3}))
    assert fair_share(both, [both, both]) == 2
    assert fair_share(first, [first, second]) == 2
    assert fair_share(both, [both] * 8) == 1
    assert fair_share(both, [both, first]) == 3


class Two:
    """A group of two ranks, of which the other tells what it is given."""

    def __init__(self, other):
        self.other = other

    def gather_objects(self, value):
        return [value, self.other if self.other is not None else value]


def test_a_number_of_threads_that_was_chosen_is_left(monkeypatch):
    limits = []
    monkeypatch.setattr(cores, "threadpool_limits", limits.append)
    monkeypatch.setattr(cores, "own_cores", lambda: frozenset(range(8)))
    for name in cores.VARIABLES:
        monkeypatch.setenv(name, "")  # which is put back at the end
        monkeypatch.delenv(name)
    assert share_cores(Two(None), "here") == 4
    assert limits == [4]
    assert share_cores(Two(None), "here") == 4  # by the variables that it has set
    assert limits == [4]


def test_ranks_of_other_versions_do_not_train_together():
    told = connection.versions(connection.get_backend())
    with pytest.raises(StateError, match=r"the same version of NumPy, got 1\.0 on rank 1 and .* on rank 0"):
        connection.agree(Two(told | {"version of NumPy": "1.0"}), told)
