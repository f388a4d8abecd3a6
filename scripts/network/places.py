"""Where the ranks of a measurement run: on nodes with a network between them, or on this machine alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from elsewhere import nodes

CORES = sorted(os.sched_getaffinity(0))
STREAM = Path(__file__).resolve().parent / "stream.py"


def core_of(rank):
    return CORES[rank % len(CORES)]


def pinned(line, rank):
    return ["taskset", "--cpu-list", core_of(rank), *line]


def pinned_by_mpirun(line):
    """For each rank that mpirun starts: on the core of its number."""
    core = f"$(echo $0 | cut -d , -f $((OMPI_COMM_WORLD_RANK % {len(CORES)} + 1)))"
    return ["sh", "-c", f'exec taskset --cpu-list {core} "$@"', ",".join(map(str, CORES)), *line]


class OneNode:
    """All ranks on this machine, where they may share memory."""

    interface = "lo"

    def __init__(self, ranks):
        self.ranks = ranks
        self.title = f"{ranks} ranks on one node"

    def together(self, line):
        """The command that starts a line once for each rank, under mpirun."""
        launcher = ["mpirun", "--bind-to", "none", "-np", self.ranks]
        return [*launcher, *["--oversubscribe"] * (self.ranks > len(CORES)), *pinned_by_mpirun(line)]

    def one_by_one(self, line_of_rank):
        """A command for each rank, of programs that do without a launcher; they are told where to meet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            meeting = f"127.0.0.1:{probe.getsockname()[1]}"
        return [pinned(line_of_rank(rank, meeting), rank) for rank in range(self.ranks)]

    def apart(self, line_of_number):
        """As many commands that know nothing of each other, each on a rank's core."""
        return [pinned(line_of_number(number), number) for number in range(self.ranks)]

    def bytes_carried(self):
        return None

    def stream_rate(self):
        return None


class OverNetwork(OneNode):
    """The ranks on nodes that have nothing but links between them."""

    interface = nodes.INTERFACE

    def __init__(self, made, ranks_per_node):
        super().__init__(len(made.names) * ranks_per_node)
        self._nodes, self._ranks_per_node = made, ranks_per_node
        each = f"{ranks_per_node} rank" + "s" * (ranks_per_node > 1)
        self.title = f"{len(made.names)} nodes, {each} each, links of {made.rate or 'no given rate'}"

    def together(self, line):
        return self._nodes.mpirun(pinned_by_mpirun(line), self._ranks_per_node)

    def one_by_one(self, line_of_rank):
        meeting = f"{self._nodes.addresses[0]}:29500"
        return [
            self._nodes.inside(rank // self._ranks_per_node, pinned(line_of_rank(rank, meeting), rank))
            for rank in range(self.ranks)
        ]

    def bytes_carried(self):
        """Of each direction of each node's link, so far."""
        return [count for pair in self._nodes.bytes_carried() for count in pair]

    def stream_rate(self):
        """Bytes a second of a plain connection between two nodes, of the slower direction, both being used at once."""
        address = self._nodes.addresses[0]
        running = [
            subprocess.Popen(
                self._nodes.inside(node, [sys.executable, STREAM, part, address]), text=True, stdout=subprocess.PIPE
            )
            for node, part in ((0, "wait"), (1, "call"))
        ]
        return min(float(process.communicate()[0]) for process in running)
