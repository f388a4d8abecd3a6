"""Jobs over two nodes train like those of one, use the link between them sparingly, and end when a rank is lost there.

The nodes are network namespaces of this machine (`nodes.py`): ranks of different nodes have no other way than the link.
"""

import contextlib
import os
import queue
import signal
import threading
import time

import pytest

import checkpoints
import nodes
import program

LAYOUTS = pytest.mark.parametrize("ranks_per_node", [1, 2], ids=["one-rank-a-node", "two-ranks-a-node"])


@pytest.fixture(scope="module")
def pair():
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(nodes.Nodes(2))
        except nodes.NoNodes as trouble:
            pytest.skip(f"no two nodes: {trouble}")
        yield made


@pytest.fixture
def two_nodes(pair):
    """The nodes, in which nothing of another test runs."""
    yield pair
    pair.end_processes()


def start(two_nodes, arguments, ranks_per_node=1, in_turn=False, **extra):
    return program.start_line(
        two_nodes.mpirun(program.command(arguments), ranks_per_node, in_turn), **extra)


def succeed(two_nodes, arguments, ranks_per_node=1, **options):
    outcome = program.finish(start(two_nodes, arguments, ranks_per_node, **options))
    assert outcome.code == program.DONE, str(outcome)
    return outcome


def training(snapshot, run, *more):
    return ["train", "--data", snapshot, "--out", run, "--model", "small", "--batch-size", 12, "--seed", 3, "--split",
            "random:0.8", "--threads", 1, *more]


def test_the_ranks_of_a_node_are_counted_by_its_name(two_nodes):
    told = succeed(two_nodes, ["check-mpi"], ranks_per_node=2).output
    assert "nodes         2\n" in told
    for name, first in zip(two_nodes.names, (0, 2)):
        assert f"{name}: 2 rank(s) from {first} on" in told


@LAYOUTS
def test_two_nodes_end_with_the_weights_of_one(two_nodes, snapshot, tmp_path, ranks_per_node):
    before = two_nodes.bytes_carried()
    succeed(two_nodes, training(snapshot, tmp_path / "two", "--epochs", 2), ranks_per_node)
    carried = [now - then for now, then in zip(two_nodes.bytes_carried()[0], before[0])]
    program.succeed(*training(snapshot, tmp_path / "one", "--epochs", 2), ranks=2 * ranks_per_node)
    last = "checkpoints/epoch-0002.h5"
    assert checkpoints.differences(tmp_path / "two" / last, tmp_path / "one" / last) == []
    # 81,314 gradients of four bytes at least, in each of at least six steps: the ranks did talk over the link.
    assert min(carried) > 6 * 4 * 81_314


def bytes_of_a_step(two_nodes, **layout):
    """What the link carries for a step of the small network, both directions together: the difference between a short
    measurement and a longer one, so that starting is left out."""
    def carried(steps):
        before = sum(two_nodes.bytes_carried()[0])
        succeed(two_nodes, ["benchmark", "step", "--model", "small", "--segments", 252, "--batch-size", 4, "--threads", 1,
                            "--no-profile", "--steps", steps], **layout)
        return sum(two_nodes.bytes_carried()[0]) - before

    return (carried(24) - carried(4)) / 20


@pytest.fixture(scope="module")
def bytes_of_one_rank_a_node(pair):
    return bytes_of_a_step(pair)


@pytest.mark.parametrize("in_turn", [False, True], ids=["neighbours-on-a-node", "dealt-in-turn"])
def test_more_ranks_on_a_node_send_no_more_over_the_link(two_nodes, bytes_of_one_rank_a_node, in_turn):
    """The gradients of a node's ranks are summed within it, wherever the launcher has put which rank."""
    of_two = bytes_of_a_step(two_nodes, ranks_per_node=2, in_turn=in_turn)
    assert of_two < 1.15 * bytes_of_one_rank_a_node


# Ranks lost on the other node

class Errors:
    """What a running job says, line by line, while it still runs."""

    def __init__(self, process):
        self.lines = []
        self._queue = queue.Queue()
        self._thread = threading.Thread(target=lambda: [self._queue.put(line) for line in process.stderr], daemon=True)
        self._thread.start()

    def wait_for(self, *words, seconds):
        """The line that holds all these words, or None where none comes in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self.lines.append(self._queue.get(timeout=min(left, 0.2)))
            except queue.Empty:
                continue
            if all(word in self.lines[-1] for word in words):
                return self.lines[-1]
        return None

    def __str__(self):
        return "".join(self.lines)


def ranks_on(two_nodes, node):
    """The process of each rank on a node, by the rank's number."""
    ranks = {program.rank_of(each): each for each in two_nodes.processes(node)}
    return {rank: each for rank, each in ranks.items() if rank is not None}


@pytest.fixture
def endless_job(two_nodes, snapshot, tmp_path):
    """A training in its steps, which does not end by itself, and the process of its rank 1, on the second node."""
    run = tmp_path / "run"
    process = start(two_nodes, training(snapshot, run, "--epochs", 100_000, "--log-every", 1, "--keep-checkpoints", 1),
                    CRNN_DIST_STALL_SECONDS=1)
    deadline = time.monotonic() + 60
    while not ((run / "metrics.jsonl").exists() and checkpoints.metrics(run, "step")):
        assert process.poll() is None and time.monotonic() < deadline, str(program.finish(process, 0))
        time.sleep(0.05)
    ranks = ranks_on(two_nodes, 1)
    assert ranks.keys() == {1}
    yield process, ranks[1]
    program.kill(process)
    two_nodes.end_processes()
    process.communicate()


def test_a_rank_killed_on_the_other_node_ends_the_job_and_is_named(two_nodes, endless_job):
    process, rank = endless_job
    os.kill(rank, signal.SIGKILL)
    outcome = program.finish(process, timeout=30)
    assert outcome.code > 0, str(outcome)
    named = [line for line in outcome.errors.splitlines() if "rank 1" in line and two_nodes.names[1] in line]
    assert named, str(outcome)


def test_a_rank_that_hangs_on_the_other_node_is_told_of_until_it_is_killed(two_nodes, endless_job):
    process, rank = endless_job
    errors = Errors(process)
    os.kill(rank, signal.SIGSTOP)
    said = errors.wait_for("warning: rank 0 on", two_nodes.names[0], "has waited", "the ones waited for", seconds=15)
    assert said, str(errors)
    # It tells of itself where it is only busy; a stopped process tells nothing, and is known by that.
    assert "rank 1 on" not in str(errors)
    os.kill(rank, signal.SIGKILL)
    assert process.wait(timeout=30) > 0
    assert errors.wait_for("rank 1", two_nodes.names[1], seconds=5), str(errors)
