"""Nodes of a cluster on this one machine: network namespaces with host names of their own, joined by links of which the
rate may be held and the bytes counted.

Open MPI takes two host names for two hosts: ranks of one node share memory, and those of different nodes have only the
link. It all needs root, and leaves nothing behind: what still runs in a namespace at the end is killed, and namespaces of a
process that could not tidy up are removed by the next.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# Debian keeps ip and tc where an ordinary user's PATH does not look.
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PREFIX = "crnn-dist"
# Namespaces have their own names for interfaces, so that every node may call its own alike.
INTERFACE = "veth0"
RATE = re.compile(r"(\d+(?:\.\d+)?)([kmg]?)bit")


class NoNodes(Exception):
    """Why nodes cannot be made here."""


def obstacle():
    """What this machine or user lacks for nodes, or None."""
    if os.geteuid() != 0:
        return "network namespaces can be made by root only: run it as root"
    missing = [name for name in ("ip", "tc") if not shutil.which(name, path=SEARCH_PATH)]
    return f"no {' and no '.join(missing)}: install Debian's package iproute2" if missing else None


def bits_per_second(rate):
    """Of a rate as tc writes it, such as 1gbit or 100mbit."""
    match = RATE.fullmatch(rate)
    if not match or not float(match[1]):
        raise ValueError(f"{rate!r} is no rate; expected a number with bit, kbit, mbit or gbit, such as 1gbit")
    return float(match[1]) * 1000 ** " kmg".index(match[2] or " ")


class Nodes:
    """Made on entering, removed on leaving. Two are joined by one link, more by a switch with a link to each."""

    def __init__(self, count=2, rate=None):
        self.rate = rate
        self.names = [f"{PREFIX}-{os.getpid()}-{number}" for number in range(1, count + 1)]
        self.addresses = [f"10.0.0.{number}" for number in range(1, count + 1)]
        self._namespaces = []
        self._folder = None

    def __enter__(self):
        trouble = obstacle()
        if trouble:
            raise NoNodes(trouble)
        remove_abandoned()
        try:
            self._make()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    # Making and removing

    def _make(self):
        self._folder = Path(tempfile.mkdtemp(prefix="crnn-dist-nodes-"))
        self._write_agent()
        for name in self.names:
            self._add_namespace(name)
        if len(self.names) == 2:
            self._link(*((name, INTERFACE) for name in self.names))
        else:
            self._make_switch()
        for name, address in zip(self.names, self.addresses):
            ip("-n", name, "address", "add", f"{address}/24", "dev", INTERFACE)

    def _make_switch(self):
        switch = f"{PREFIX}-{os.getpid()}-switch"
        self._add_namespace(switch)
        ip("-n", switch, "link", "add", "name", "bridge0", "type", "bridge")
        ip("-n", switch, "link", "set", "bridge0", "up")
        for number, name in enumerate(self.names, 1):
            self._link((name, INTERFACE), (switch, f"port{number}"))
            ip("-n", switch, "link", "set", f"port{number}", "master", "bridge0")

    def _add_namespace(self, name):
        ip("netns", "add", name)
        self._namespaces.append(name)
        ip("-n", name, "link", "set", "lo", "up")

    def _link(self, *ends):
        """A cable between two interfaces, each given by its namespace and name; held to the rate in both directions."""
        (one, first), (other, second) = ends
        ip("link", "add", "name", first, "netns", one, "type", "veth", "peer", "name", second, "netns", other)
        for name, interface in ends:
            if self.rate:
                # A burst is what the rate carries in 2 ms, since the kernel's clock lets no less through at high rates.
                burst = max(256 << 10, int(bits_per_second(self.rate) / 8 * 2e-3))
                ip("-n", name, "qdisc", "replace", "dev", interface, "root", "tbf", "rate", self.rate, "burst", burst,
                   "latency", "50ms", tool="tc")
            ip("-n", name, "link", "set", interface, "up")

    def _write_agent(self):
        """What mpirun starts its daemons with instead of ssh: it takes a node's name and a command for its shell."""
        agent = self._folder / "agent"
        agent.write_text(
            "#!/bin/sh\nnode=$1\nshift\n"
            f"exec {tool_path('ip')} netns exec \"$node\" unshare --uts sh -c \"hostname $node && $*\"\n")
        agent.chmod(0o755)

    def end_processes(self):
        """Kills all that runs in the nodes: mpirun, its daemons, ranks, and what those started."""
        deadline = time.monotonic() + 20
        while (left := [each for name in self._namespaces for each in processes(name)]) and time.monotonic() < deadline:
            kill_all(left)
            time.sleep(0.05)

    def remove(self):
        self.end_processes()
        for name in self._namespaces:
            remove_namespace(name)
        self._namespaces.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    # Using

    def inside(self, node, line):
        """The command line that runs this one on a node, counted from 0."""
        name = self.names[node]
        return [tool_path("ip"), "netns", "exec", name, "unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"',
                name, *map(str, line)]

    def mpirun(self, line, ranks_per_node=1, in_turn=False):
        """The command line that runs this one under mpirun, started on the first node, with so many ranks on each: the
        first ones on the first node, or dealt out in turn.

        The daemons stay children of mpirun, so that the time which their ranks take counts as its own. Where ranks are more
        than cores, they give way to each other while they wait, which Open MPI cannot know by itself: each of its hosts
        has cores enough.
        """
        ranks = len(self.names) * ranks_per_node
        settings = {
            "plm_rsh_agent": self._folder / "agent", "plm_rsh_no_tree_spawn": 1, "pml": "ob1",
            "btl": "self,vader,tcp", "btl_tcp_if_include": INTERFACE, "oob_tcp_if_include": INTERFACE,
            "mpi_yield_when_idle": int(ranks > len(os.sched_getaffinity(0))),
        }
        launcher = ["mpirun", "--leave-session-attached", "--bind-to", "none", "-np", ranks,
                    "--host", ",".join(f"{name}:{ranks_per_node}" for name in self.names),
                    "--map-by", "node" if in_turn else "slot"]
        for name, value in settings.items():
            launcher += ["--mca", name, value]
        return self.inside(0, [*launcher, *line])

    def bytes_carried(self):
        """For each node the bytes that its link has brought and taken so far."""
        found = []
        for name in self.names:
            told = ip("-json", "-stats", "-n", name, "link", "show", "dev", INTERFACE)
            counters = json.loads(told)[0]["stats64"]
            found.append((counters["rx"]["bytes"], counters["tx"]["bytes"]))
        return found

    def processes(self, node):
        """The numbers of all processes on a node, counted from 0."""
        return processes(self.names[node])


