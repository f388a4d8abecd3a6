"""One measured process: its command, what it printed, the memory it took, and who else was busy meanwhile."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import launch  # noqa: E402
from launch import BINARY, ROOT  # noqa: E402, F401


class Trouble(Exception):
    """A measurement that did not give a result; the message says which and why."""


class Stopped(Exception):
    """By a signal."""


def stop_on_signals():
    """The first signal leads through everything that tidies up, and the others change nothing any more."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

    def stop(number, _):
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for number in numbers:
        signal.signal(number, stop)


def cpuinfo(*fields):
    """The first of these fields that /proc/cpuinfo has, of the first processor."""
    lines = [line.partition(":") for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()]
    return next((value.strip() for field in fields for name, _, value in lines if name.strip() == field), "unknown")


def processor():
    return cpuinfo("model name")


def computes_bf16():
    """Whether the processor multiplies bf16 itself; else programs emulate it, slowly."""
    return any(name in cpuinfo("flags", "Features").split() for name in ("avx512_bf16", "amx_bf16", "bf16"))


def busy_seconds():
    """Processor seconds that all processes, or other machines on the same hardware, have used since the start."""
    fields = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    user, nice, system, _, _, interrupts, soft_interrupts, steal = fields[:8]
    return (user + nice + system + interrupts + soft_interrupts + steal) / os.sysconf("SC_CLK_TCK")


def environment(**extra):
    """With the modules beside this one for Python."""
    return launch.environment(PYTHONPATH=HERE, **extra)


class Process:
    """A command that runs; what it prints is kept in files."""

    def __init__(self, command, extra):
        self.line = " ".join(map(str, command))
        self.output, self.errors = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.usage = None
        """The resources it took, with those of all processes it has waited for, once it has ended."""
        self._process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.errors,
            env=environment(**extra),
            cwd=ROOT,
        )

    def has_ended(self):
        if self.usage is None:
            number, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if number:
                self.usage, self._process.returncode = usage, os.waitstatus_to_exitcode(status)
        return self.usage is not None

    def check(self):
        """Raises `Trouble` where it has failed already."""
        if self.has_ended() and self._process.returncode != 0:
            raise Trouble(f"{self.line}\n{self.text(self.errors)[-2000:]}")

    def end(self):
        """Asks it to end, which a launcher passes on to its ranks, and insists after a while."""
        deadline = time.monotonic() + 10
        if not self.has_ended():
            self._process.terminate()
        while not self.has_ended():
            if time.monotonic() > deadline:
                self._process.kill()
            time.sleep(0.05)

    def text(self, file):
        file.seek(0)
        return file.read()

    def json(self):
        """The JSON object that it printed last."""
        text = self.text(self.output)
        try:
            return json.loads(text[text.index("{") :])
        except ValueError as error:
            raise Trouble(f"{self.line}\nno JSON in what it printed: {text[-500:]!r}") from error


def adopt_orphans():
    """From now on a process whose starter has ended is this one's child, and its time can be told. mpirun does not wait for
    its daemons on other nodes."""
    child_subreaper = 36
    ctypes.CDLL(None).prctl(child_subreaper, 1, 0, 0, 0)


def seconds_of_orphans():
    """Processor seconds of adopted processes and of all that those have waited for; waits for their ends."""
    seconds, deadline = 0.0, time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            number, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break  # there are no more
        seconds += usage.ru_utime + usage.ru_stime
        if not number:
            time.sleep(0.02)
    return seconds


def run_together(commands, meanwhile=lambda: None, **extra):
    """Runs commands side by side to their ends: the processes, and the share of the machine that others used meanwhile.

    meanwhile: called again and again until the last one has ended.
    extra: more variables of their environment.
    """
    start, busy = time.monotonic(), busy_seconds()
    processes = []
    try:
        for command in commands:
            processes.append(Process(command, extra))
        # All are looked at, not only until the first one that still runs: each has to be waited for.
        while not all([process.has_ended() for process in processes]):
            for process in processes:
                process.check()
            meanwhile()
            time.sleep(0.02)
        for process in processes:
            process.check()
    except BaseException:
        for process in processes:
            process.end()
        raise
    own = sum(process.usage.ru_utime + process.usage.ru_stime for process in processes) + seconds_of_orphans()
    elapsed, busy = time.monotonic() - start, busy_seconds() - busy
    return processes, max(0.0, (busy - own) / elapsed / os.cpu_count())


def run(command):
    """The JSON a process prints last, with its largest resident memory (of the largest process it started) and the
    share of the machine that others used meanwhile."""
    (process,), others = run_together([command])
    return process.json() | {"peak_rss_bytes": process.usage.ru_maxrss * 1024, "others_share": others}