def tool_path(tool):
    return shutil.which(tool, path=SEARCH_PATH) or tool


def ip(*arguments, tool="ip"):
    """Runs ip or tc and returns what it printed."""
    line = [tool_path(tool), *map(str, arguments)]
    done = subprocess.run(line, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise NoNodes(f"{' '.join([tool, *line[1:]])}: {done.stderr.strip() or f'ended with {done.returncode}'}")
    return done.stdout


def processes(namespace):
    done = subprocess.run([tool_path("ip"), "netns", "pids", namespace], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return list(map(int, done.stdout.split()))


def runs(number, executable):
    """Whether a process is there and runs this program."""
    try:
        return os.readlink(f"/proc/{number}/exe") == str(executable.resolve())
    except OSError:
        return False


def kill_all(numbers):
    for each in numbers:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has just ended


def remove_namespace(name):
    """With what Open MPI leaves under its host name where mpirun or ranks were killed."""
    subprocess.run([tool_path("ip"), "netns", "delete", name], stderr=subprocess.DEVNULL)
    for folder in Path(tempfile.gettempdir()).glob(f"ompi.{name}.*"):
        shutil.rmtree(folder, ignore_errors=True)
    for segment in Path("/dev/shm").glob(f"vader_segment.{name}.*"):
        segment.unlink(missing_ok=True)


def remove_abandoned():
    """Removes the namespaces of processes that ended without doing so, by SIGKILL for one."""
    for line in ip("netns", "list").splitlines():
        match = re.match(rf"{PREFIX}-(\d+)-\w+", line)
        if match and not Path(f"/proc/{match[1]}").exists():
            kill_all(processes(match[0]))
            remove_namespace(match[0])
